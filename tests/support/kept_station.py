"""A station whose archive holds small frames that its database knows, an open roll and a sealed one, and its damage."""

from __future__ import annotations

import shutil
from contextlib import closing

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.review.describe import DescriptionChanges, describe
from support.known_archive import archive_known_frame
from support.live_station import LiveStation

OPEN, SEALED = "c/b/k", "c/b/s"
OPEN_FRAMES = [FrameId("c", "b", "k", number) for number in (1, 2)]
SEALED_FRAMES = [FrameId("c", "b", "s", number) for number in (1, 2)]
RAW = "data/{0}_0001/{0}_0001_raw.tif"


def make_station(folder, **station):
    """Make a station with both rolls; `copied` is the quicker way to one more."""
    live = LiveStation(folder, **station)
    connect_station(live.station).close()
    for frame in (*OPEN_FRAMES, *SEALED_FRAMES):
        archive_known_frame(live.archive, folder, live.station.database, frame)
    seal(live.station, SEALED)
    return live


def copied(live, folder, **station):
    """Copy a station that does not run."""
    shutil.copytree(live.root, folder)
    return LiveStation(folder, **station)


def open_station(live):
    """Open the database of a station (a context manager)."""
    return closing(open_database(live.station.database))


def archive_in(live, connection):
    """Return the archive with everything that the database remembers of it."""
    return bound_archive(live.station, connection)


def flip(path):
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    """Cut a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def add(path):
    """Put a file beside another."""
    path.with_name("notes.txt").write_text("x")


def swap(path):
    """Exchange a raw file with the cleaned one."""
    other = path.with_name(path.name.replace("raw", "r01_clean"))
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def remove(path):
    """Remove a file or a folder."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def reopen(live):
    """Reopen the sealed roll, as a caption for one of its frames does."""
    describe(live.station, SEALED_FRAMES[0], DescriptionChanges(caption="A house"))
