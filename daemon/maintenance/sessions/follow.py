"""Follows a scanning session from a terminal, and makes sure that a service runs it.

The session is a row of the station's database. If a service runs on the station, it starts the session. If none runs,
`TemporaryService` starts one.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.session_records import HALTED, SessionState, Wish
from filmscand.daemon.database.sessions import SessionError, Sessions
from filmscand.daemon.maintenance.desk.at_service import ServiceRefusedError
from filmscand.daemon.maintenance.desk.desk import Desk
from filmscand.daemon.maintenance.sessions.report import ScanReport, report_of
from filmscand.daemon.maintenance.temporary_service import POLL_S, TemporaryService
from filmscand.daemon.station.configuration import Station


class Answer(StrEnum):
    """What the person at the terminal says about a session that is halted."""

    GO_ON = "go on"
    SKIP = "skip"
    END = "end"


class Follower:
    """One terminal that follows one session.

    Parameters
    ----------
    station : Station
        The station whose database holds the session.
    config : Path or None
        Configuration file for a service that has to be started; None: the station's own.
    desk : Desk
        Where answers are handed in.
    session_id : int
        Number of the session.
    ask : callable or None
        Asks the person at the terminal what shall become of a halted session; None if no person is there.
    """

    def __init__(
        self,
        station: Station,
        config: Path | None,
        desk: Desk,
        session_id: int,
        ask: Callable[[ScanReport], Answer] | None,
    ) -> None:
        self._station = station
        self._desk = desk
        self._session_id = session_id
        self._ask = ask
        self._service = TemporaryService(station, config)

    def follow(self, show: Callable[[ScanReport], None]) -> ScanReport:
        """Wait until the session and its cleaning are done, or until it needs a person and nobody is there.

        Ctrl-C cancels the session after the current frame. A second Ctrl-C leaves at once; the session can be resumed.

        Parameters
        ----------
        show : callable
            Called with the report of the session a few times a second.

        Returns
        -------
        ScanReport
            The last report of the session.

        Raises
        ------
        ServiceDiedError
            No service stays alive to run the session.
        """
        with closing(open_to_read(self._station.database)) as connection, self._service, _orderly_termination():
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
            if report.done or (self._ask is None and _needs_person(report)):
                return report
            if report.session.state in HALTED and report.session.wish is None:
                self._ask_person(connection, report)
            else:
                self._service.keep_running(connection)
            time.sleep(POLL_S)

    def _ask_person(self, connection: sqlite3.Connection, report: ScanReport) -> None:
        if self._ask is None:
            return
        answer = self._ask(report)
        # Another terminal may have answered meanwhile.
        if Sessions(connection).find(self._session_id).state not in HALTED:
            return
        if answer is Answer.SKIP:
            with suppress(SessionError, ServiceRefusedError):
                self._desk.skip(self._session_id)
        else:
            self._desk.tell(self._session_id, Wish.RESUME if answer is Answer.GO_ON else Wish.CANCEL)

    def _cancel(self, connection: sqlite3.Connection) -> None:
        if Sessions(connection).find(self._session_id).state is not SessionState.FINISHED:
            self._desk.tell(self._session_id, Wish.CANCEL)


def _needs_person(report: ScanReport) -> bool:
    return report.session.state is SessionState.ATTENTION and report.session.wish is None


@contextmanager
def _orderly_termination() -> Iterator[None]:
    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, before)


def is_terminal() -> bool:
    """Return whether a person can read the messages (stderr) and answer them (stdin)."""
    return sys.stdin.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
