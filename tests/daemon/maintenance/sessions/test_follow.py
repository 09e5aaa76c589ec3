"""Following a session: when the follower returns, and what it asks. Whole scans are in cli/test_scan.py."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.sessions.follow import Answer, Follower
from filmscand.daemon.station.configuration import load_station
from support.live_station import write_config


@pytest.fixture
def station(tmp_path):
    return load_station(write_config(tmp_path))


@pytest.fixture
def sessions(station):
    with closing(open_database(station.database)) as connection:
        yield Sessions(connection)


@pytest.fixture
def session_id(sessions):
    number = sessions.add(ScanPlan(roll="r", device="test:0")).session_id
    sessions.move(number, SessionState.WARMING)
    return number


def test_a_session_that_is_over_is_reported_at_once(station, sessions, session_id):
    sessions.finish(session_id, FinishReason.COMPLETE)
    shown = []
    report = Follower(station, None, OwnDesk(station), session_id, None).follow(shown.append)
    assert report.done
    assert shown == [report]


def test_where_nobody_can_answer_a_session_that_needs_a_person_is_left_as_it_is(station, sessions, session_id):
    sessions.move(session_id, SessionState.ATTENTION, "a slide is stuck", "Free it.")
    report = Follower(station, None, OwnDesk(station), session_id, None).follow(lambda _: None)
    assert (report.session.state, report.session.message) == (SessionState.ATTENTION, "a slide is stuck")
    assert sessions.find(session_id).wish is None


@pytest.mark.parametrize("answer", Answer)
def test_an_answer_that_comes_after_another_terminal_has_ended_the_session_is_dropped(
    station, sessions, session_id, answer
):
    sessions.move(session_id, SessionState.ATTENTION, "a slide is stuck", "Free it.")
    asked = []

    def ask(report):
        asked.append(report.session.message)
        sessions.finish(session_id, FinishReason.CANCELLED)
        return answer

    report = Follower(station, None, OwnDesk(station), session_id, ask).follow(lambda _: None)
    assert asked == ["a slide is stuck"]
    assert (report.session.reason, report.session.wish) == (FinishReason.CANCELLED, None)


IS_TERMINAL = (
    "from filmscand.daemon.maintenance.sessions.follow import is_terminal; import sys; sys.exit(is_terminal())"
)
COMMAND = [sys.executable, "-c", IS_TERMINAL]


@pytest.mark.parametrize(("term", "answer"), [("xterm", 1), ("dumb", 0)])
def test_a_person_is_there_where_stdin_and_stderr_are_a_terminal_that_shows_bars(term, answer):
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", IS_TERMINAL],
            stdin=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": term},
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == answer


def test_a_script_is_no_person():
    done = subprocess.run(
        [sys.executable, "-c", IS_TERMINAL], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 0
