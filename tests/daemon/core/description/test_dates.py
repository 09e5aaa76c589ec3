"""Dates as ISO 8601 and EDTF write them; what is none is refused in words."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.description.dates import checked_date


@pytest.mark.parametrize(
    "text",
    [
        "1968",
        "1968-07",
        "1968-07-14",
        "1968-02-29",
        "1968-07-14T15:30",
        "1968-07-14T15:30:00Z",
        "1968-07-14T15:30:00+02:00",
        "1968?",
        "1968-07~",
        "1968-07-14%",
        "196X",
        "19XX",
        "1968-XX",
        "1968-07-XX",
        "1968-XX-XX",
        "196X-02-29",
        "1968-21",
        "1965/1968",
        "1968-07-30/1968-08-02",
        "1968/..",
        "../1968",
        "/1968",
        "196X/1968",
        "1968-07/1968",
    ],
)
def test_a_date_stays_as_it_was_written(text):
    assert checked_date(text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("about 1968", "expected a date like 1968"),
        ("14.7.1968", "expected a date like 1968"),
        ("68", "expected a date like"),
        ("1968-7", "expected a date like"),
        ("１９６８", "expected a date like"),
        ("1968-13", "no such month or day"),
        ("1968-00", "no such month or day"),
        ("1967-02-29", "no such month or day"),
        ("1968-06-31", "no such month or day"),
        ("1968-XX-14", "no such month or day"),
        ("1968-21-01", "no such month or day"),
        ("1968-07-14T25:00", "hour must be in"),
        ("1968/1965", "ends before it begins"),
        ("1968-07-14/1968-07-13", "ends before it begins"),
        ("../..", "expected a date like"),
        ("/", "expected a date like"),
        ("1965/1966/1967", "expected a date like"),
    ],
)
def test_what_is_no_date_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        checked_date(text)
