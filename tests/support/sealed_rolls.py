"""A station with sealed rolls of small frames, and what is needed to seal them again and to look at copies of them."""

from __future__ import annotations

import hashlib
from contextlib import closing

import bagit

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.keeping.replicas import Replicas, keep_replica_targets
from filmscand.daemon.maintenance.identity import archive_of, connect_station
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.station.configuration import Station
from support.known_archive import archive_known_frame

ROLL = "meyer/box-3/r12"
TAG_MANIFEST = "tagmanifest-sha512.txt"
NAMES = {"bagit.txt", "bag-info.txt", "manifest-sha512.txt", TAG_MANIFEST}


def station_with_roll(root, replicate=(), frames=1, roll="r12"):
    """Make a station with one sealed roll in its archive."""
    root.mkdir(parents=True, exist_ok=True)
    station = Station(root=root, watch=(), replicate=replicate)
    connect_station(station).close()
    add_roll(station, roll, frames)
    return station


def add_roll(station, roll, frames=1, first=1):
    """Put a roll into the archive and seal it."""
    archive = archive_of(station)
    for number in range(first, first + frames):
        archive_known_frame(archive, station.root, station.database, FrameId("meyer", "box-3", roll, number))
    seal(station, f"meyer/box-3/{roll}")


def seal_again(station, change, roll=ROLL):
    """Open a roll, let `change(folder)` change it, and seal it again: its manifests are a new generation."""
    folder = station.archive / roll
    for name in NAMES:
        (folder / name).unlink()
    with closing(open_database(station.database)) as connection:
        connection.execute("DELETE FROM archive_records WHERE path = ?", (f"{roll}/{TAG_MANIFEST}",))
    change(folder)
    seal(station, roll)


def content(folder):
    """Return the SHA-256 of every file below a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def is_bag(folder):
    """Return whether the Library of Congress's program takes a folder for a whole bag."""
    try:
        return bagit.Bag(str(folder)).validate()
    except bagit.BagError:
        return False


def begin(connection, station):
    """Enter the targets of the station, as the service does when it starts."""
    keep_replica_targets(connection, {one.name: one.place for one in station.replicate})
    return [Replicas(connection, one.name) for one in station.replicate]
