"""Seals reopened rolls again: a thread of the service that looks for rolls whose revisions are finished."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.records.bag import DECLARATION
from filmscand.daemon.archive.records.known import EVENTS, reopening_records
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveMissingError, DaemonError
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.archive_records import (
    REOPENED,
    forget_record,
    reopened_rolls,
    sealed_rolls,
    write_records,
)
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.sealing.roll import RollUnfinishedError
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.station.configuration import Station

log = logging.getLogger(__name__)

RESEAL_ALARM = "seal_again"


@dataclass(slots=True)
class _Waiting:
    """A reopened roll: how its events looked last, since when, and how often sealing it has failed."""

    events_bytes: int
    since_s: float
    failures: int = 0
    not_before_s: float = 0.0
    problem: str | None = None


class Resealing:
    """A thread of its own, for it reads files, and a share that does not answer must not keep the supervisor waiting.

    Parameters
    ----------
    station : Station
        The station.
    timing : Timing
        Waiting times; see `Timing.quiet_s`.
    clock_s : callable
        Returns seconds of a clock that nobody sets.
    """

    def __init__(self, station: Station, timing: Timing, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._station = station
        self._quiet_s = timing.quiet_s
        self._tick_s = timing.tick_s
        self._clock_s = clock_s
        self._waiting: dict[str, _Waiting] = {}
        self._has_searched = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="resealing", daemon=True)

    def start(self, *, at_once: bool = False) -> None:
        """Begin.

        Parameters
        ----------
        at_once : bool
            Do not wait until nobody has changed a roll for a while: the service ends when its work is done.
        """
        if at_once:
            self._quiet_s = 0.0
        self._thread.start()

    def stop(self) -> None:
        """End after the roll that is being sealed; a thread that hangs in a dead share ends with the process."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; return whether the thread has ended."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def is_idle(self, connection: sqlite3.Connection) -> bool:
        """Return whether no roll waits, except for those that cannot be sealed."""
        refused = {roll for roll, one in self._waiting.copy().items() if one.problem is not None}
        return self._has_searched and not set(reopened_rolls(connection)) - refused

    def look(self) -> None:
        """Look once: seal the rolls that are due, and raise or clear the alarm."""
        with closing(reopen_database(self._station.database)) as connection:
            archive = bound_archive(self._station, connection)
            try:
                archive.require_present()
            except ArchiveMissingError:
                # The archive's own alarm tells.
                return
            if not self._has_searched:
                self._search(connection, archive)
            rolls = reopened_rolls(connection)
            self._waiting = {roll: self._waiting.get(roll) or _Waiting(-1, self._clock_s()) for roll in rolls}
            self._has_searched = True
            for roll in rolls:
                if not self._stop.is_set():
                    self._seal_if_due(connection, roll)
            self._waiting = {roll: self._waiting[roll] for roll in reopened_rolls(connection) if roll in self._waiting}
            self._tell(Alarms(connection))

    def _search(self, connection: sqlite3.Connection, archive: Archive) -> None:
        """Look into every sealed roll: a service that was killed may have reopened one and not recorded it."""
        rolls = map(Path, sealed_rolls(connection))
        write_records(connection, [record for roll in rolls for record in reopening_records(archive.root, roll)])

    def _seal_if_due(self, connection: sqlite3.Connection, roll: str) -> None:
        waiting, now_s = self._waiting[roll], self._clock_s()
        try:
            folder = self._station.archive / roll
            if (folder / DECLARATION).is_file() and not (folder / REOPENED).exists():
                # Somebody else has sealed it; what a worker recorded at the same moment came after.
                forget_record(connection, f"{roll}/{REOPENED}")
                return
            events_bytes = (folder / EVENTS).stat().st_size
            if events_bytes != waiting.events_bytes:
                waiting.events_bytes, waiting.since_s = events_bytes, now_s
            if now_s < max(waiting.since_s + self._quiet_s, waiting.not_before_s):
                return
            sealed = seal(self._station, roll)
        except RollUnfinishedError:
            # A frame is still in line.
            waiting.problem = None
        except (DaemonError, OSError) as error:
            waiting.problem = str(error)
            waiting.not_before_s = now_s + backoff_s(waiting.failures)
            waiting.failures += 1
        else:
            log.info("%s is sealed again, generation %d", roll, sealed.generation)

    def _tell(self, alarms: Alarms) -> None:
        problems = {roll: one.problem for roll, one in self._waiting.items() if one.problem is not None}
        if not problems:
            alarms.clear(RESEAL_ALARM)
            return
        roll, problem = next(iter(problems.items()))
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = f"{roll} has new revisions and cannot be sealed again{more}: {problem}"
        if alarms.raise_alarm(RESEAL_ALARM, message):
            log.error("%s", message)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except (sqlite3.Error, DaemonError, OSError) as error:
                log.warning("no roll can be sealed again now: %s", error)
            self._stop.wait(self._tick_s)
