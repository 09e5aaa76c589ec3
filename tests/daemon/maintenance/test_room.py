"""One figure for the room on the archive's disk."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.doctor import examine
from filmscand.daemon.maintenance.room import Room, room_of, space_alarms
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import Station


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path)


def test_status_and_doctor_tell_the_same_number_of_frames(station):
    open_database(station.database).close()
    status = station_status(station)
    (space,) = [check for check in examine(station) if check.name == "archive space"]
    assert space.found.startswith(f"{status.free_frames} frames (")


def test_until_a_frame_is_known_one_of_24_megapixels_is_expected(station):
    room = room_of(station)
    assert room.frames == room.free_bytes // (3 * 192_000_000)


def test_a_database_that_cannot_be_read_hides_nothing_of_the_disk(station):
    station.database.write_bytes(b"no database" * 1000)
    assert room_of(station).frames is not None


def test_a_disk_that_does_not_answer_is_told():
    assert str(Room(None, None)) == "unknown: the disk of the archive does not answer"
    assert json.dumps(str(Room(2_000_000_000, 3))) == '"3 frames (2.0 GB)"'


def test_the_number_of_frames_below_which_space_is_an_alarm_is_configured(tmp_path):
    station = Station(root=tmp_path, notify={"room_frames": 5})
    assert space_alarms(station, Room(10**9, 5)) == ()
    assert space_alarms(station, Room(None, None)) == ()
    (alarm,) = space_alarms(station, Room(10**9, 4))
    assert (alarm.key, alarm.message) == ("space", f"{station.archive}: room for 4 more frames")
