"""What decisions come to: which are in force, the areas, the verdict."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from filmscand.daemon.core.decision import (
    Decision,
    DecisionKind,
    Drawn,
    Verdict,
    drawn_areas,
    in_force,
    verdict_of,
)

AREA, OTHER = ((0.0, 0.0), (0.0, 5.0), (5.0, 5.0)), ((1.0, 1.0), (1.0, 9.0), (9.0, 9.0))


def made(kind, revision=1, **more):
    return Decision.made_now(DecisionKind(kind), revision).model_copy(update=more)


def undo(decision):
    return made("undo", undoes=decision.id)


def test_an_undone_decision_is_not_in_force_and_the_others_are():
    first, second = made("accept"), made("scan_again")
    assert in_force([first, second, undo(second)]) == (first,)
    assert in_force([first, second, undo(second), undo(first)]) == ()


def test_areas_add_up_and_go_with_the_decision_that_drew_them():
    one = made("clean_again", excluded=(AREA,))
    other = made("clean_again", excluded=(OTHER,), marked=(AREA,))
    assert drawn_areas([one, other]) == Drawn((AREA, OTHER), (AREA,))
    assert drawn_areas([one, other, undo(other)]) == Drawn((AREA,), ())


def test_the_last_decision_is_the_verdict_if_it_ends_the_review():
    accepted = made("accept")
    assert verdict_of([accepted], 1) is Verdict.ACCEPTED
    assert verdict_of([accepted, made("clean_again", marked=(AREA,))], 2) is None
    assert verdict_of([], 1) is None


def test_an_accepted_revision_says_nothing_about_another_but_raw_stays_raw():
    assert verdict_of([made("accept")], 2) is None
    assert verdict_of([made("keep_raw")], 2) is Verdict.KEEP_RAW
    assert verdict_of([made("scan_again")], 2) is Verdict.SCAN_AGAIN


def test_only_what_belongs_to_a_decision_is_written():
    assert set(made("accept").model_dump(mode="json")) == {"id", "at", "kind", "revision"}


@pytest.mark.parametrize(
    "outline", [(), ((1, 1), (2, 2)), ((1, 1), (2, "x"), (3, 3)), ((1, 1), (2, float("inf")), (3, 3))]
)
def test_an_outline_needs_three_corners_that_are_numbers(outline):
    with pytest.raises(ValidationError):
        Decision(**made("clean_again").model_dump(), marked=(outline,))
