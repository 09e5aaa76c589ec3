"""The scanning sessions of a station: a thread for each scanner that has one, side by side."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import closing

from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import HALTED, RUNNABLE, FinishReason, Session, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.scanning.recovery import SessionStoppedError
from filmscand.daemon.scanning.run import SessionRun, SessionTools
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import ScannerError

log = logging.getLogger(__name__)


class SessionThreads:
    """Takes sessions up as they come, one after another for each scanner. Used by one thread.

    Parameters
    ----------
    tools : SessionTools
        What they work with.
    """

    def __init__(self, tools: SessionTools) -> None:
        self._tools = tools
        self._stop = threading.Event()
        self._threads: dict[int, SessionThread] = {}

    @property
    def busy(self) -> bool:
        """Whether any session is being run."""
        return any(thread.alive for thread in self._threads.values())

    def look(self, connection: sqlite3.Connection) -> None:
        """Take up what can be taken up, and note how far each frame is."""
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
        """Let every session end as soon as it can; a frame under way is given up and scanned again later."""
        self._stop.set()
        for thread in self._threads.values():
            thread.give_up()

    def join(self, at_most_s: float) -> bool:
        """Wait until all have ended; False where they did not in time."""
        deadline_s = time.monotonic() + at_most_s
        while self.busy and time.monotonic() < deadline_s:
            # A cancel that comes between two frames goes unheard.
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
        self._scanner: SaneScanner | None = None
        # libsane cannot hold it up, but a dead share can: it must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"session {session.session_id}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    @property
    def device(self) -> str:
        """The scanner that it holds."""
        return self._session.plan.device

    def fraction(self) -> float:
        """Return how much of the frame under way has come, 0..1."""
        scanner = self._scanner
        return 0.0 if scanner is None else scanner.progress().fraction

    def give_up(self) -> None:
        """Give up the frame under way."""
        if self._scanner is not None:
            self._scanner.cancel()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with closing(open_database(self._tools.database)) as connection:
                    self._serve(connection)
                return
            except SessionStoppedError:
                return
            except sqlite3.Error as error:
                log.warning("session %d: the database does not answer: %s", self._session.session_id, error)
            except Exception:
                log.exception("session %d begins anew", self._session.session_id)
            failures += 1
            self._stop.wait(backoff_s(failures, self._tools.timing.retry_first_s, self._tools.timing.retry_cap_s))

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
