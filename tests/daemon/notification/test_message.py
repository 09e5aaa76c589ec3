"""What a message says, to programs and to people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.notification.message import AlarmNews, Message, SessionNews

FULL = AlarmNews.of("archive", "the archive is full", 1_800_000_000.0)
JAM = AlarmNews.of("session:3", "a slide is stuck. Free it.", 0.0)
ROLL = SessionNews(3, "c/b/mag2", "magazine_empty", 36, 34, 1, "the magazine held 35 slides, expected 36")


def message(**told):
    return Message(station=Path("/srv/film"), host="lab", **told)


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ({"raised": (FULL,)}, "lab: 1 new alarm"),
        ({"raised": (FULL, JAM), "standing": (FULL,)}, "lab: 2 new alarms"),
        ({"standing": (FULL,)}, "lab: 1 alarm still raised"),
        ({"cleared": (FULL, JAM)}, "lab: 2 alarms cleared"),
        ({"finished": (ROLL,), "standing": (FULL,)}, "lab: 1 alarm still raised, roll c/b/mag2 is finished"),
        ({"finished": (ROLL, ROLL)}, "lab: 2 rolls are finished"),
        ({"test": True}, "lab: test of the notifications"),
        ({"unreached_since": "2026-11-29T10:00:00+00:00"}, "lab: notifications arrive again"),
    ],
)
def test_the_title_says_in_one_line_what_is_told(told, title):
    assert message(**told).title == title


def test_the_text_has_a_line_for_each_alarm_and_session():
    text = message(raised=(JAM,), standing=(FULL,), cleared=(FULL,), finished=(ROLL,)).text
    assert text.splitlines() == [
        "New alarm: a slide is stuck. Free it.",
        "Finished (magazine_empty): roll c/b/mag2, 34 of 36 slides captured, 1 lost."
        " the magazine held 35 slides, expected 36",
        "Still raised: the archive is full",
        "Cleared: the archive is full",
    ]


def test_the_text_ends_after_twenty_lines_and_the_json_holds_all():
    many = message(raised=(FULL,) * 30)
    assert many.text.splitlines()[20:] == ["and 10 more: see `filmscand status`"]
    assert len(json.loads(many.as_json())["raised"]) == 30


def test_the_json_has_every_field_and_the_text_begins_with_the_title():
    document = json.loads(message(raised=(JAM,), cleared=(FULL,), finished=(ROLL,)).as_json())
    assert document["text"].startswith(
        "lab: 1 new alarm, 1 alarm cleared, roll c/b/mag2 is finished\nNew alarm: a slide"
    )
    assert document["raised"] == [{"key": "session:3", "message": "a slide is stuck. Free it.", "since": None}]
    assert document["cleared"][0]["since"] == "2027-01-15T08:00:00+00:00"
    assert document["finished"][0]["captured"] == 34
    assert (document["station"], document["host"], document["test"]) == ("/srv/film", "lab", False)


def test_what_a_terminal_obeys_is_written_out():
    hostile = AlarmNews.of("file:drop", "caf\udce9\x1b]0;owned\x07\0.tif", 0.0)
    told = message(raised=(hostile,))
    assert r"caf\xe9\x1b]0;owned\x07\x00.tif" in told.text
    assert json.loads(told.as_json())["raised"][0]["message"] == r"caf\xe9\x1b]0;owned\x07\x00.tif"
