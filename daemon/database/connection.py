"""The station's database: an SQLite file in WAL mode, its schema, migrations and transactions.

Each thread and each process opens its own connection. SQLite's locks do not work over NFS: the file has to lie on a
local disk. The number of the schema (SQLite's user_version) covers the JSON in `frames.request` and `frames.result`
too: a field that one version adds there is kept by versions that do not know it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filmscand.daemon.database.presence import file_id, is_blank
from filmscand.daemon.database.room import fill_index, require_room
from filmscand.daemon.database.schema.migrations import MIGRATIONS
from filmscand.daemon.database.schema.old_copy import keep_old_copy
from filmscand.daemon.database.trouble import (
    DatabaseError,
    DatabaseFullError,
    DatabaseMissingError,
    DatabaseTooNewError,
    DatabaseUnusableError,
    StationConnection,
    damaged,
    full,
    named,
)
from filmscand.drivers.files.pairs import name_key

__all__ = [
    "DatabaseError",
    "DatabaseTooNewError",
    "open_database",
    "open_to_read",
    "reopen_database",
    "schema_version",
    "transaction",
]

BUSY_TIMEOUT_S = 15.0


def open_database(path: Path) -> sqlite3.Connection:
    """Open the station's database for this thread, and bring its schema up to date.

    Before the schema of an older filmscand is changed, the database is copied to NAME.schema-N beside it.

    Parameters
    ----------
    path : Path
        The database file; it is made where it is missing, its folder is not.

    Raises
    ------
    DatabaseTooNewError
        If a newer filmscand wrote it.
    DatabaseDamagedError
        If it is damaged or no database of a station.
    DatabaseFullError
        If its disk is full.
    sqlite3.Error
        If it cannot be opened.
    """
    return _open(path, str(path))


def reopen_database(path: Path) -> sqlite3.Connection:
    """Open the database of a station for one more thread or process; unlike `open_database`, never make one.

    Raises
    ------
    DatabaseMissingError
        If it is missing or empty.
    sqlite3.Error
        As for `open_database`.
    """
    if is_blank(path):
        raise DatabaseMissingError(f"{path}: the station's database is missing or empty; stop the service and look")
    return _open(path, f"{path.absolute().as_uri()}?mode=rw")


def _open(path: Path, address: str) -> StationConnection:
    require_room(path)
    connection = _connect(path, address)
    try:
        _require_own(connection, path)
        _configure(connection)
        connection.file_id = file_id(path)
        fill_index(path)
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing database of this schema or an older one, without ever writing to it.

    Raises
    ------
    DatabaseTooNewError
        If a newer filmscand wrote it.
    DatabaseDamagedError
        If it is damaged or no database of a station.
    sqlite3.Error
        If it is missing or cannot be read.
    """
    try:
        require_room(path)
    except DatabaseFullError:
        return _open_a_copy(path)
    try:
        return _open_to_read(path, f"{path.absolute().as_uri()}?mode=ro")
    except DatabaseUnusableError:
        # While no service runs, SQLite reads only with files beside the database, and makes them: a member of the group
        # may not.
        if os.access(path.parent, os.W_OK) or not os.access(path, os.R_OK):
            raise
        return _open_a_copy(path)


def _open_to_read(path: Path, address: str) -> sqlite3.Connection:
    connection = _connect(path, address)
    try:
        connection.row_factory = sqlite3.Row
        _require_own(connection, path)
        _require_known(connection, path)
        fill_index(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_a_copy(path: Path) -> sqlite3.Connection:
    """Open a copy of the database and its log in the folder for temporary files: nothing can be written beside it."""
    # Every command opens a database, and hardly any has to copy it.
    import shutil
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix="filmscand-") as folder:
            copy = Path(folder, path.name)
            for ending in ("", "-wal"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
            # The files stay as long as they are open.
            return _open_to_read(copy, f"{copy.as_uri()}?mode=ro")
    except OSError as error:
        raise full(path, f"a copy to read from: {error}") from error


def _connect(path: Path, address: str) -> StationConnection:
    if path.exists() and not path.is_file():
        raise damaged(path, "no file")
    try:
        connection = sqlite3.connect(
            address,
            uri=address.startswith("file:"),
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            factory=StationConnection,
        )
    except sqlite3.Error as error:
        raise named(error, path) from error
    connection.file = path
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock over the block: all of it is committed, or nothing.

    Inside another transaction the block joins it.
    """
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself already when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _configure(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # A source file may be deleted on the strength of a committed row: the row has to outlive a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("name_key", 1, name_key, deterministic=True)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if schema_version(connection) == len(MIGRATIONS):
        return
    with transaction(connection):
        known = _require_known(connection, path)
        # Another process may have been first.
        if 0 < known < len(MIGRATIONS):
            _keep_old_copy(path, known)
        for migration in MIGRATIONS[known:]:
            # executescript would commit the open transaction first.
            for statement in _statements(migration):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _keep_old_copy(path: Path, schema: int) -> None:
    try:
        keep_old_copy(path, schema)
    except sqlite3.Error as error:
        raise named(error, path) from error
    except OSError as error:
        raise full(path, f"a copy of it as it was before the update: {error}") from error


def _require_own(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database without our schema number that holds tables all the same."""
    # One transaction makes schema number and tables: another process never sees one without the other.
    if schema_version(connection) != 0:
        return
    found = connection.execute("SELECT name FROM sqlite_schema").fetchone()
    if found and schema_version(connection) == 0:
        raise damaged(path, f"the database of another program, with {found[0]}")


def _require_known(connection: sqlite3.Connection, path: Path) -> int:
    version = schema_version(connection)
    if version > len(MIGRATIONS):
        raise DatabaseTooNewError(
            f"{path}: expected schema {len(MIGRATIONS)} or older, found schema {version} of a newer filmscand. "
            "Update filmscand on this machine; nothing was changed."
        )
    return version


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of a database's schema, 0 for one without any."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
