"""Which sessions get a thread, and when. Whole magazines are in test_run.py."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.scanning.run import SessionTools
from filmscand.daemon.scanning.threads import SessionThreads
from filmscand.drivers.scanner.errors import ScannerGoneError

TIMING = ScanTiming(retry_first_s=0.01, retry_cap_s=0.01, poll_s=0.01)


class Station:
    """A station whose scanners are opened only when the test lets them, and are never there."""

    def __init__(self, root):
        self.connection = open_database(root / "station.db")
        self.sessions = Sessions(self.connection)
        self.opened = []
        self.go = threading.Event()
        tools = SessionTools(root / "station.db", root / "archive", TIMING, lambda: None, self.open)
        self.threads = SessionThreads(tools)

    def open(self, device):
        self.opened.append(device)
        assert self.go.wait(10.0)
        raise ScannerGoneError(f"{device}: no such device")

    def add(self, device):
        return self.sessions.add(ScanPlan(roll="r", device=device)).session_id

    def run_until(self, condition):
        deadline_s = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < deadline_s
            self.threads.update(self.connection)
            time.sleep(0.005)


@pytest.fixture
def station(tmp_path):
    made = Station(tmp_path)
    with closing(made.connection):
        yield made
        made.go.set()
        made.threads.ask_to_stop()
        assert made.threads.join(10.0)


def test_sessions_of_two_scanners_run_together_and_those_of_one_wait_for_each_other(station):
    first, waiting, other = station.add("test:0"), station.add("test:0"), station.add("test:1")
    station.run_until(lambda: len(station.opened) == 2)
    station.threads.update(station.connection)
    assert sorted(station.opened) == ["test:0", "test:1"]
    assert station.threads.busy
    station.go.set()
    states = lambda: {station.sessions.find(number).state for number in (first, waiting, other)}  # noqa: E731
    station.run_until(lambda: states() == {SessionState.FINISHED})
    assert sorted(station.opened) == ["test:0", "test:0", "test:1"]


def test_a_scanner_that_cannot_be_opened_ends_its_session_with_advice(station):
    number = station.add("test:0")
    station.go.set()
    station.run_until(lambda: station.sessions.find(number).state is SessionState.FINISHED)
    session = station.sessions.find(number)
    assert (session.reason, session.message) == (FinishReason.FAILED, "test:0: no such device")
    assert session.advice == ScannerGoneError.default_advice


def test_a_halted_session_gets_a_thread_only_once_a_person_answers(station):
    number = station.add("test:0")
    station.sessions.move(number, SessionState.WARMING)
    station.sessions.move(number, SessionState.ATTENTION, "a slide is stuck")
    station.threads.update(station.connection)
    assert not station.threads.busy
    station.sessions.ask(number, Wish.RESUME)
    station.run_until(lambda: station.opened == ["test:0"])
