"""Codes in words: every code of this version has words, and one of another version is shown as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.session_records import FinishReason, SessionState
from filmscand.daemon.scanning.capture_checks import Suspicion
from filmscand.daemon.web import words
from filmscand.ir.report import Caution, Method

CODES = Path(__file__).parents[3] / "docs" / "reference" / "codes.md"


def documented(title):
    """Return the codes of a table of the reference."""
    section = CODES.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {code for row in rows for code in re.findall(r"`([\w:]+)`", row)}


@pytest.mark.parametrize("code", sorted({*map(str, Caution), *map(str, Suspicion), *documented("Flags of a frame")}))
def test_every_caution_and_flag_has_a_meaning(code):
    assert words.reason(code).meaning != words.Reason(code, code.replace("_", " ").capitalize() + ".").meaning


def test_every_state_has_words():
    assert set(words.FRAME_WORDS) >= {*map(str, JobState), *map(str, JobOutcome)} - {"finished"}
    assert set(words.SESSION_WORDS) >= {*map(str, SessionState), *map(str, FinishReason)}
    put_away = {"stored", "released", "duplicate"}
    assert set(words.FILE_WORDS) == {*map(str, CandidateState)} - put_away
    assert set(words.METHOD_WORDS) == {*map(str, Method)}


def test_every_alarm_has_a_title():
    keys = {key.split(":")[0] for key in documented("Alarms")}
    assert {key for key in keys if words.alarm_title(f"{key}:x") == f"{key}:x"} == set()


def test_a_code_of_another_version_is_shown_as_it_is():
    assert words.reason("moon_dust") == words.Reason("moon_dust", "Moon dust.")
    assert words.alarm_title("moon:1") == "moon:1"


def test_a_code_is_told_once():
    assert [one.code for one in words.reasons(["same_slide", "no_film", "same_slide"])] == ["same_slide", "no_film"]


@pytest.mark.parametrize(
    ("state", "outcome", "codes", "look"),
    [
        ("queued", None, (), "queued"),
        ("finished", "archived", (), "archived"),
        ("finished", "archived", ("silver_film",), "archived"),
        ("finished", "archived", ("silver_film", "many_defects"), "flagged"),
        ("finished", "failed", ("many_defects",), "failed"),
        ("processing", None, ("same_slide",), "processing"),
    ],
)
def test_a_frame_is_flagged_if_there_is_something_to_look_at(state, outcome, codes, look):
    assert words.frame_look(state, outcome, codes) == look


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (-3, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3599, "1 h 0 min"),
        (11100, "3 h 5 min"),
        (4 * 86400, "4 days"),
    ],
)
def test_a_span_is_told_as_a_person_would(seconds, text):
    assert words.span(seconds) == text
