"""The local socket of a running service: where it lies, who may use it, and how both ends reach it.

Its rights are the whole authority: the kernel lets only those connect who may write to it. These are the service's own
user, root, and the members of the group `filmscand`.
"""

from __future__ import annotations

import grp
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filmscand.daemon.station.configuration import Station

OPERATORS: Final = "filmscand"
# Commands of a few people, and a few scripts.
_WAITING: Final = 32


def socket_path(station: Station) -> Path:
    """Return the place of the socket: beside the database, which is on a local disk."""
    return station.database.with_name(f"{station.database.name}.socket")


@contextmanager
def listening_locally(station: Station) -> Iterator[socket.socket]:
    """Listen at the local socket of a station (a context manager); only the process that holds its lock may do this.

    Raises
    ------
    OSError
        The socket cannot be made in this folder.
    """
    path = socket_path(station)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # What an earlier service left when it was killed.
        path.unlink(missing_ok=True)
        with _short(path) as name:
            listener.bind(name)
        try:
            _give_to_operators(path)
            # Nobody can connect before this.
            listener.listen(_WAITING)
            yield listener
        finally:
            path.unlink(missing_ok=True)


def connect_locally(station: Station, timeout_s: float) -> socket.socket | None:
    """Connect to the service of a station; None if none listens, or if this user may not.

    Parameters
    ----------
    timeout_s : float
        Time for each answer, seconds.
    """
    path = socket_path(station)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(timeout_s)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        return None
    return client


def _give_to_operators(path: Path) -> None:
    """Let the group of operators write; where there is no such group, only the service's own user may."""
    path.chmod(0o600)
    try:
        group = grp.getgrnam(OPERATORS).gr_gid
    except KeyError:
        return
    # A service of another user, on a machine that has the group for its own service, is not for the members.
    with suppress(PermissionError):
        os.chown(path, -1, group)
        path.chmod(0o660)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of a socket that fits into its address, which takes 107 bytes; a station's folder may be deep."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
