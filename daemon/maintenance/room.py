"""How many more frames fit on the disk of the archive: the one figure for status, alarm and doctor."""

from __future__ import annotations

import sqlite3
import statistics
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.database.alarms import Alarm
from filmscand.daemon.database.connection import DatabaseError, open_to_read, schema_version
from filmscand.daemon.database.frames import raw_sizes_bytes
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.disk import free_bytes

# Raw size of a frame until the first one is known: 24 megapixels with infrared.
_DEFAULT_RAW_BYTES: Final = 192_000_000
# A revision needs less than twice the space of the raw files.
_REVISION_SPACE: Final = 2
# The frames whose median size is taken for the size of the next ones.
_LAST_FRAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Room:
    """Free space of the archive's disk in bytes and in frames; None if the disk does not answer."""

    free_bytes: int | None
    frames: int | None

    def __str__(self) -> str:
        if self.free_bytes is None:
            return "unknown: the disk of the archive does not answer"
        return f"{self.frames} frames ({self.free_bytes / 1e9:.1f} GB)"


def room_for_frames(station: Station, connection: sqlite3.Connection | None = None) -> Room:
    """Return how many frames of the usual size of this station fit, each with one revision.

    Parameters
    ----------
    connection : sqlite3.Connection or None
        Connection to the station's database; None: no frame is known, a frame of 24 megapixels is expected.
    """
    try:
        free = free_bytes(station.archive)
    except OSError:
        return Room(None, None)
    return Room(free, free // (_usual_raw_bytes(connection) * (1 + _REVISION_SPACE)))


def room_of(station: Station) -> Room:
    """Return `room_for_frames` with what the station's database knows, if it can be read."""
    try:
        with closing(open_to_read(station.database)) as connection:
            return room_for_frames(station, connection if schema_version(connection) else None)
    except (DatabaseError, sqlite3.Error, OSError):
        return room_for_frames(station)


def space_alarms(station: Station, room: Room) -> tuple[Alarm, ...]:
    """Return the alarm `space` if fewer frames fit than `notify.room_frames`; a disk that does not answer raises none.

    It is derived, not stored: on a full disk the database cannot store an alarm.
    """
    if room.frames is None or room.frames >= station.notify.room_frames:
        return ()
    return (Alarm("space", f"{station.archive}: room for {room.frames} more frames", 0.0, 0.0, 1),)


def _usual_raw_bytes(connection: sqlite3.Connection | None) -> int:
    sizes = [] if connection is None else raw_sizes_bytes(connection, _LAST_FRAMES)
    return int(statistics.median(sizes)) if any(sizes) else _DEFAULT_RAW_BYTES
