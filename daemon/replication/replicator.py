"""Copies sealed rolls to one target, notes how each stands, and tells of what fails."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from filmscand.daemon.core.errors import DaemonError, IntegrityError, TransientError
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.core.visible import visible
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.keeping.replicas import (
    DAMAGE_ALARM,
    FAILING_ALARM,
    ROLL_ALARM,
    Replicas,
    RollReplica,
)
from filmscand.daemon.replication.folder_store import FolderStore
from filmscand.daemon.replication.replica_marker import require_own
from filmscand.daemon.replication.roll_copy import DAMAGED, Memory, RollCopy
from filmscand.daemon.replication.s3_store import S3Store
from filmscand.daemon.replication.sealed_roll import read_sealed_roll
from filmscand.daemon.replication.store import OWN_FOLDER, CopyBlockedError, RollChangingError, Store, TargetError
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import open_archive
from filmscand.daemon.station.sections.replicas import Replica

log = logging.getLogger(__name__)

_BEHIND_SCANNING = 10
# Tries after which a roll that is not what the station remembers needs a person: sealing again takes less.
_CHANGING_TRIES = 3


class StopAskedError(DaemonError):
    """The service stops: the copy ends after the current file, and is continued at the next start."""


class Replicator:
    """Copies to one target; to be used by one thread.

    Parameters
    ----------
    replica : Replica
        The target.
    station : Station
        The station.
    timing : ReplicateTiming
        Waiting times.
    stop : threading.Event
        Set when the service stops.
    now : callable
        Returns seconds since the epoch.
    """

    def __init__(
        self,
        replica: Replica,
        station: Station,
        timing: ReplicateTiming,
        stop: threading.Event,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = replica.name
        self._station = station
        self._timing = timing
        self._stop = stop
        self._now = now
        self._store = store_of(replica, station, timing)
        self._memory = Memory()
        self._remembered = ""
        self._damage_look_at = 0.0

    def look(self, connection: sqlite3.Connection) -> bool:
        """Copy one roll, if one is due; return whether there may be more.

        Raises
        ------
        sqlite3.Error
            The database does not answer.
        """
        replicas = Replicas(connection, self._name, self._now)
        replicas.enter()
        tries, not_before = replicas.target_failures()
        if tries and 0 < not_before - self._now() <= self._timing.retry_cap_s:
            return False
        due = replicas.due(self._timing.retry_cap_s)
        if due is None and not self._shall_look_for_damage(connection):
            return False
        try:
            with self._store.opened():
                self._require_right_place(connection, replicas, is_new=due is not None)
                if due is not None:
                    self._copy(connection, replicas, due)
                self._tell_of_damage(connection)
        except StopAskedError:
            replicas.begin()
            return False
        except TransientError as error:
            self._target_failed(connection, replicas, due, error, tries)
            return False
        self._target_works(connection, replicas)
        return due is not None

    def _shall_look_for_damage(self, connection: sqlite3.Connection) -> bool:
        # Only while the alarm stands: a disk that is fetched from the shelf for new rolls need not be there otherwise.
        if self._now() < self._damage_look_at:
            return False
        key = f"{DAMAGE_ALARM}{self._name}"
        return any(alarm.key == key for alarm in Alarms(connection).standing())

    def _require_right_place(self, connection: sqlite3.Connection, replicas: Replicas, *, is_new: bool) -> None:
        known = replicas.replica_id()
        if known is None and not is_new:
            return
        archive_id = identity_of(connection).archive_id
        found = require_own(self._store, archive_id, known, f"{socket.gethostname()}:{self._station.root}")
        if found != known:
            other = replicas.note_replica_id(found)
            if other is not None:
                raise TargetError(
                    f"{self._store.place}: the copies of the target {other} lie there; choose another place"
                )
            self._store.tidy(OWN_FOLDER)

    def _copy(self, connection: sqlite3.Connection, replicas: Replicas, due: RollReplica) -> None:
        memory = self._memory_of(f"{due.roll} {due.generation}")
        try:
            with open_archive(self._station.archive, identity_of(connection)):
                sealed = read_sealed_roll(self._station.archive, due.roll)
                self._require_remembered(sealed.generation, due)
                replicas.copying(due, len(sealed.files), sealed.size_bytes)
                tell = partial(self._raise_damage, connection)
                watcher = _Watcher(replicas, due, self._stop, self._timing.progress_s, tell)
                RollCopy(self._store, self._station.archive, sealed, memory, watcher).run()
        except (IntegrityError, CopyBlockedError, RollChangingError) as error:
            self._roll_failed(connection, replicas, due, error, blocked=not isinstance(error, RollChangingError))
            return
        replicas.verified(due)
        log.info("%s is copied to %s and verified there", due.roll, self._name)
        self._tell_of_rolls(connection, replicas)

    def _require_remembered(self, generation: str, due: RollReplica) -> None:
        if generation == due.generation:
            return
        kind = RollChangingError if due.tries < _CHANGING_TRIES else IntegrityError
        raise kind(
            f"{self._station.archive / due.roll}: expected the manifests that the station remembers, found others: the "
            "roll was sealed again just now, or they were changed. Run filmscand verify"
        )

    def _memory_of(self, copy: str) -> Memory:
        if self._remembered != copy:
            self._memory, self._remembered = Memory(), copy
        return self._memory

    def _roll_failed(
        self, connection: sqlite3.Connection, replicas: Replicas, due: RollReplica, error: DaemonError, *, blocked: bool
    ) -> None:
        replicas.failed(due, str(error), self._pause_s(due.tries), blocked=blocked)
        log.warning("%s is not copied to %s for now: %s", due.roll, self._name, error)
        self._tell_of_rolls(connection, replicas)

    def _tell_of_rolls(self, connection: sqlite3.Connection, replicas: Replicas) -> None:
        blocked = replicas.blocked()
        key, alarms = f"{ROLL_ALARM}{self._name}", Alarms(connection, self._now)
        if not blocked:
            alarms.clear(key)
            return
        others = f" (and {len(blocked) - 1} more rolls)" if len(blocked) > 1 else ""
        alarms.raise_alarm(key, f"{blocked[0].roll}{others} cannot be copied to {self._name}: {blocked[0].error}")

    def _target_failed(
        self,
        connection: sqlite3.Connection,
        replicas: Replicas,
        due: RollReplica | None,
        error: TransientError,
        tries: int,
    ) -> None:
        pause_s = self._pause_s(tries)
        if due is not None:
            replicas.failed(due, str(error), pause_s)
        since = replicas.target_failed(str(error), pause_s)
        log.log(logging.INFO if tries else logging.WARNING, "copies to %s wait: %s", self._name, error)
        failing_s = self._now() - since
        if failing_s >= self._timing.alarm_s:
            Alarms(connection, self._now).raise_alarm(
                f"{FAILING_ALARM}{self._name}",
                f"copies to {self._name} have failed for {_span(failing_s)} (since {_clock(since)}): {error}; tried "
                "again until it works",
            )

    def _target_works(self, connection: sqlite3.Connection, replicas: Replicas) -> None:
        if replicas.target_works():
            log.warning("copies to %s work again", self._name)
        Alarms(connection, self._now).clear(f"{FAILING_ALARM}{self._name}")

    def _tell_of_damage(self, connection: sqlite3.Connection) -> None:
        """Raise the alarm of damaged copies as long as they lie at the target: a person looks, and removes them."""
        self._damage_look_at = self._now() + self._timing.damage_s
        kept = sorted(self._store.sizes(DAMAGED))
        if kept:
            self._raise_damage(connection, [path.removeprefix(f"{DAMAGED}/") for path in kept])
        else:
            Alarms(connection, self._now).clear(f"{DAMAGE_ALARM}{self._name}")

    def _raise_damage(self, connection: sqlite3.Connection, paths: list[str]) -> None:
        files = "a file was" if len(paths) == 1 else f"{len(paths)} files were"
        message = (
            f"{self._name}: {files} not as the station had left it: {visible(paths[0])}. A good copy takes its place; "
            f"the damaged one is kept in {self._store.place}, below {DAMAGED}. Check the disk or the server, and "
            "who may write there; then remove the damaged copy"
        )
        if Alarms(connection, self._now).raise_alarm(f"{DAMAGE_ALARM}{self._name}", message):
            log.error("%s", message)

    def _pause_s(self, tries: int) -> float:
        return backoff_s(tries, self._timing.retry_first_s, self._timing.retry_cap_s)


class _Watcher:
    """Notes the progress of one copy, now and then, and ends it when the service stops."""

    def __init__(
        self,
        replicas: Replicas,
        due: RollReplica,
        stop: threading.Event,
        every_s: float,
        tell: Callable[[list[str]], None],
    ) -> None:
        self._replicas = replicas
        self._due = due
        self._stop = stop
        self._every_s = every_s
        self._tell = tell
        self._noted_s = time.monotonic()

    def has(self, files: int, size_bytes: int) -> None:
        """Note how much is there; see `roll_copy.Watcher`."""
        if self._stop.is_set():
            raise StopAskedError(f"{self._due.roll}: the service stops")
        if time.monotonic() - self._noted_s >= self._every_s:
            self._noted_s = time.monotonic()
            self._replicas.progress(self._due, files, size_bytes)

    def set_aside(self, paths: list[str]) -> None:
        """Tell of damaged files before they are replaced."""
        self._tell(paths)


def store_of(replica: Replica, station: Station, timing: ReplicateTiming) -> Store:
    """Return the place of a target."""
    if replica.folder is not None:
        return FolderStore(replica.folder, station.archive)
    return S3Store(replica, timing.request_s)


def be_polite() -> None:
    """Let the calling thread, and those that it starts, stand behind scanning, as the workers do."""
    # Linux keeps the nice value for each thread. Not behind the workers: a thread that never gets a core could hold
    # Python's lock, for which the other threads of the service wait.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND_SCANNING)


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes")
