from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.station.configuration import LogLevel
from filmscand.daemon.station.logs import frame_in_logs, set_up_logging

FRAME = FrameId("meyer", "box-3", "r12", 7)
log = logging.getLogger("daemon.test")


@pytest.fixture
def stream(monkeypatch):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_line_of_json_with_frame_and_roll(stream):
    set_up_logging(stream=stream)
    with frame_in_logs(FRAME):
        log.warning("registration %.2f px", 3.2, extra={"watch": "drop"})
    log.info("idle")
    first, second = lines(stream)
    assert (first["event"], first["level"], first["logger"]) == ("registration 3.20 px", "warning", "daemon.test")
    assert (first["frame"], first["roll"], first["watch"]) == ("r12_0007", "meyer/box-3/r12", "drop")
    assert first["timestamp"].endswith("Z")
    assert "frame" not in second


def test_an_exception_stays_on_its_line(stream):
    set_up_logging(stream=stream)
    try:
        raise ValueError("Büchse")
    except ValueError:
        log.exception("frame failed")
    (line,) = lines(stream)
    assert "ValueError: Büchse" in line["exception"]


def test_below_the_level_nothing_is_logged(stream):
    set_up_logging(LogLevel.ERROR, stream)
    log.warning("quiet")
    structlog.get_logger("daemon.test").warning("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", 7), ("info", 6), ("warning", 4), ("error", 3), ("critical", 2)]
)
def test_the_journal_gets_the_priority_first(stream, monkeypatch, level, priority):
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    set_up_logging(LogLevel.DEBUG, stream)
    getattr(log, level)("told")
    assert stream.getvalue().startswith(f'<{priority}>{{"')


def test_a_person_at_a_terminal_gets_text(stream):
    stream.isatty = lambda: True
    set_up_logging(stream=stream)
    log.info("frame archived")
    assert "frame archived" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_a_terminal_does_not_obey_what_a_record_quotes(stream):
    stream.isatty = lambda: True
    set_up_logging(stream=stream)
    try:
        raise ValueError("broken\x1b[2J.tif")
    except ValueError:
        log.exception("%s: set aside", "x\x1b]0;owned\x07.tif", extra={"watch": "\u202egnp"})
    shown = stream.getvalue()
    assert r"x\x1b]0;owned\x07.tif: set aside" in shown
    assert r"ValueError: broken\x1b[2J.tif" in shown
    assert r"\u202egnp" in shown
    assert [char for char in ("\x1b]", "\x1b[2J", "\x07", "\u202e") if char in shown] == []
