"""Keeps one watch folder from claiming while the archive is not there, or has just failed."""

from __future__ import annotations

import logging
import time

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveUnwritableError, IntegrityError, StorageFullError
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms

log = logging.getLogger(__name__)

# Errors that concern every file: the archive's disk is full, fails or lies.
OF_THE_ARCHIVE = (StorageFullError, ArchiveUnwritableError, IntegrityError)


class ArchiveGate:
    """The pauses after failures of the archive, and its alarm.

    Attributes
    ----------
    opens_at_s : float
        Time (`time.monotonic`) at which the archive is tried again.
    is_missing : bool
        The archive was not at its place: no source may be touched.
    """

    def __init__(self, archive: Archive, alarms: Alarms, timing: Timing) -> None:
        self._archive = archive
        self._alarms = alarms
        self._timing = timing
        self._failures = 0
        self.opens_at_s = 0.0
        self.is_missing = False

    @property
    def is_closed(self) -> bool:
        """Whether the pause after the last failure has not passed yet."""
        return self.opens_at_s > time.monotonic()

    def is_archive_there(self) -> bool:
        """Look for the archive, unless it failed a moment ago."""
        if self.is_closed:
            return not self.is_missing
        try:
            self._archive.require_present()
        except ArchiveUnwritableError as error:
            self.is_missing = True
            self.note_failure(error)
            return False
        if self.is_missing:
            self.is_missing = False
            self.note_success()
        return True

    def note_failure(self, error: Exception) -> None:
        """Raise the alarm, and pause longer after each failure in a row."""
        pause_s = backoff_s(self._failures, self._timing.retry_first_s, self._timing.retry_cap_s)
        self.opens_at_s = time.monotonic() + pause_s
        self._failures += 1
        if self._alarms.raise_alarm(ARCHIVE_ALARM, str(error)):
            log.error("%s; retried until it works", error)

    def note_success(self) -> None:
        """End the alarm."""
        self._failures = 0
        self._alarms.clear(ARCHIVE_ALARM)
