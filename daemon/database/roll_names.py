"""The names of rolls as people wrote them: one name, one roll; two names never share one."""

from __future__ import annotations

import sqlite3

from filmscand.daemon.database.frames import Roll
from filmscand.drivers.files.pairs import name_key


def roll_named(connection: sqlite3.Connection, collection: str, box: str, name: str) -> Roll | None:
    """Return the roll of a name (compared by `name_key`), None if the name is new."""
    row = connection.execute(
        "SELECT roll FROM roll_names WHERE collection = ? AND box = ? AND name_key = ?",
        (collection, box, name_key(name)),
    ).fetchone()
    return None if row is None else Roll(collection, box, row["roll"])


def name_of_roll(connection: sqlite3.Connection, roll: Roll) -> str | None:
    """Return the name that a roll got its slug from; None if none was noted."""
    row = connection.execute(
        "SELECT name FROM roll_names WHERE collection = ? AND box = ? AND roll = ?",
        (roll.collection, roll.box, roll.roll),
    ).fetchone()
    return None if row is None else str(row["name"])


def note_roll_name(connection: sqlite3.Connection, roll: Roll, name: str) -> None:
    """Note the name of a roll; call it in the transaction that found the roll free."""
    connection.execute(
        "INSERT INTO roll_names (collection, box, roll, name, name_key) VALUES (?, ?, ?, ?, ?)",
        (roll.collection, roll.box, roll.roll, name, name_key(name)),
    )


def pictures_of_roll(connection: sqlite3.Connection, roll: Roll) -> list[str]:
    """Return the names of the pictures that the frames of a roll came from, as paths below their watch folders."""
    rows = connection.execute(
        "SELECT DISTINCT sources.name FROM sources JOIN frames USING (job_id)"
        " WHERE collection = ? AND box = ? AND roll = ? AND role = 'raw'",
        (roll.collection, roll.box, roll.roll),
    ).fetchall()
    return [str(row["name"]) for row in rows]
