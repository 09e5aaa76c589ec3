"""Whether a station's database is there, and still is the file that a connection has open."""

from __future__ import annotations

import sqlite3
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
    try:
        with path.open("rb") as file:
            header = file.read(_VERSION.stop)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return False
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


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
