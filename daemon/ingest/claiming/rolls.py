"""Finds the roll of a watched file: each folder name is a roll of its own, and stays it for ever."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

from filmscand.daemon.archive.records.roll_record import recorded_rolls
from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.core.frame_id import slugs_of
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.roll_names import name_of_roll, note_roll_name, pictures_of_roll, roll_named
from filmscand.daemon.station.configuration import Watch
from filmscand.drivers.files.pairs import name_key


def roll_for(connection: sqlite3.Connection, archive: Path, watch: Watch, file: Path, day: date) -> Roll:
    """Return the roll that a file belongs to, and note the name of a new one.

    Names that differ and have one slug (`Roll #1` and `Roll 1`) get different rolls: the later one gets a suffix that
    follows from its name. The database knows the names, and so do the roll records, for a database that was rebuilt.

    Parameters
    ----------
    archive : Path
        Top of the archive.
    file : Path
        Path of the file, relative to the watch folder.
    day : date
        Day of ingestion; see `Watch.roll_name`.

    Raises
    ------
    FrameIdError
        Every slug that the name may get belongs to another name.
    """
    name = watch.roll_name(file, day)
    known = roll_named(connection, watch.collection, watch.box, name)
    if known is not None:
        return known
    recorded = recorded_rolls(archive / watch.collection / watch.box)
    with transaction(connection):
        roll = roll_named(connection, watch.collection, watch.box, name)
        if roll is None:
            roll = _new_roll(connection, watch, name, recorded, day)
            note_roll_name(connection, roll, name)
    return roll


def _new_roll(connection: sqlite3.Connection, watch: Watch, name: str, recorded: dict[str, str], day: date) -> Roll:
    key = name_key(name)
    slugs = [slug for slug, known in recorded.items() if name_key(known) == key] or [
        slug for slug in slugs_of(name, key) if slug not in recorded
    ]
    rolls = [Roll(watch.collection, watch.box, slug) for slug in slugs]
    for roll in rolls:
        if name_of_roll(connection, roll) is None and not _is_of_another_name(connection, watch, roll, key, day):
            return roll
    raise FrameIdError(f"{name}: expected a name for a roll that no other folder has; rename the folder")


def _is_of_another_name(connection: sqlite3.Connection, watch: Watch, roll: Roll, key: str, day: date) -> bool:
    """Return whether a roll of a time when names were not noted was made from folders of another name."""
    # A path without a folder tells nothing: a rebuilt database knows no folders.
    paths = [path for path in map(Path, pictures_of_roll(connection, roll)) if path.parent.parts]
    return bool(paths) and all(name_key(watch.roll_name(path, day)) != key for path in paths)
