"""The thread of the service that reads the archive back, all the time and behind all other work."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing

from filmscand.daemon.core.errors import Fault, whose
from filmscand.daemon.core.timing import AuditTiming
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.fixity.audit import Auditor, AuditStoppedError
from filmscand.daemon.fixity.idle_io import why_not_idle
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.station.configuration import Station

log = logging.getLogger(__name__)


class AuditThread:
    """Reads the archive of a station back, in a thread of its own.

    Parameters
    ----------
    station : Station
        The station; `audit.enabled` decides whether there is anything to do.
    timing : AuditTiming
        Waiting times.
    """

    def __init__(self, station: Station, timing: AuditTiming) -> None:
        self._station = station
        self._timing = timing
        self._stop = threading.Event()
        self._told = ""
        # A daemon thread: a share that does not answer must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def start(self) -> None:
        """Begin, unless the configuration says no."""
        if self._station.audit.enabled:
            self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the thread to end; it does so within a piece of a file, unless it hangs in a dead share."""
        self._stop.set()

    def join(self, at_most_s: float) -> bool:
        """Wait up to `at_most_s` seconds until the thread has ended; return False if it has not."""
        if self._thread.ident is not None:
            self._thread.join(at_most_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        problem = why_not_idle()
        if problem is not None:
            log.warning("the audit may disturb other work: %s", problem)
        while not self._stop.is_set():
            try:
                with closing(reopen_database(self._station.database)) as connection:
                    self._keep_reading(connection)
            except (AuditStoppedError, DatabaseReplacedError):
                # The supervisor ends the service where the database was replaced.
                return
            except Exception as error:
                self._tell(error)
            self._stop.wait(self._timing.retry_s)

    def _keep_reading(self, connection: sqlite3.Connection) -> None:
        archive = bound_archive(self._station, connection)
        auditor = Auditor(archive, connection, self._station.audit, self._timing, self._pause)
        while True:
            require_in_place(connection, self._station.database)
            if not auditor.step():
                self._pause(self._timing.poll_s)
            self._told = ""

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise AuditStoppedError

    def _tell(self, error: Exception) -> None:
        message = message_of(error)
        if whose(error) is Fault.FRAME:
            log.exception("unexpected error of the audit")
        elif message != self._told:
            # An archive that is not there has an alarm of its own.
            log.warning("the audit waits: %s", message)
        self._told = message
