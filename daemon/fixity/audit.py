"""The audit: reads the archive part by part, the one that was read longest ago first, and starts anew at the end.

A part is due when its time is up, less twice the time that one round through the archive takes at the speed limit: the
whole archive is read within the period although the service stands still for half of it. What was read is in the
database, so that a service that is killed goes on where it was; only the part at hand is read again.

A part that seems damaged is read once more after a pause before anybody is told: what a worker or a person was just
changing is whole by then, and a share that failed for a moment answers.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import time
from collections.abc import Callable

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import rolls_of
from filmscand.daemon.core.errors import Fault, whose
from filmscand.daemon.core.progress import bytes_told_to
from filmscand.daemon.core.timing import AuditTiming
from filmscand.daemon.database.frames import JobState, find_frame
from filmscand.daemon.database.keeping.audits import Audits, Part
from filmscand.daemon.fixity.findings import Findings
from filmscand.daemon.fixity.idle_io import idle_io
from filmscand.daemon.fixity.pace import Pace
from filmscand.daemon.fixity.parts import Found, PartReader
from filmscand.daemon.station.configuration import Audit

log = logging.getLogger(__name__)

# The service may stand still for half of the time.
_ROUNDS_IN_RESERVE = 2.0
_MIB = 1 << 20


class AuditStoppedError(Exception):
    """The service stops; the part at hand is read again by the next one."""


class Auditor:
    """Reads parts of an archive when they are due.

    Parameters
    ----------
    archive : Archive
        The archive, with the station's ids.
    connection : sqlite3.Connection
        Connection of the calling thread.
    audit : Audit
        How often, and how fast.
    timing : AuditTiming
        Waiting times.
    pause : callable
        Waits for a number of seconds, or raises `AuditStoppedError`.
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(
        self,
        archive: Archive,
        connection: sqlite3.Connection,
        audit: Audit,
        timing: AuditTiming,
        pause: Callable[[float], object],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._connection = connection
        self._audits = Audits(connection, clock)
        self._reader = PartReader(archive, connection)
        self._findings = Findings(connection, archive, clock)
        self._audit = audit
        self._timing = timing
        self._pause = pause
        self._clock = clock
        self._pace = Pace(audit.mib_per_s * _MIB, pause)
        self._read_bytes = 0
        self._enrolled_at = float("-inf")
        self._ahead_s = 0.0
        self._put_off: set[Part] = set()

    def step(self) -> bool:
        """Read the next part that is due; return False if none is.

        Raises
        ------
        TransientError, OSError, sqlite3.Error
            The archive or the database does not answer.
        """
        self._archive.require_present()
        now = self._clock()
        if not 0 <= now - self._enrolled_at < self._timing.enrol_s:
            self._enrol()
        every_s = self._audit.every_s
        damaged_s = min(every_s, self._timing.damaged_s)
        part = self._audits.next_due(now - every_s + self._ahead_s, now - damaged_s, self._put_off)
        if part is None:
            return False
        try:
            self._look_at(part)
        except AuditStoppedError:
            raise
        except Exception as error:
            if whose(error) is not Fault.FRAME:
                raise
            log.exception("%s: unexpected error of the audit; the other parts go on", part)
            self._put_off.add(part)
        return True

    def _enrol(self) -> None:
        """Look for new frames and rolls, in the archive and in the database."""
        new = self._audits.enrol_frames()
        for _, frames in itertools.groupby(self._archive.frames(), key=lambda frame: frame.roll_folder):
            new += self._audits.enrol(map(Part.of, frames))
        new += self._audits.enrol(map(Part.of_roll, rolls_of(self._archive)))
        # Only now: an enrolment that was cut off is begun again.
        self._enrolled_at = self._clock()
        self._put_off.clear()
        round_s = self._audits.size_bytes() / (self._audit.mib_per_s * _MIB)
        self._ahead_s = min(_ROUNDS_IN_RESERVE * round_s, self._audit.every_s / 2)
        if new:
            log.info("%d parts of the archive are new to the audit", new)

    def _look_at(self, part: Part) -> None:
        found, size_bytes = self._read(part)
        if found.damage:
            self._pause(self._timing.settle_s)
            before = self._reader.known(part)
            found, size_bytes = self._read(part)
            # Half of what is read from a disk that goes at this moment is missing.
            self._archive.require_present()
            if found.damage and (self._is_in_hand(part) or self._reader.known(part) != before):
                self._put_off.add(part)
                return
        if not found.is_known:
            self._audits.forget(part)
            return
        self._audits.enrol(found.told)
        self._findings.note(part, found.damage, size_bytes)

    def _read(self, part: Part) -> tuple[Found, int]:
        self._read_bytes = 0
        with idle_io(), bytes_told_to(self._count):
            found = self._reader.read(part)
        return found, self._read_bytes

    def _count(self, count: int) -> None:
        self._read_bytes += count
        self._pace.spend(count)

    def _is_in_hand(self, part: Part) -> bool:
        job = None if part.frame is None else find_frame(self._connection, part.frame)
        return job is not None and job.state in (JobState.RESERVED, JobState.PROCESSING)
