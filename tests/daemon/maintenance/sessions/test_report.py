"""The report of a session: when it is done, and the exit status that it means."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from pydantic_core import to_jsonable_python

from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Taken
from filmscand.daemon.database.sessions import SessionError, Sessions
from filmscand.daemon.maintenance.sessions.report import ScannedFrame, ScanReport, report_of


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


def frame(position, taken=Taken.CAPTURED, state=JobState.FINISHED, outcome=JobOutcome.ARCHIVED):
    name = f"c/b/r_{position:04d}"
    return ScannedFrame(position, name, position, taken, state, outcome, (), (), None, None, None, "")


GOOD = frame(1)
FAILED = frame(2, outcome=JobOutcome.FAILED)
LOST = frame(3, taken=Taken.LOST, state=None, outcome=None)
QUEUED = frame(4, state=JobState.QUEUED, outcome=None)


def report(connection, frames, *, expected=None, state=SessionState.FINISHED, reason=FinishReason.COMPLETE):
    session = Sessions(connection).add(ScanPlan(roll="r", device="test:0", frames=expected))
    return ScanReport(replace(session, state=state, reason=reason), tuple(frames))


@pytest.mark.parametrize(
    ("frames", "changes", "status"),
    [
        pytest.param([GOOD], {}, Exit.DONE, id="all-archived"),
        pytest.param([GOOD], {"expected": 1}, Exit.DONE, id="as-many-as-expected"),
        pytest.param([GOOD], {"expected": 2}, Exit.PART_FAILED, id="fewer-than-expected"),
        pytest.param([GOOD, FAILED], {}, Exit.PART_FAILED, id="one-failed"),
        pytest.param([GOOD, LOST], {}, Exit.PART_FAILED, id="one-lost"),
        pytest.param([GOOD, QUEUED], {}, Exit.PART_FAILED, id="not-all-cleaned"),
        pytest.param([GOOD], {"reason": FinishReason.CANCELLED}, Exit.PART_FAILED, id="cancelled"),
        pytest.param([GOOD], {"reason": FinishReason.FAILED}, Exit.SCANNER, id="scanner-failed"),
        pytest.param([GOOD], {"state": SessionState.ATTENTION, "reason": None}, Exit.SCANNER, id="needs-a-person"),
    ],
)
def test_the_exit_status_tells_how_the_session_went(connection, frames, changes, status):
    assert report(connection, frames, **changes).exit_status is status


def test_captured_and_cleaned_frames_are_counted(connection):
    found = report(connection, [GOOD, FAILED, LOST, QUEUED])
    assert (found.captured, found.cleaned, found.done) == (3, 2, False)
    assert report(connection, [GOOD, FAILED, LOST]).done


def test_a_session_without_frames_is_reported_from_the_database(connection):
    number = Sessions(connection).add(ScanPlan(collection="c", box="b", roll="r", device="test:0")).session_id
    plain = to_jsonable_python(report_of(connection, number).summary())
    assert (plain["session"], plain["state"], plain["frames"]) == (number, SessionState.IDLE, [])
    assert (plain["plan"]["device"], plain["lost"]) == ("test:0", 0)


def test_a_session_that_does_not_exist_is_an_error(connection):
    with pytest.raises(SessionError, match="no session 7"):
        report_of(connection, 7)
