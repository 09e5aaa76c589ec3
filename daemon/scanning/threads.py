"""Runs the scanning sessions of a station: one thread for each session, at most one session for each scanner."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing

from filmscand.daemon.core.errors import Fault, whose
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.session_records import HALTED, RUNNABLE, FinishReason, Session, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.scanning.recovery import SessionStoppedError
from filmscand.daemon.scanning.run import SessionRun, SessionTools
from filmscand.drivers.scanner.errors import ScannerError
from filmscand.drivers.scanner.protocol import Scanner

log = logging.getLogger(__name__)


class SessionThreads:
    """Starts sessions as they are added: one at a time for each scanner. To be used by one thread only.

    Parameters
    ----------
    tools : SessionTools
        What every session works with: database, archive, timing, scanners.
    """

    def __init__(self, tools: SessionTools) -> None:
        self._tools = tools
        self._stop = threading.Event()
        self._threads: dict[int, SessionThread] = {}

    @property
    def busy(self) -> bool:
        """Whether any session is running."""
        return any(thread.alive for thread in self._threads.values())

    def update(self, connection: sqlite3.Connection) -> None:
        """Start every session that can be started, and record the progress of the frame that each one scans."""
        self._threads = {number: thread for number, thread in self._threads.items() if thread.alive}
        sessions = Sessions(connection)
        for session in sessions.unfinished():
            thread = self._threads.get(session.session_id)
            if thread is not None:
                if session.state is SessionState.SCANNING:
                    sessions.note_progress(session.session_id, thread.fraction())
            elif _is_due(session) and session.plan.device not in self._devices():
                self._threads[session.session_id] = SessionThread(session, self._tools, self._stop)

    def ask_to_stop(self) -> None:
        """Ask every session to stop; the frame that it scans is abandoned and scanned again later."""
        self._stop.set()
        for thread in self._threads.values():
            thread.cancel_frame()

    def join(self, at_most_s: float) -> bool:
        """Wait up to `at_most_s` seconds until all sessions have stopped; return False if they have not."""
        deadline_s = time.monotonic() + at_most_s
        while self.busy and time.monotonic() < deadline_s:
            # A scanner that is between two frames ignores a cancel: ask again.
            self.ask_to_stop()
            time.sleep(0.05)
        return not self.busy

    def _devices(self) -> set[str]:
        return {thread.device for thread in self._threads.values()}


class SessionThread:
    """The thread of one session."""

    def __init__(self, session: Session, tools: SessionTools, stop: threading.Event) -> None:
        self._session = session
        self._tools = tools
        self._stop = stop
        self._scanner: Scanner | None = None
        # A daemon thread: a share that does not answer may block it, and it must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"session {session.session_id}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def device(self) -> str:
        """Name of the scanner that the session uses."""
        return self._session.plan.device

    def fraction(self) -> float:
        """Return how much of the current frame has been read, 0..1."""
        scanner = self._scanner
        return 0.0 if scanner is None else scanner.progress().fraction

    def cancel_frame(self) -> None:
        """Cancel the frame that is being scanned."""
        if self._scanner is not None:
            self._scanner.cancel()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with closing(reopen_database(self._tools.database)) as connection:
                    self._serve(connection)
                return
            except SessionStoppedError:
                return
            except Exception as error:
                self._tell(error)
            failures += 1
            self._stop.wait(backoff_s(failures, self._tools.timing.retry_first_s, self._tools.timing.retry_cap_s))

    def _tell(self, error: Exception) -> None:
        if whose(error) is Fault.FRAME:
            log.exception("session %d: unexpected error, the session is started again", self._session.session_id)
        else:
            log.warning("session %d is started again: %s", self._session.session_id, message_of(error))

    def _serve(self, connection: sqlite3.Connection) -> None:
        try:
            scanner = self._tools.open_scanner(self.device)
        except ScannerError as error:
            log.error("session %d: %s", self._session.session_id, error)
            Sessions(connection).finish(self._session.session_id, FinishReason.FAILED, str(error), error.advice)
            return
        with scanner:
            self._scanner = scanner
            SessionRun(self._session, self._tools, connection, scanner, self._stop).run()


def _is_due(session: Session) -> bool:
    return session.state in RUNNABLE or (session.state in HALTED and session.wish is not None)
