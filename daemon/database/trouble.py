"""Errors of the database file, with the file's name and what to do about each.

DatabaseError
  DatabaseTooNewError      a newer filmscand wrote it: update filmscand
  DatabaseDamagedError     it is no database of a station, or damaged: rebuild it from the archive
  DatabaseFullError        its disk is full: free space there
  DatabaseUnusableError    it cannot be opened, read or written: look after its rights and its disk
  DatabaseMissingError     it is missing or empty beside an archive: put it back, or rebuild it
  DatabaseReplacedError    it is another file than before, or not the archive's: put the right one back, or rebuild it

All but the first are errors of SQLite as well: what waits for the database to answer again waits for these, too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filmscand.daemon.core.errors import DaemonError

T = TypeVar("T")

# Primary result codes of SQLite (sqlite3.h); an extended code has more bits above these eight.
_PRIMARY = 0xFF
_READING_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_DISK = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOLFS})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


class DatabaseError(DaemonError):
    """The station's database cannot be used."""


class DatabaseTooNewError(DatabaseError):
    """A newer filmscand wrote the database; this one would not understand it."""


class DatabaseDamagedError(DatabaseError, sqlite3.DatabaseError):
    """The file is damaged, or no database of a station."""


class DatabaseFullError(DatabaseError, sqlite3.OperationalError):
    """The disk of the database is full."""


class DatabaseUnusableError(DatabaseError, sqlite3.OperationalError):
    """The file cannot be opened, read or written."""


class DatabaseMissingError(DatabaseError, sqlite3.OperationalError):
    """The database is missing or empty, although the station has archived frames."""


class DatabaseReplacedError(DatabaseError, sqlite3.OperationalError):
    """Another file lies at the place of the database, or it does not know the archive: nothing may be written to it."""


class StationConnection(sqlite3.Connection):
    """A connection whose errors name the file, and say what to do.

    Attributes
    ----------
    file : Path
        The database file.
    file_id : tuple of int, or None
        Device and inode of the file that was opened; None: not known.
    """

    file: Path
    file_id: tuple[int, int] | None = None

    def cursor(self, *_: Any) -> sqlite3.Cursor:  # type: ignore[override]
        """Return a cursor whose errors name the file."""
        return super().cursor(_StationCursor)

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self.cursor().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        """Run one statement for each row of values."""
        return self.cursor().executemany(*arguments)


class _StationCursor(sqlite3.Cursor):
    def execute(self, *arguments: Any) -> Any:
        return self._named(lambda: super(_StationCursor, self).execute(*arguments))

    def executemany(self, *arguments: Any) -> Any:
        return self._named(lambda: super(_StationCursor, self).executemany(*arguments))

    def fetchone(self) -> Any:
        return self._named(super().fetchone)

    def fetchall(self) -> list[Any]:
        return self._named(super().fetchall)

    def __next__(self) -> Any:
        return self._named(super().__next__)

    def _named(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except DatabaseError:
            raise
        except sqlite3.Error as error:
            connection = self.connection
            assert isinstance(connection, StationConnection)
            raise named(error, connection.file) from error


def named(error: sqlite3.Error, file: Path) -> sqlite3.Error:
    """Return the error to raise instead of one of SQLite: it names the file and what to do.

    An error that is nobody's trouble with the file (a lock that is held, a broken constraint) stays as it is.
    """
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY
    if code in _DAMAGED or (code == sqlite3.SQLITE_ERROR and str(error).startswith("no such ")):
        return damaged(file, str(error))
    if code == sqlite3.SQLITE_FULL:
        return full(file, str(error))
    if code in _READING_ONLY:
        advice = "give the file and its folder to the user that runs filmscand, on a disk that can be written"
        return DatabaseUnusableError(f"{file}: cannot write the station's database: {error}; {advice}")
    if code in _DISK:
        return DatabaseUnusableError(
            f"{file}: cannot use the station's database: {error}; check that the file and its folder may be read and "
            f"written, and that their disk works. {_way_out('If the file is lost')}"
        )
    return error


def damaged(file: Path, found: str) -> DatabaseDamagedError:
    """Return the error of a file that is no database of a station, or a damaged one."""
    return DatabaseDamagedError(
        f"{file}: expected the station's database, found: {found}. {_way_out('Stop the service')}"
    )


def full(file: Path, found: str) -> DatabaseFullError:
    """Return the error of a full disk, with the space that is left on it."""
    try:
        state = os.statvfs(file.parent)
        left = f"{state.f_bavail * state.f_frsize >> 10} KiB are free in {file.parent}"
    except OSError as error:
        left = f"{file.parent}: {error.strerror}"
    return DatabaseFullError(
        f"{file}: no room for the station's database: {found}; {left}. Free space on this disk, then start again; "
        "nothing is lost"
    )


def _way_out(first: str) -> str:
    return (
        f"{first}, then `filmscand rebuild --replace` makes it again from the archive and keeps the old file aside; "
        "`filmscand verify` works without it"
    )
