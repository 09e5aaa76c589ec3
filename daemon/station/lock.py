"""The lock that makes one process the only one that runs a station."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station.configuration import Station


class StationBusyError(DaemonError):
    """Another service runs this station."""


@contextmanager
def sole_process(station: Station) -> Iterator[None]:
    """Have the station to oneself; the kernel lets go of it when the process ends, however it ends.

    Raises
    ------
    StationBusyError
        If another process has it.
    """
    path = station.database.with_name(f"{station.database.name}.lock")
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StationBusyError(
                f"{station.root}: another service (process {lock.read().strip() or 'unknown'}) runs this station"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
