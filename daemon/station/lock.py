"""The locks of a station: only one process at a time runs its service, and only one imports files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.rights import require_changeable


class StationBusyError(DaemonError):
    """Another process runs the service of this station, or an import."""


@contextmanager
def sole_process(station: Station) -> Iterator[None]:
    """Hold the lock of a station (a context manager); the kernel releases it when the process ends, however it ends.

    Parameters
    ----------
    station : Station
        The lock is a file beside its database; it holds the number of the process that runs the service.

    Raises
    ------
    StationBusyError
        Another process holds the lock.
    NotYourStationError
        This user may not change the station.
    """
    require_changeable(station)
    with _held(station, ".lock", "another service (process {}) runs this station"):
        yield


@contextmanager
def sole_import(station: Station) -> Iterator[None]:
    """Hold the lock of the import into a station, which works beside the service; see `sole_process`."""
    require_changeable(station)
    with _held(station, ".import.lock", "another import (process {}) runs; wait until it has ended"):
        yield


@contextmanager
def _held(station: Station, ending: str, busy: str) -> Iterator[None]:
    path = station.database.with_name(f"{station.database.name}{ending}")
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StationBusyError(f"{station.root}: {busy.format(lock.read().strip() or 'unknown')}") from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
