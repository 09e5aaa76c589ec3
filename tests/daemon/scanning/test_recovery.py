"""What a session does about errors and requests: real database, errors of every kind of recovery."""

from __future__ import annotations

import errno
import threading
import time
from contextlib import closing

import pytest

from filmscand.daemon.core.errors import ArchiveUnwritableError, FrameExistsError, RollFrozenError
from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.scanning.recovery import (
    FILL_MAGAZINE,
    FREE_NAME,
    FREE_SCANNER,
    SessionOverError,
    SessionRecovery,
    SessionStoppedError,
)
from filmscand.drivers.scanner.errors import (
    MagazineEmptyError,
    ScanCancelledError,
    ScannerBusyError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)

QUICK = ScanTiming(
    busy_first_s=0.01, busy_cap_s=0.01, busy_limit_s=60.0, retry_first_s=0.01, retry_cap_s=0.01, tries=3, poll_s=0.01
)


class Line:
    """A session that scans, and the person who watches it."""

    def __init__(self, root, timing=QUICK):
        self.database = root / "station.db"
        self.connection = open_database(self.database)
        self.sessions = Sessions(self.connection)
        self.stop = threading.Event()
        session = self.sessions.add(ScanPlan(roll="r", device="test:0", frames=4))
        self.id = session.session_id
        self.sessions.move(self.id, SessionState.WARMING)
        self.sessions.move(self.id, SessionState.SCANNING)
        self.recovery = SessionRecovery(session, self.connection, timing, self.stop)
        self.seen = []

    def session(self):
        return self.sessions.find(self.id)

    def answer(self, wish):
        """Answer, on a thread of its own, as soon as the session is halted; note what the person sees then."""

        def watch():
            with closing(open_database(self.database)) as connection:
                sessions = Sessions(connection)
                deadline_s = time.monotonic() + 10.0
                while (session := sessions.find(self.id)).state is not SessionState.ATTENTION:
                    assert time.monotonic() < deadline_s
                    time.sleep(0.005)
                self.seen += [(session.message, session.advice), [alarm.key for alarm in Alarms(connection).standing()]]
                sessions.ask(self.id, wish)

        person = threading.Thread(target=watch)
        person.start()
        return person


@pytest.fixture
def line(tmp_path):
    made = Line(tmp_path)
    with closing(made.connection):
        yield made


def test_a_busy_scanner_is_waited_for(line):
    for _ in range(3):
        line.recovery.handle(ScannerBusyError("the lamp warms up"))
    assert (line.session().state, line.session().message) == (SessionState.WARMING, "the lamp warms up")


def test_a_scanner_that_is_busy_for_too_long_calls_a_person(tmp_path):
    line = Line(tmp_path, ScanTiming(busy_first_s=0.01, busy_cap_s=0.01, busy_limit_s=0.005, poll_s=0.01))
    with closing(line.connection):
        line.recovery.handle(ScannerBusyError("in use"))
        person = line.answer(Wish.RESUME)
        line.recovery.handle(ScannerBusyError("in use"))
        person.join()
    assert line.seen[0] == ("in use", FREE_SCANNER)


def test_a_failed_line_is_tried_again_and_at_last_a_person_is_called(line):
    for _ in range(QUICK.tries - 1):
        line.recovery.handle(ScannerIoError("read failed"))
    assert line.session().state is SessionState.WARMING
    person = line.answer(Wish.RESUME)
    line.recovery.handle(ScannerIoError("read failed"))
    person.join()
    assert line.seen[0] == ("read failed", ScannerIoError.default_advice)


def test_failures_count_from_zero_again_once_the_scanner_has_worked(line):
    for _ in range(3 * QUICK.tries):
        line.recovery.handle(ScannerIoError("read failed"))
        line.recovery.reset()
    assert line.session().state is SessionState.WARMING


def test_a_jam_raises_an_alarm_until_a_person_resumes(line):
    person = line.answer(Wish.RESUME)
    line.recovery.handle(ScannerJammedError("a slide is stuck"))
    person.join()
    assert line.seen == [("a slide is stuck", ScannerJammedError.default_advice), [f"session:{line.id}"]]
    assert Alarms(line.connection).standing() == []
    assert line.session().state is SessionState.WARMING


