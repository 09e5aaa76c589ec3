"""What people write about a frame: what is left out stays, an empty field is cleared, only what is set is written."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.description.record import NOTHING, Description, DescriptionChanges


def test_only_what_is_set_is_written():
    described = DescriptionChanges(caption=" Ada on the pier ", turn=90).applied_to(None)
    assert described.model_dump_json() == '{"caption":"Ada on the pier","turn":90}'
    assert Description.model_validate_json(described.model_dump_json()) == described
    assert described.orientation == Orientation(90)
    assert (NOTHING.is_empty, described.is_empty) == (True, False)


def test_what_is_left_out_stays_and_what_is_emptied_is_cleared():
    before = Description(caption="Ada", date="1968", mount_number="12A", turn=90, mirrored=True)
    after = DescriptionChanges.model_validate({"caption": "", "date": None, "turn": None}).applied_to(before)
    assert after == Description(mount_number="12A", mirrored=True)


def test_fields_of_a_later_version_are_kept():
    before = Description.model_validate({"caption": "Ada", "place": "Brighton"})
    assert "Brighton" in DescriptionChanges(caption="Bob").applied_to(before).model_dump_json()


def test_letters_are_written_in_one_form():
    assert DescriptionChanges(caption="Cafe\u0301").caption == "Caf\u00e9"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"caption": "one\ntwo"}, "one line"),
        ({"caption": "\u202eevil"}, "control characters"),
        ({"caption": "caf\ufffd"}, "save the file as UTF-8"),
        ({"caption": "x" * 1001}, "1000"),
        ({"mount_number": "x" * 65}, "64"),
        ({"date": "summer"}, "expected a date like"),
        ({"turn": 45}, "0, 90, 180 or 270"),
        ({"title": "x"}, "Extra"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        DescriptionChanges.model_validate(changes)
