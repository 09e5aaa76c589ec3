"""The station's database: an SQLite file in WAL mode, its schema, migrations and transactions.

Each thread and each process opens its own connection. SQLite's locks do not work over NFS: the file has to lie on a
local disk. The number of the schema (SQLite's user_version) covers the JSON in `frames.request` and `frames.result`
too: a field that one version adds there is kept by versions that do not know it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError

BUSY_TIMEOUT_S = 15.0


class DatabaseError(DaemonError):
    """The station's database cannot be used."""


class DatabaseMissingError(DatabaseError):
    """The database is missing or empty, although the station has archived frames: it has to be rebuilt."""


class DatabaseReplacedError(DatabaseError):
    """Another file lies at the place of the database, or it does not know the archive: nothing may be written to it."""


class DatabaseTooNewError(DatabaseError):
    """A newer filmscand wrote the database; this one would not understand it."""


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
    """
    UPDATE frames SET request = json_set(request, '$.captured.scanned', json('true'))
        WHERE json_type(request, '$.captured') = 'object';
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
    sqlite3.Error
        If it cannot be opened or is no database.
    """
    return _open(str(path), path)


def reopen_database(path: Path) -> sqlite3.Connection:
    """Open the database of a station for one more thread or process; unlike `open_database`, never make one.

    Raises
    ------
    DatabaseMissingError
        If it is missing or empty.
    DatabaseTooNewError
        If a newer filmscand wrote it.
    sqlite3.Error
        If it cannot be opened or is no database.
    """
    if is_blank(path):
        raise DatabaseMissingError(f"{path}: the station's database is missing or empty; stop the service and look")
    return _open(f"{path.absolute().as_uri()}?mode=rw", path)


def is_blank(path: Path) -> bool:
    """Return whether a database is missing, or is a file without any table.

    Raises
    ------
    sqlite3.Error
        If it cannot be read or is no database.
    """
    try:
        if path.stat().st_size == 0:
            return True
    except FileNotFoundError:
        return True
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)) as reader:
        return schema_version(reader) == 0


def require_in_place(connection: sqlite3.Connection, path: Path) -> None:
    """Require that `path` still is the file that the connection has open.

    Raises
    ------
    DatabaseReplacedError
        It was removed, or another file lies there: what the connection writes is forgotten.
    """
    if getattr(connection, "file_id", None) not in (None, _file_id(path)):
        raise DatabaseReplacedError(
            f"{path}: the station's database was removed or replaced while it was in use. "
            "Put it back, or run `filmscand rebuild`."
        )


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing database of this schema or an older one, without ever writing to it.

    Raises
    ------
    DatabaseTooNewError
        If a newer filmscand wrote it.
    sqlite3.Error
        If it is missing or cannot be read.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        connection.isolation_level = None
        connection.row_factory = sqlite3.Row
        _require_known(connection, path)
    except BaseException:
        connection.close()
        raise
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


class _Connection(sqlite3.Connection):
    """A connection that remembers its file: device and inode."""

    file_id: tuple[int, int] | None = None


def _open(name: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=BUSY_TIMEOUT_S, isolation_level=None, factory=_Connection, uri=name.startswith("file:")
    )
    try:
        _configure(connection)
        connection.file_id = _file_id(path)
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _configure(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # A source file may be deleted on the strength of a committed row: the row has to outlive a power cut.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if schema_version(connection) == len(_MIGRATIONS):
        return
    with transaction(connection):
        for migration in _MIGRATIONS[_require_known(connection, path) :]:
            # executescript would commit the open transaction first.
            for statement in _statements(migration):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")


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