def test_a_person_who_is_called_may_cancel(line):
    person = line.answer(Wish.CANCEL)
    with pytest.raises(SessionOverError) as over:
        line.recovery.handle(ScannerJammedError("a slide is stuck"))
    person.join()
    assert over.value.reason is FinishReason.CANCELLED
    assert Alarms(line.connection).standing() == []


def test_an_error_of_the_settings_ends_the_session_with_its_advice(line):
    with pytest.raises(SessionOverError) as over:
        line.recovery.handle(ScannerSetupError("no such resolution", advice="Choose another."))
    assert (over.value.reason, over.value.message, over.value.advice) == (
        FinishReason.FAILED,
        "no such resolution",
        "Choose another.",
    )


def test_a_scan_that_was_cancelled_at_the_scanner_ends_the_session(line):
    with pytest.raises(SessionOverError) as over:
        line.recovery.handle(ScanCancelledError("cancelled"))
    assert over.value.reason is FinishReason.CANCELLED


def test_a_magazine_that_is_empty_from_the_start_calls_a_person(line):
    person = line.answer(Wish.RESUME)
    line.recovery.handle(MagazineEmptyError("no slide"))
    person.join()
    assert line.seen[0] == ("no slide", FILL_MAGAZINE)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.CANCEL])
def test_requests_are_obeyed_between_two_frames(line, wish):
    line.sessions.ask(line.id, wish)
    if wish is Wish.CANCEL:
        with pytest.raises(SessionOverError):
            line.recovery.obey_requests()
        return
    resume = threading.Timer(0.05, lambda: resume_paused(line))
    resume.start()
    line.recovery.obey_requests()
    resume.join()
    assert line.session().state is SessionState.WARMING


def resume_paused(line):
    with closing(open_database(line.database)) as connection:
        assert Sessions(connection).find(line.id).state is SessionState.PAUSED
        Sessions(connection).ask(line.id, Wish.RESUME)


def test_an_archive_in_trouble_is_tried_again_with_an_alarm_until_it_works(line):
    alarms = []

    def store():
        alarms.append([alarm.key for alarm in Alarms(line.connection).standing()])
        if len(alarms) < 3:
            raise ArchiveUnwritableError("/archive: read-only")
        return "stored"

    assert line.recovery.retry_until_stored(store) == "stored"
    assert alarms == [[], ["archive"], ["archive"]]
    assert Alarms(line.connection).standing() == []


def store_at_the_second_try(line, error):
    """Store a frame of which the first try fails; a person says that it may go on."""
    results = iter([error, "stored"])

    def store():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    person = line.answer(Wish.RESUME)
    assert line.recovery.retry_until_stored(store) == "stored"
    person.join()


def test_a_name_that_is_taken_halts_the_session_until_a_person_has_moved_the_file(line):
    store_at_the_second_try(line, FrameExistsError("/archive/a.tif: another file"))
    assert line.seen[0] == ("/archive/a.tif: another file", FREE_NAME)


def test_a_roll_that_is_frozen_meanwhile_halts_the_session_and_the_slide_is_kept(line):
    store_at_the_second_try(line, RollFrozenError("/archive/c/b/r: the roll is frozen: a file is not as recorded"))
    assert line.seen[0][0].startswith("/archive/c/b/r: the roll is frozen")
    assert "is kept meanwhile" in line.seen[0][1]


@pytest.mark.parametrize(
    "act",
    [
        lambda recovery: recovery.handle(ScannerBusyError("in use")),
        lambda recovery: recovery.obey_requests(),
        lambda recovery: recovery.halt(SessionState.PAUSED),
    ],
    ids=["error", "between frames", "halted"],
)
def test_a_service_that_stops_leaves_the_session_for_the_next_one(line, act):
    line.stop.set()
    with pytest.raises(SessionStoppedError):
        act(line.recovery)
    assert line.session().state is not SessionState.FINISHED


def test_a_captured_slide_is_kept_while_the_machine_has_no_descriptor_left(line):
    results = iter([OSError(errno.EMFILE, "Too many open files"), MemoryError(), "stored"])

    def store():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    assert line.recovery.retry_until_stored(store) == "stored"
    assert Alarms(line.connection).standing() == []


def test_a_mistake_of_ours_is_not_tried_again(line):
    def store():
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        line.recovery.retry_until_stored(store)
