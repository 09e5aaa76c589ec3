"""What is said of the folder in which the archive shall lie."""

from __future__ import annotations

import shutil

import pytest

from filmscand.daemon.core.errors import ArchiveMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.maintenance.first_start.found import ArchiveState, look_at_archive
from filmscand.daemon.maintenance.identity import FolderInUseError, connect_station
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import MARKER
from support.known_archive import archive_known_frame
from support.live_station import LiveStation

FRAME = FrameId("c", "b", "r", 1)


@pytest.fixture
def earlier(tmp_path):
    """A station with one frame."""
    live = LiveStation(tmp_path / "earlier")
    connect_station(live.station).close()
    archive_known_frame(live.archive, tmp_path, live.station.database, FRAME)
    return live.station


@pytest.fixture
def new(tmp_path, earlier):
    """A new station that shall have the archive of the earlier one."""
    return Station(root=tmp_path / "new", archive=earlier.archive)


@pytest.mark.parametrize("make", [False, True], ids=["missing", "empty"])
def test_a_missing_or_an_empty_folder_is_for_a_new_archive(tmp_path, make):
    station = Station(root=tmp_path)
    if make:
        (station.archive / "lost+found").mkdir(parents=True)
    assert look_at_archive(station).state is ArchiveState.NEW
    assert not station.database.exists()


def test_the_stations_own_archive_is_known(earlier):
    found = look_at_archive(earlier)
    assert (found.state, found.frames) == (ArchiveState.OURS, 1)
    assert str(found) == f"{earlier.archive}: this station's archive, 1 frames"


def test_an_archive_of_another_station_is_told_with_its_name_and_its_frames(new, earlier):
    found = look_at_archive(new)
    assert found.state is ArchiveState.UNKNOWN
    assert str(found).startswith(f"{earlier.archive}: an archive already, 1 frames, of the station ")
    assert str(earlier.root) in str(found)


@pytest.mark.parametrize("marker", [None, "damaged"])
def test_an_archive_with_a_lost_or_a_damaged_marker_can_be_taken_over(new, marker):
    (new.archive / MARKER).unlink()
    if marker:
        (new.archive / MARKER).write_text(marker)
    found = look_at_archive(new)
    assert (found.state, found.frames, found.station) == (ArchiveState.UNKNOWN, 1, None)


def test_an_archive_whose_database_is_lost_is_not_new(earlier):
    earlier.database.unlink()
    assert look_at_archive(earlier).state is ArchiveState.UNKNOWN


def test_a_folder_with_other_folders_is_refused(tmp_path):
    station = Station(root=tmp_path)
    (station.archive / "holiday").mkdir(parents=True)
    with pytest.raises(FolderInUseError, match="expected an empty folder or an archive, found other folders"):
        look_at_archive(station)


def test_a_station_whose_archive_is_gone_does_not_get_a_new_one(earlier):
    shutil.rmtree(earlier.archive)
    with pytest.raises(ArchiveMissingError, match="Mount its disk"):
        look_at_archive(earlier)
