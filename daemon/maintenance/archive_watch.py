"""Looks for the station's archive all the time, and raises an alarm while it is not at its place."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms
from filmscand.daemon.database.connection import reopen_database

log = logging.getLogger(__name__)


class ArchiveWatch:
    """A thread of its own, for a share that does not answer must not keep the supervisor from feeding the watchdog.

    Parameters
    ----------
    archive : Archive
        The archive, with the station's ids.
    database : Path
        The station's database, for the alarm.
    every_s : float
        Seconds between two looks.
    """

    def __init__(self, archive: Archive, database: Path, every_s: float) -> None:
        self._archive = archive
        self._database = database
        self._every_s = every_s
        self._missing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="archive watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End at the next opportunity; a thread that hangs in a dead share ends with the process."""
        self._stop.set()

    def look(self) -> None:
        """Look once; raise or clear the alarm."""
        try:
            self._archive.require_present()
        except ArchiveUnwritableError as error:
            self._note(error)
        else:
            if self._missing:
                self._note(None)

    def _note(self, error: ArchiveUnwritableError | None) -> None:
        with closing(reopen_database(self._database)) as connection:
            alarms = Alarms(connection)
            if error is None:
                alarms.clear(ARCHIVE_ALARM)
                log.warning("%s: the archive is back", self._archive.root)
            else:
                alarms.raise_alarm(ARCHIVE_ALARM, str(error))
                if not self._missing:
                    log.error("%s Nothing is taken, cleaned or put away meanwhile.", error)
        self._missing = error is not None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except sqlite3.Error as error:
                log.warning("the database does not answer: %s", error)
            self._stop.wait(self._every_s)
