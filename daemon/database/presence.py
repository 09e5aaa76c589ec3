"""Whether a station's database is there, and still is the file that a connection has open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from filmscand.daemon.database.trouble import DatabaseReplacedError, StationConnection


def is_blank(path: Path) -> bool:
    """Return whether a database is missing, or an empty file.

    The file is not opened: closing it again would drop the locks that SQLite holds on it in this process (POSIX).
    """
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


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
