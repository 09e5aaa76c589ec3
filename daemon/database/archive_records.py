"""What the station remembers of records in its archive: size and SHA-256 of each, by their path below the archive.

Four kinds of files have a row: the sidecar of each frame, the `events.jsonl` of each roll (as far as it was written
when the row was made; the file only grows), the tag manifest of each sealed roll, and the note in each reopened roll.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, job_from_row

# Name of the note in the folder of a sealed roll whose frames get revisions; the index `reopened_rolls` names it too.
REOPENED: Final = "reopened.json"


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """A file of the archive as filmscand left it.

    Attributes
    ----------
    path : str
        Below the archive, with `/`.
    size_bytes : int
        Size, or the size of the beginning that `sha256` is of.
    sha256 : str
        Hexadecimal digest; empty where the file has to be there and its content is not known.
    """

    path: str
    size_bytes: int
    sha256: str


def write_records(connection: sqlite3.Connection, records: Iterable[ArchiveRecord]) -> None:
    """Remember records; one of the same path takes the place of the earlier one."""
    with transaction(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO archive_records (path, size_bytes, sha256, recorded_at) VALUES (?, ?, ?, ?)",
            [(one.path, one.size_bytes, one.sha256, time.time()) for one in records],
        )


def read_records(connection: sqlite3.Connection) -> dict[str, ArchiveRecord]:
    """Return every record by its path; a database of an earlier schema has none."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'archive_records'").fetchone() is None:
        return {}
    rows = connection.execute("SELECT path, size_bytes, sha256 FROM archive_records").fetchall()
    return {row[0]: ArchiveRecord(*row) for row in rows}


def records_below(connection: sqlite3.Connection, folder: str) -> dict[str, ArchiveRecord]:
    """Return the records of all files below a folder of the archive, by their paths."""
    # `0` is the character after `/`: the index finds all paths between.
    rows = connection.execute(
        "SELECT path, size_bytes, sha256 FROM archive_records WHERE path > ? AND path < ?", (f"{folder}/", f"{folder}0")
    ).fetchall()
    return {row[0]: ArchiveRecord(*row) for row in rows}


def find_record(connection: sqlite3.Connection, path: str) -> ArchiveRecord | None:
    """Return the record of one path."""
    row = connection.execute("SELECT path, size_bytes, sha256 FROM archive_records WHERE path = ?", (path,)).fetchone()
    return None if row is None else ArchiveRecord(*row)


def forget_record(connection: sqlite3.Connection, path: str) -> None:
    """Forget the record of a path that is no longer in the archive."""
    with transaction(connection):
        connection.execute("DELETE FROM archive_records WHERE path = ?", (path,))


def reopened_rolls(connection: sqlite3.Connection) -> list[str]:
    """Return the folders, below the archive, of the rolls that are noted as reopened, sorted."""
    rows = connection.execute("SELECT path FROM archive_records WHERE path LIKE '%/reopened.json'").fetchall()
    return sorted(row[0].rpartition("/")[0] for row in rows)


def sealed_rolls(connection: sqlite3.Connection) -> list[str]:
    """Return the folders, below the archive, of the rolls that have a tag manifest, sorted. It reads every record."""
    rows = connection.execute("SELECT path FROM archive_records WHERE path LIKE '%/tagmanifest-%.txt'").fetchall()
    return sorted(row[0].rpartition("/")[0] for row in rows)


def jobs_of_roll(connection: sqlite3.Connection, collection: str, box: str, roll: str) -> list[Job]:
    """Return every frame of one roll that the station knows."""
    rows = connection.execute(
        "SELECT * FROM frames WHERE collection = ? AND box = ? AND roll = ?", (collection, box, roll)
    ).fetchall()
    return [job_from_row(row) for row in rows]


def all_jobs(connection: sqlite3.Connection) -> list[Job]:
    """Return every frame that the station knows."""
    return [job_from_row(row) for row in connection.execute("SELECT * FROM frames").fetchall()]
