"""Database and archive of a station know each other, or the station says why not and how it goes on."""

from __future__ import annotations

import json
import shutil
from contextlib import closing

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveMissingError, ForeignArchiveError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.identity import choose_identity, find_identity
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.trouble import DatabaseMissingError, DatabaseReplacedError
from filmscand.daemon.maintenance.identity import FolderInUseError, bound_archive, connect_station, identity_problem
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import MARKER, Identity
from support.archive_frames import write

FRAME = FrameId("c", "b", "r", 1)


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station")


def open_and_close(station):
    with closing(connect_station(station)) as connection:
        return find_identity(connection).identity


def marker(station):
    found = json.loads((station.archive / MARKER).read_text())
    return Identity(found["archive_id"], found["station_id"])


def archive_a_frame(station, opening=connect_station, frame=FRAME):
    """Archive one frame; `opening` open_database does it as a version before there were markers."""
    station.database.parent.mkdir(parents=True, exist_ok=True)
    with closing(opening(station if opening is connect_station else station.database)) as connection:
        queue = Queue(connection)
        source = SourceFile("raw", f"sha of {frame}", 1, "a.tif")
        job = queue.reserve(Roll(frame.collection, frame.box, frame.roll), 1, [source], CleanRequest())
        queue.enqueue(job.job_id, CleanRequest())
        bound_archive(station, connection).copy_original(job.frame, write(station.root / "a.tif"), Role.RAW)


def test_a_new_station_makes_its_archive_and_both_hold_the_same_ids(station):
    assert identity_problem(station) is None
    assert not station.root.exists()
    ids = open_and_close(station)
    assert marker(station) == ids
    assert open_and_close(station) == ids
    assert identity_problem(station) is None


def test_a_new_disk_with_only_its_own_folders_is_a_new_archive(station):
    (station.archive / "lost+found").mkdir(parents=True)
    assert open_and_close(station) == marker(station)


def test_a_folder_with_other_folders_is_not_taken_for_a_new_archive(station):
    station.archive.mkdir(parents=True)
    (station.archive / "letters").mkdir()
    with pytest.raises(FolderInUseError, match=r"other folders.*`filmscand archive init`"):
        connect_station(station)
    assert not station.database.exists()


def test_the_archive_is_made_once_and_never_again(station):
    archive_a_frame(station)
    shutil.move(station.archive, station.root / "unmounted")
    for bare in (False, True):
        if bare:
            station.archive.mkdir()
        assert isinstance(identity_problem(station), ArchiveMissingError)
        open_and_close(station)
        assert station.archive.exists() is bare
    assert list(station.archive.iterdir()) == []
    station.archive.rmdir()
    shutil.move(station.root / "unmounted", station.archive)
    assert identity_problem(station) is None


@pytest.mark.parametrize("found", ["missing", "empty"])
@pytest.mark.parametrize("frames", [0, 1])
def test_a_lost_database_beside_an_archive_is_never_made_anew(station, found, frames):
    for _ in range(frames):
        archive_a_frame(station)
    open_and_close(station)
    station.database.unlink()
    if found == "empty":
        station.database.touch()
    with pytest.raises(DatabaseMissingError, match=rf"station.db: .* is {found}, .*`filmscand rebuild`"):
        connect_station(station)
    assert isinstance(identity_problem(station), DatabaseMissingError)
    assert station.database.exists() is (found == "empty")


def test_a_database_with_tables_and_nothing_in_them_is_refused_too(station):
    open_and_close(station)
    station.database.unlink()
    open_database(station.database).close()
    with pytest.raises(DatabaseMissingError, match="rebuild --replace"):
        connect_station(station)


def test_a_lost_database_beside_an_archive_without_a_marker_is_never_made_anew(station):
    archive_a_frame(station, open_database)
    station.database.unlink()
    with pytest.raises(DatabaseMissingError, match=r"holds frames. Run `filmscand rebuild`"):
        connect_station(station)


def test_a_station_of_a_version_without_markers_goes_on(station, caplog):
    archive_a_frame(station, open_database)
    assert identity_problem(station) is None
    with caplog.at_level("INFO"):
        assert open_and_close(station) == marker(station)
    assert "is marked as that of the station" in caplog.text


def test_a_station_of_a_version_without_markers_waits_for_its_archive_to_be_mounted(station):
    archive_a_frame(station, open_database)
    shutil.rmtree(station.archive)
    for there in (False, True):
        if there:
            station.archive.mkdir()
        with pytest.raises(ArchiveMissingError, match="none of the 1 frames"):
            connect_station(station)


def test_two_stations_never_share_an_archive(station, tmp_path):
    archive_a_frame(station)
    other = Station(root=tmp_path / "other", archive=station.archive)
    with pytest.raises(DatabaseMissingError, match="`filmscand archive adopt`"):
        connect_station(other)
    assert not other.database.exists()


def test_of_two_new_stations_on_an_empty_archive_the_second_is_refused(station, tmp_path):
    other = Station(root=tmp_path / "other", archive=station.archive)
    other.database.parent.mkdir()
    with closing(open_database(other.database)) as connection:
        # It had its ids and was about to write the marker.
        choose_identity(connection, Identity.new(), "now")
    open_and_close(station)
    with pytest.raises(ForeignArchiveError, match=f"{station.root}.*archive adopt"):
        connect_station(other)


def test_a_database_with_other_ids_is_refused_and_names_rebuild(station, tmp_path):
    archive_a_frame(station)
    other = Station(root=tmp_path / "other")
    archive_a_frame(other)
    shutil.copy(other.database, station.database)
    with pytest.raises(DatabaseReplacedError, match="rebuild --replace"):
        connect_station(station)
    assert isinstance(identity_problem(station), DatabaseReplacedError)


def test_a_database_older_than_the_ids_beside_a_marked_archive_is_refused(station):
    archive_a_frame(station)
    with closing(open_database(station.database)) as connection:
        connection.execute("DELETE FROM identity")
    with pytest.raises(DatabaseReplacedError, match="rebuild --replace"):
        connect_station(station)


@pytest.mark.parametrize("marked", [False, True])
def test_a_first_start_that_was_killed_is_done_again_with_the_same_ids(station, marked):
    ids = open_and_close(station)
    with closing(open_database(station.database)) as connection:
        connection.execute("UPDATE identity SET settled = 0")
    if not marked:
        shutil.rmtree(station.archive)
    assert open_and_close(station) == ids == marker(station)


def test_an_archive_of_another_station_is_left_alone_and_goes_on_when_ours_is_back(station, tmp_path):
    archive_a_frame(station)
    other = Station(root=tmp_path / "other")
    open_and_close(other)
    with closing(connect_station(station)) as connection:
        archive = bound_archive(station, connection)
        shutil.move(station.archive, station.root / "ours")
        shutil.move(other.archive, station.archive)
        with pytest.raises(ForeignArchiveError):
            archive.reserve(FRAME)
        assert list(Archive(station.archive).frames()) == []
        shutil.move(station.archive, other.archive)
        shutil.move(station.root / "ours", station.archive)
        archive.require_present()
