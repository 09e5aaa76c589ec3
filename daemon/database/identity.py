"""The ids of the archive and the station in the database; the archive's marker holds the same.

The ids are chosen and stored first, then the marker is written, then they are settled. What is killed in between is
done again with the same ids.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.station.marker import Identity


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """The ids of a database.

    Attributes
    ----------
    identity : Identity
        The ids.
    replaces : str or None
        Station id that the marker may still have until these ids are settled.
    made_at : str
        When they were chosen, UTC, ISO 8601.
    settled : bool
        The marker was written: from now on an archive without it is not there.
    """

    identity: Identity
    replaces: str | None
    made_at: str
    settled: bool


def find_identity(connection: sqlite3.Connection) -> StoredIdentity | None:
    """Return the ids of a database, None where it has none."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'identity'").fetchone() is None:
        return None
    row = connection.execute("SELECT archive_id, station_id, replaces, made_at, settled FROM identity").fetchone()
    if row is None:
        return None
    return StoredIdentity(Identity(row[0], row[1]), row[2], row[3], bool(row[4]))


def identity_of(connection: sqlite3.Connection) -> Identity:
    """Return the settled ids of a database.

    Raises
    ------
    DatabaseReplacedError
        It has none: it is not the database that the service started with.
    """
    stored = find_identity(connection)
    if stored is None or not stored.settled:
        raise DatabaseReplacedError(
            "the station's database does not know its archive: it was replaced. "
            "Put the right one back, or run `filmscand rebuild --replace`."
        )
    return stored.identity


def choose_identity(connection: sqlite3.Connection, identity: Identity, made_at: str) -> StoredIdentity:
    """Store ids for a database that has none; return its ids, which are others if it has some already."""
    with transaction(connection):
        connection.execute(
            "INSERT OR IGNORE INTO identity (one, archive_id, station_id, made_at) VALUES (1, ?, ?, ?)",
            (identity.archive_id, identity.station_id, made_at),
        )
        stored = find_identity(connection)
    assert stored is not None
    return stored


def change_identity(connection: sqlite3.Connection, identity: Identity, replaces: str | None, made_at: str) -> None:
    """Store other ids; the marker may have the station id `replaces` until they are settled."""
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO identity (one, archive_id, station_id, replaces, made_at) VALUES (1, ?, ?, ?, ?)",
            (identity.archive_id, identity.station_id, replaces, made_at),
        )


def settle_identity(connection: sqlite3.Connection) -> None:
    """Note that the marker has these ids."""
    with transaction(connection):
        connection.execute("UPDATE identity SET settled = 1, replaces = NULL")


def frames_in_archive(connection: sqlite3.Connection) -> list[FrameId]:
    """Return every frame whose files should lie in the archive, newest first."""
    rows = connection.execute(
        "SELECT collection, box, roll, number FROM frames WHERE state != 'reserved' ORDER BY job_id DESC"
    ).fetchall()
    return [FrameId(*row) for row in rows]


def every_frame(connection: sqlite3.Connection) -> set[FrameId]:
    """Return every frame that the database knows, also those whose files are still to come."""
    return {FrameId(*row) for row in connection.execute("SELECT collection, box, roll, number FROM frames").fetchall()}
