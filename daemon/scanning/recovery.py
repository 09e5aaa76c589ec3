"""Recovery of a scanning session from errors: it waits, tries again, or calls a person and waits for an answer."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from filmscand.daemon.core.errors import Fault, FrameExistsError, RollFrozenError, whose
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms, session_alarm
from filmscand.daemon.database.session_records import HALTED, FinishReason, Session, SessionState, Taken, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.drivers.scanner.errors import MagazineEmptyError, Recovery, ScannerError

log = logging.getLogger(__name__)

T = TypeVar("T")

FILL_MAGAZINE = "Put slides in, then go on."
FREE_SCANNER = "Close other programs that use the scanner, or turn it off and on again; then go on."
THAW_ROLL = "Then go on; the captured frame is kept meanwhile."
FREE_NAME = "Move the file away, then go on; the captured frame is kept meanwhile."


class SessionStoppedError(Exception):
    """The service stops; the session keeps its state, and the next service resumes it."""


class SlideSkippedError(Exception):
    """A person told the session to go on without the slide that halted it; the text is why it halted."""


class SessionOverError(Exception):
    """The session is over: nothing is left to scan, a person cancelled it, or it cannot go on."""

    def __init__(self, reason: FinishReason, message: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.advice = advice


class SessionRecovery:
    """Handles what keeps one session from scanning: errors of its scanner and of the archive, and requests of a person.

    Every method raises `SessionStoppedError` once the service stops. It raises `SessionOverError` if the session cannot
    go on, or if a person cancels it.

    Parameters
    ----------
    session : Session
        The session, as read from the database.
    connection : sqlite3.Connection
        Connection of the session's thread.
    timing : ScanTiming
        Pauses, and how many failures it takes until a person is called.
    stop : threading.Event
        Set when the service stops.
    """

    def __init__(
        self, session: Session, connection: sqlite3.Connection, timing: ScanTiming, stop: threading.Event
    ) -> None:
        self._id = session.session_id
        self._plan = session.plan
        self._sessions = Sessions(connection)
        self._alarms = Alarms(connection)
        self._timing = timing
        self._stop = stop
        self._failures = 0
        self._busy_since_s: float | None = None

    def reset(self) -> None:
        """Count failures from zero again, because the scanner has worked."""
        self._failures, self._busy_since_s = 0, None

    def handle(self, error: ScannerError) -> None:
        """Do what an error of the scanner requires, and return when the scanner may be tried again."""
        if self._stop.is_set():
            raise SessionStoppedError
        self._obey_running()
        match error.recovery:
            case Recovery.WAIT:
                self._wait_while_busy(error)
            case Recovery.REOPEN:
                self._wait_to_reopen(error)
            case Recovery.HUMAN:
                self.call_person(error)
            case Recovery.FIX:
                raise SessionOverError(FinishReason.FAILED, str(error), error.advice)
            case Recovery.FINISH:
                self._at_the_end(error)

    def call_person(self, error: ScannerError, advice: str = "") -> None:
        """Raise an alarm, and wait until a person resumes the session.

        Parameters
        ----------
        error : ScannerError
            The error to show.
        advice : str
            What the person should do; default: the advice of the error.
        """
        advice = advice or error.advice
        log.error("%s: %s. %s", self._plan.device, error, advice)
        key, message = session_alarm(self._id, self._plan.roll, str(error), advice)
        self._alarms.raise_alarm(key, message)
        try:
            self.halt(SessionState.ATTENTION, str(error), advice)
        finally:
            self._alarms.clear(key)
        self.reset()

    def obey_requests(self) -> None:
        """Obey requests of a person between two frames; a session that is halted waits until a person resumes it."""
        if self._stop.is_set():
            raise SessionStoppedError
        session = self._sessions.find(self._id)
        if session.state in HALTED:
            self.halt(session.state, session.message, session.advice)
        else:
            self._obey_running()

    def halt(self, state: SessionState, message: str = "", advice: str = "") -> None:
        """Stay in this state, with message and advice, until a person resumes the session.

        Raises
        ------
        SlideSkippedError
            The session is to go on without the current slide.
        """
        self._sessions.move(self._id, state, message, advice)
        while (wish := self._sessions.hear_halted(self._id)) is not Wish.RESUME:
            if wish is Wish.CANCEL:
                raise SessionOverError(FinishReason.CANCELLED)
            self._pause(self._timing.poll_s)
        if self._sessions.hear_skip(self._id):
            self.reset()
            raise SlideSkippedError(message)

    def retry_until_stored(self, action: Callable[[], T]) -> T:
        """Repeat an action on the archive until it succeeds, and return its result.

        An error of the world raises the alarm of the archive, and the action is tried again without a limit: a slide
        that was captured is kept meanwhile. A `FrameExistsError` or a frozen roll needs a person: the session halts.

        Raises
        ------
        sqlite3.Error
            The database does not answer: the session is continued from it.
        """
        failures = 0
        while True:
            try:
                result = action()
            except FrameExistsError as error:
                log.error("%s", error)
                self.halt(SessionState.ATTENTION, str(error), FREE_NAME)
            except RollFrozenError as error:
                log.error("%s", error)
                self.halt(SessionState.ATTENTION, str(error), THAW_ROLL)
            except Exception as error:
                if isinstance(error, sqlite3.Error) or whose(error) is not Fault.WORLD:
                    raise
                if self._alarms.raise_alarm(ARCHIVE_ALARM, message_of(error)):
                    log.error("%s; trying again until it works", message_of(error))
                self._pause(backoff_s(failures, self._timing.retry_first_s, self._timing.retry_cap_s))
                failures += 1
            else:
                if failures:
                    self._alarms.clear(ARCHIVE_ALARM)
                return result

    def _obey_running(self) -> None:
        match self._sessions.hear(self._id):
            case Wish.CANCEL:
                raise SessionOverError(FinishReason.CANCELLED)
            case Wish.PAUSE:
                self.halt(SessionState.PAUSED)

    def _wait_while_busy(self, error: ScannerError) -> None:
        now_s = time.monotonic()
        self._busy_since_s = self._busy_since_s or now_s
        busy_s = now_s - self._busy_since_s
        if busy_s > self._timing.busy_limit_s:
            self.call_person(error, FREE_SCANNER)
            return
        self._sessions.move(self._id, SessionState.WARMING, str(error))
        self._pause(min(self._timing.busy_cap_s, max(self._timing.busy_first_s, busy_s / 2)))

    def _wait_to_reopen(self, error: ScannerError) -> None:
        self._failures += 1
        if self._failures >= self._timing.tries:
            self.call_person(error)
            return
        log.warning("%s: %s; trying again", self._plan.device, error)
        self._sessions.move(self._id, SessionState.WARMING, str(error))
        self._pause(backoff_s(self._failures - 1, self._timing.retry_first_s, self._timing.retry_cap_s))

    def _at_the_end(self, error: ScannerError) -> None:
        if not isinstance(error, MagazineEmptyError):
            raise SessionOverError(FinishReason.CANCELLED, str(error), error.advice)
        taken = [frame for frame in self._sessions.frames(self._id) if frame.taken is not Taken.RESERVED]
        if not taken:
            self.call_person(error, FILL_MAGAZINE)
            return
        expected = self._plan.frames
        message = "" if expected is None else f"the magazine held {len(taken)} slides, expected {expected}"
        raise SessionOverError(FinishReason.MAGAZINE_EMPTY, message)

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise SessionStoppedError
