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


# One entry for each schema number. An entry that has been released is never edited; a new one is appended.
_MIGRATIONS = (
    """
    CREATE TABLE frames (
        job_id        INTEGER PRIMARY KEY,
        collection    TEXT NOT NULL,
        box           TEXT NOT NULL,
        roll          TEXT NOT NULL,
        number        INTEGER NOT NULL CHECK (number > 0),
        state         TEXT NOT NULL CHECK (state IN ('reserved', 'queued', 'processing', 'finished')),
        outcome       TEXT CHECK (outcome IN ('archived', 'failed', 'set_aside')),
        request       TEXT NOT NULL DEFAULT '{}',
        source        TEXT NOT NULL,
        deaths        INTEGER NOT NULL DEFAULT 0,
        interruptions INTEGER NOT NULL DEFAULT 0,
        retries       INTEGER NOT NULL DEFAULT 0,
        not_before    REAL NOT NULL DEFAULT 0,
        lease_owner   TEXT,
        lease_pid     INTEGER,
        lease_born    INTEGER,
        lease_until   REAL,
        taken_at      REAL,
        error         TEXT,
        result        TEXT,
        created_at    REAL NOT NULL,
        finished_at   REAL,
        UNIQUE (collection, box, roll, number),
        CHECK ((outcome IS NOT NULL) = (state = 'finished')),
        CHECK ((lease_owner IS NOT NULL) = (state = 'processing'))
    );
    CREATE INDEX frames_by_state ON frames (state, deaths, interruptions, job_id);

    CREATE TABLE sources (
        job_id     INTEGER NOT NULL REFERENCES frames ON DELETE CASCADE,
        role       TEXT NOT NULL CHECK (role IN ('raw', 'infrared')),
        sha256     TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        name       TEXT NOT NULL,
        PRIMARY KEY (job_id, role)
    );
    -- Two blank infrared planes may well be equal; two pictures are not.
    CREATE UNIQUE INDEX picture_once ON sources (sha256) WHERE role = 'raw';

    CREATE TABLE candidates (
        candidate_id INTEGER PRIMARY KEY,
        watch        TEXT NOT NULL,
        path         TEXT NOT NULL,
        size_bytes   INTEGER NOT NULL,
        mtime_ns     INTEGER NOT NULL,
        state        TEXT NOT NULL CHECK (state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed', 'stored',
                                                    'released', 'duplicate', 'ambiguous', 'quarantined')),
        reason       TEXT,
        in_place     INTEGER NOT NULL DEFAULT 1 CHECK (in_place IN (0, 1)),
        job_id       INTEGER REFERENCES frames ON DELETE SET NULL,
        retries      INTEGER NOT NULL DEFAULT 0,
        not_before   REAL NOT NULL DEFAULT 0,
        seen_at      REAL NOT NULL,
        changed_at   REAL NOT NULL
    );
    -- Once a file was moved away, the same file may come again.
    CREATE UNIQUE INDEX dealt_with_once ON candidates (watch, path, size_bytes, mtime_ns) WHERE in_place;
    -- A file that is still growing is one candidate, not one for each size it has had.
    CREATE UNIQUE INDEX one_arrival ON candidates (watch, path)
        WHERE state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed');
    CREATE INDEX candidates_by_state ON candidates (watch, state);

    CREATE TABLE alarms (
        key       TEXT PRIMARY KEY,
        message   TEXT NOT NULL,
        raised_at REAL NOT NULL,
        last_at   REAL NOT NULL,
        times     INTEGER NOT NULL DEFAULT 1
    );

    CREATE TABLE service (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        pid        INTEGER NOT NULL,
        born       INTEGER NOT NULL,
        started_at REAL NOT NULL
    );
    """,
    """
    CREATE TABLE sessions (
        session_id  INTEGER PRIMARY KEY,
        plan        TEXT NOT NULL,
        state       TEXT NOT NULL CHECK (state IN ('idle', 'warming', 'scanning', 'paused', 'attention', 'finished')),
        reason      TEXT CHECK (reason IN ('complete', 'magazine_empty', 'cancelled', 'failed')),
        message     TEXT NOT NULL DEFAULT '',
        advice      TEXT NOT NULL DEFAULT '',
        wish        TEXT CHECK (wish IN ('pause', 'resume', 'cancel')),
        fraction    REAL NOT NULL DEFAULT 0,
        created_at  REAL NOT NULL,
        changed_at  REAL NOT NULL,
        finished_at REAL,
        CHECK ((reason IS NOT NULL) = (state = 'finished'))
    );
    CREATE INDEX sessions_by_state ON sessions (state);

    CREATE TABLE session_frames (
        session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        position   INTEGER NOT NULL CHECK (position > 0),
        number     INTEGER NOT NULL,
        taken      TEXT NOT NULL CHECK (taken IN ('reserved', 'captured', 'lost')),
        job_id     INTEGER UNIQUE REFERENCES frames ON DELETE SET NULL,
        flags      TEXT NOT NULL DEFAULT '',
        error      TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (session_id, position)
    );
    """,
    # Only scanned frames had a record of their capture in the request, and it did not say so.
    """UPDATE frames SET request = json_set(request, '$.captured.scanned', json('true'))
        WHERE json_type(request, '$.captured') = 'object';""",
    # A person may tell a halted session to go on without the slide that halted it.
    "ALTER TABLE sessions ADD COLUMN skip INTEGER NOT NULL DEFAULT 0 CHECK (skip IN (0, 1));",
    # Names are compared by a key that SQLite's lower() cannot make: it knows the letters of ASCII only.
    """
    ALTER TABLE candidates ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
    UPDATE candidates SET name_key = name_key(path);
    CREATE INDEX candidates_by_name ON candidates (watch, name_key);
    CREATE TABLE roll_names (
        collection TEXT NOT NULL,
        box        TEXT NOT NULL,
        roll       TEXT NOT NULL,
        name       TEXT NOT NULL,
        name_key   TEXT NOT NULL,
        PRIMARY KEY (collection, box, name_key),
        UNIQUE (collection, box, roll)
    );
    """,
    # See `filmscand.daemon.database.archive_records`.
    """
    CREATE TABLE archive_records (
        path        TEXT PRIMARY KEY,
        size_bytes  INTEGER NOT NULL,
        sha256      TEXT NOT NULL,
        recorded_at REAL NOT NULL
    );
    """,
    # The ids of the archive's marker. `replaces`: station id that the marker has until `settled` is 1.
    """
    CREATE TABLE identity (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        archive_id TEXT NOT NULL,
        station_id TEXT NOT NULL,
        replaces   TEXT,
        made_at    TEXT NOT NULL,
        settled    INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1))
    );
    """,
    # The page reads by these several times a second. Without them 200,000 frames take two seconds: each row is read.
    """
    CREATE INDEX frames_by_outcome ON frames (state, outcome);
    CREATE INDEX frames_by_end ON frames (state, finished_at, job_id);
    CREATE INDEX frames_by_roll ON frames (collection, box, roll, state, outcome);
    """,
)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the station's database for this thread, and bring its schema up to date.

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
    if schema_version(connection) == len(_MIGRATIONS):
        return
    with transaction(connection):
        for migration in _MIGRATIONS[_require_known(connection, path) :]:
            # executescript would commit the open transaction first.
            for statement in _statements(migration):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


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
    if version > len(_MIGRATIONS):
        raise DatabaseTooNewError(
            f"{path}: expected schema {len(_MIGRATIONS)} or older, found schema {version} of a newer filmscand. "
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
