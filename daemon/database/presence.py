"""Whether a station's database is there, and still is the file that a connection has open."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path
from typing import Final

from filmscand.daemon.database.trouble import DatabaseReplacedError, StationConnection

# Where SQLite keeps user_version in the header of a database file (sqlite.org/fileformat2.html).
_VERSION: Final = slice(60, 64)


def is_blank(path: Path) -> bool:
    """Return whether a database is missing, or is a file into which nothing was ever written.

    The file is not opened as a database: that needs room for its index, and may find damage.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    found = file_id(path)
    if found is None:
        return True
    if not path.is_file():
        return False
    header = os.pread(_descriptor(path, found), _VERSION.stop, 0)
    if len(header) < _VERSION.stop:
        return not header
    # The first commits may still be in the log.
    return header[_VERSION] == bytes(4) and not _size_of(path.with_name(f"{path.name}-wal"))


def file_id(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def require_in_place(connection: sqlite3.Connection, path: Path) -> None:
    """Require that `path` still is the file that the connection has open.

    Raises
    ------
    DatabaseReplacedError
        It was removed, or another file lies there: what the connection writes is forgotten.
    """
    if isinstance(connection, StationConnection) and connection.file_id not in (None, file_id(path)):
        raise DatabaseReplacedError(
            f"{path}: the station's database was removed or replaced while it was in use. "
            "Put it back, or run `filmscand rebuild`."
        )


@cache
def _descriptor(path: Path, _: tuple[int, int]) -> int:
    """Open a database file, once for each file; the descriptor stays open until the process ends.

    Closing any descriptor of a file drops every lock that the process holds on it (POSIX), also those of SQLite.
    Another process then takes itself for the last one and removes the log that this one still writes.
    """
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
