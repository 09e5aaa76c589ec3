"""Dates as ISO 8601 and EDTF write them; what is none is refused in words."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.description.dates import checked_date, first_moment


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


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("1974-07-14T15:30:07+02:00", "1974-07-14T15:30:07+02:00"),
        ("1974-07-14T15:30Z", "1974-07-14T15:30:00Z"),
        ("1974-07-14", "1974-07-14T00:00:00"),
        ("1974-07", "1974-07-01T00:00:00"),
        ("1974-07-XX", "1974-07-01T00:00:00"),
        ("1974?", "1974-01-01T00:00:00"),
        ("1974-XX-XX", "1974-01-01T00:00:00"),
        ("196X", "1960-01-01T00:00:00"),
        ("19XX~", "1900-01-01T00:00:00"),
        ("197X-02-29", "1970-02-28T00:00:00"),
        ("1968-21", "1968-03-01T00:00:00"),
        ("1968-24", "1968-12-01T00:00:00"),
        ("1965/1968", "1965-01-01T00:00:00"),
        ("../1968-07", "1968-07-01T00:00:00"),
        ("/1968", "1968-01-01T00:00:00"),
        ("1968/..", "1968-01-01T00:00:00"),
        ("0000", None),
        ("summer of 69", None),
    ],
)
def test_programs_that_know_whole_dates_only_get_the_first_second_that_a_date_may_mean(text, first):
    assert first_moment(text) == first
