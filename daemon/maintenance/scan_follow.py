"""Follows a scanning session from a terminal, and sees to it that a service runs it.

The session is a row of the station's database. Where a service runs on the station it takes the row up; where none
does, one is started that lasts as long as there is something to scan and to clean. Should it be killed, the next one
goes on with the first missing frame.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import HALTED, SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.session_report import ScanReport, report_of
from filmscand.daemon.maintenance.status import service_status
from filmscand.daemon.station.configuration import Station

LOOK_S = 0.2
STOP_S = 40.0
_STARTS = 3


class ServiceDiedError(DaemonError):
    """The service that was started for a session does not stay alive."""


class Follower:
    """One terminal that waits for one session.

    Parameters
    ----------
    station : Station
        The station.
    config : Path or None
        Its configuration file, for a service that has to be started.
    session_id : int
        The session.
    ask : callable or None
        Asks the person at the terminal whether a halted session is to go on; None where nobody sits there.
    """

    def __init__(
        self, station: Station, config: Path | None, session_id: int, ask: Callable[[ScanReport], bool] | None
    ) -> None:
        self._station = station
        self._session_id = session_id
        self._ask = ask
        self._service = PrivateService(station, config)

    def follow(self, show: Callable[[ScanReport], None]) -> ScanReport:
        """Wait until the session and its cleaning are done, or until it waits for a person and nobody is there.

        Ctrl-C ends the session after the frame at hand; a second one leaves at once, and the session can be resumed.

        Parameters
        ----------
        show : callable
            Shown what came of it up to now, a few times a second.

        Raises
        ------
        ServiceDiedError
            If no service stays alive to run it.
        """
        with closing(open_database(self._station.database)) as connection, self._service, _terminating_in_order():
            cancelled = False
            while True:
                try:
                    return self._wait(connection, show)
                except KeyboardInterrupt:
                    if cancelled:
                        raise
                    cancelled = True
                    self._cancel(connection)

    def _wait(self, connection: sqlite3.Connection, show: Callable[[ScanReport], None]) -> ScanReport:
        while True:
            report = report_of(connection, self._session_id)
            show(report)
            if report.done or (self._ask is None and _calls_in_vain(report)):
                return report
            if report.session.state in HALTED and report.session.wish is None:
                self._put_to(connection, report)
            else:
                self._service.keep(connection)
            time.sleep(LOOK_S)

    def _put_to(self, connection: sqlite3.Connection, report: ScanReport) -> None:
        if self._ask is None:
            return
        wish = Wish.RESUME if self._ask(report) else Wish.CANCEL
        # Somebody else may have answered meanwhile.
        if Sessions(connection).find(self._session_id).state in HALTED:
            Sessions(connection).ask(self._session_id, wish)

    def _cancel(self, connection: sqlite3.Connection) -> None:
        if Sessions(connection).find(self._session_id).state is not SessionState.FINISHED:
            Sessions(connection).ask(self._session_id, Wish.CANCEL)


class PrivateService:
    """The service of a station that has none, while somebody waits for a session."""

    def __init__(self, station: Station, config: Path | None) -> None:
        self._command = [sys.executable, "-m", "filmscand.daemon.cli", "run", "--scans-only"]
        self._command += [] if config is None else ["--config", str(config)]
        self.log = station.database.with_name("scan.log")
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def __enter__(self) -> PrivateService:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it in order, where it still runs; what is left undone stays in the database."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def keep(self, connection: sqlite3.Connection) -> None:
        """Start a service where none runs on the station.

        Raises
        ------
        ServiceDiedError
            If it was started a few times and died each time.
        """
        if self._process is not None and self._process.poll() is None:
            return
        if service_status(connection).running:
            self._starts = 0
            return
        died = self._process is not None and self._process.returncode != 0
        if died and self._starts >= _STARTS:
            words = self.log.read_text(errors="replace").splitlines()[-1:]
            raise ServiceDiedError(f"the service does not stay alive ({self.log}): {' '.join(words)}")
        self._starts += 1
        with self.log.open("ab") as log:
            # Ctrl-C at the terminal is for the one who follows; the frame at hand is to be finished.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )


def _calls_in_vain(report: ScanReport) -> bool:
    return report.session.state is SessionState.ATTENTION and report.session.wish is None


@contextmanager
def _terminating_in_order() -> Iterator[None]:
    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, before)


def is_terminal() -> bool:
    """Tell whether a person sits at both ends: sees what is said and can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
