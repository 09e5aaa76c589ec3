"""What a second cleaning made of a frame: better, worse, or nothing that its reports can tell."""

from __future__ import annotations

import pytest

from filmscand.daemon.bulk.recleaning.comparison import Effect, compare, report_of, unfinished
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.sheets.cleanings import Findings, FrameCleaning, Setting

FRAME = FrameId("c", "b", "r", 1)


def found(method="infrared", coverage=0.01, cautions=()):
    return Findings(method, coverage, 10, 1, tuple(cautions))


def cleaning(findings, outcome=JobOutcome.ARCHIVED, error=None, revision=1):
    setting = Setting(FilmKind.UNKNOWN, 0.5, None)
    return FrameCleaning(
        1, FRAME, JobState.FINISHED, outcome, error, setting, (), (), revision, True, "e", "m", findings
    )


FAILED = cleaning(None, JobOutcome.FAILED, "ValueError: no picture")


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (found(), found(), Effect.SAME),
        (found(coverage=0.01), found(coverage=0.02), Effect.OTHER),
        (found("detector"), found("infrared"), Effect.BETTER),
        (found("infrared"), found("fusion"), Effect.OTHER),
        (found("infrared"), found("none"), Effect.WORSE),
        (found(cautions=["many_defects"]), found(), Effect.BETTER),
        (found(), found(cautions=["infrared_moved"]), Effect.WORSE),
        (found(cautions=["many_defects"]), found(cautions=["infrared_moved"]), Effect.MIXED),
        (found("none"), found("infrared", cautions=["infrared_turned"]), Effect.MIXED),
        (found(None, None), found(None, None), Effect.SAME),
    ],
)
def test_evidence_and_cautions_tell_better_from_worse_and_numbers_alone_do_not(before, after, effect):
    assert compare(cleaning(before), cleaning(after)).effect is effect


def test_a_frame_that_failed_before_is_better_and_one_that_fails_now_is_worse():
    assert compare(FAILED, cleaning(found())).effect is Effect.BETTER
    worse = compare(cleaning(found()), FAILED)
    assert (worse.effect, worse.error, worse.after) == (Effect.WORSE, "ValueError: no picture", None)
    assert compare(FAILED, FAILED).effect is Effect.SAME


def test_cautions_that_came_and_went_are_named():
    one = compare(cleaning(found(cautions=["a", "b"])), cleaning(found(cautions=["b", "c"])))
    assert (one.gained, one.lost) == (("c",), ("a",))


def test_a_report_counts_what_was_cleaned_and_lists_what_was_done_already():
    cleaned = [compare(cleaning(found()), cleaning(found(coverage=0.02))), compare(cleaning(found()), FAILED)]
    report = report_of(cleaned, [compare(cleaning(found()), cleaning(found()))], ["c/b/r_0002"])
    assert {effect: count for effect, count in report.effects.items() if count} == {"other": 1, "worse": 1}
    assert (len(report.frames), report.done, report.skipped) == (3, 1, ("c/b/r_0002",))
    assert report.exit_status is Exit.PART_FAILED
    assert report_of([], [], [], remaining=1).exit_status is Exit.FAILED
    assert report_of([unfinished(cleaning(found()))], [], []).exit_status is Exit.DONE
    assert report_of([unfinished(cleaning(found()), "no room")], [], []).exit_status is Exit.FAILED
