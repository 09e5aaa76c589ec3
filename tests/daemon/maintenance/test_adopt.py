"""A person makes an archive, or takes one over."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveMissingError, ConfigError, ForeignArchiveError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.identity import every_frame, frames_in_archive
from filmscand.daemon.database.trouble import DatabaseMissingError
from filmscand.daemon.maintenance.adopt import NoNewArchiveError, adopt_archive, init_archive
from filmscand.daemon.maintenance.identity import connect_station, identity_problem
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import MARKER
from support.archive_frames import write


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station")


def store(station, *numbers):
    """Put raw files into a station's archive that no database knows."""
    for number in numbers:
        source = write(station.root.parent / f"{station.root.name}-{number}.tif", f"{station.root}{number}".encode())
        Archive(station.archive).copy_original(FrameId("c", "b", "r", number), source, Role.RAW)


@pytest.fixture
def used(station):
    """A station with two frames."""
    connect_station(station).close()
    store(station, 1, 2)
    rebuild(station, replace=True)
    return station


def frames_of(station):
    with closing(connect_station(station)) as connection:
        return sorted(frame.number for frame in every_frame(connection))


def test_a_new_archive_is_made_where_other_folders_lie_and_they_stay(station):
    station.archive.mkdir(parents=True)
    (station.archive / "letters").mkdir()
    made = init_archive(station, station.archive)
    assert (made.archive, made.frames, made.exit_status) == (station.archive, 0, Exit.DONE)
    assert identity_problem(station) is None
    assert (station.archive / "letters").exists()


def test_an_archive_is_not_made_twice_nor_beside_another_one(used):
    with pytest.raises(NoNewArchiveError, match=r"an archive already.*archive adopt"):
        init_archive(used)
    shutil.move(used.archive, used.root / "other-disk")
    with pytest.raises(NoNewArchiveError, match="2 frames in another archive"):
        init_archive(used)
    assert not used.archive.exists()


def test_a_folder_that_is_not_the_stations_is_a_mistake(station, tmp_path):
    for act in (init_archive, adopt_archive):
        with pytest.raises(ConfigError, match="set the key `archive`"):
            act(station, tmp_path / "elsewhere")


def test_an_archive_that_lost_its_marker_is_taken_again_with_all_its_frames(used):
    (used.archive / MARKER).unlink()
    store(used, 3)
    adopted = adopt_archive(used)
    assert (adopted.frames, adopted.added, adopted.missing) == (3, ("c/b/r_0003",), ())
    assert identity_problem(used) is None
    assert frames_of(used) == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"\0" * 200])
def test_a_damaged_marker_is_replaced(used, content):
    (used.archive / MARKER).write_bytes(content)
    assert isinstance(identity_problem(used), ArchiveMissingError)
    adopt_archive(used)
    assert identity_problem(used) is None


def test_frames_that_the_archive_does_not_hold_are_named(used):
    shutil.rmtree(used.archive / "c/b/r/data/r_0002")
    adopted = adopt_archive(used)
    assert (adopted.missing, adopted.exit_status) == (("c/b/r_0002",), Exit.PART_FAILED)


def test_an_archive_taken_over_is_refused_to_the_station_before(used, tmp_path):
    other = Station(root=tmp_path / "other", archive=used.archive)
    with pytest.raises(DatabaseMissingError):
        connect_station(other)
    adopted = adopt_archive(other)
    assert (adopted.frames, len(adopted.added)) == (2, 2)
    assert frames_of(other) == [1, 2]
    with pytest.raises(ForeignArchiveError, match=f"another station, .*{other.root}"):
        connect_station(used)
    adopt_archive(used)
    assert frames_of(used) == [1, 2]
    with pytest.raises(ForeignArchiveError):
        connect_station(other)


def test_an_empty_folder_and_the_archive_of_other_frames_are_not_adopted(used, tmp_path):
    other = Station(root=tmp_path / "other")
    other.archive.mkdir(parents=True)
    with pytest.raises(ArchiveMissingError, match="no marker and no frame"):
        adopt_archive(other)
    shutil.rmtree(used.archive)
    source = write(tmp_path / "x.tif")
    Archive(used.archive).copy_original(FrameId("x", "y", "z", 1), source, Role.RAW)
    with pytest.raises(ArchiveMissingError, match=r"none of the 2 frames .*rebuild --replace"):
        adopt_archive(used)
    with closing(open_database(used.database)) as connection:
        assert len(frames_in_archive(connection)) == 2
