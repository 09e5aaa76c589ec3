"""The state of a station as its database and its disks tell it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import Station


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path)


@pytest.fixture
def connection(station):
    with closing(open_database(station.database)) as opened:
        yield opened


def test_a_station_without_a_database_has_never_run(station):
    status = station_status(station)
    assert (status.service.running, status.arriving, status.left_s) == (False, 0, None)
    assert set(status.states.values()) | set(status.outcomes.values()) == {0}
    assert not station.database.exists()


def test_an_empty_database_is_idle(station, connection):
    status = station_status(station)
    assert (status.service.running, status.left_s, status.last_frames) == (False, 0.0, ())
    assert status.free_frames == int(status.free_bytes / (192_000_000 * 3))


def test_files_that_wait_for_a_person_are_named_and_all_that_arrive_are_counted(station, connection):
    candidates = Candidates(connection, "/drop")
    candidates.see("new.tif", 10, 1)
    row = candidates.move(candidates.see("odd.tif", 10, 1), CandidateState.AMBIGUOUS, "two infrared files")
    away = candidates.move(candidates.see("away.tif", 10, 1), CandidateState.QUARANTINED, "not a film scan")
    candidates.moved_away(away)
    status = station_status(station)
    assert status.arriving == 1
    assert status.arriving_files == ("/drop/new.tif",)
    assert [(file.watch, file.path, file.state, file.reason) for file in status.waiting] == [
        ("/drop", row.path, "ambiguous", "two infrared files")
    ]


def test_rejected_files_count_until_they_are_moved_back(station, connection):
    failed = station.watch[0].path / "_failed" / "2026-11-28"
    failed.mkdir(parents=True)
    for name in ("a.tif", "a.tif.error.json", "b.tif.error.json"):
        (failed / name).write_text("{}")
    assert station_status(station).failed_files == 1


def test_alarms_stand_in_the_status(station, connection):
    Alarms(connection).raise_alarm("archive", "read-only")
    assert [(alarm.key, alarm.message) for alarm in station_status(station).alarms] == [("archive", "read-only")]


def test_all_unfinished_sessions_and_the_last_finished_ones_are_listed_newest_first(station, connection):
    sessions = Sessions(connection)
    numbers = [sessions.add(ScanPlan(roll=f"r{n}", device="test:0", frames=4)).session_id for n in range(6)]
    for number in numbers[1:]:
        sessions.finish(number, FinishReason.CANCELLED)
    found = station_status(station).sessions
    assert [session.session for session in found] == [6, 5, 4, 1]
    assert (found[0].state, found[0].reason, found[0].roll) == ("finished", "cancelled", "unsorted/unsorted/r5")
    assert (found[-1].state, found[-1].frames, found[-1].captured) == ("idle", 4, 0)


def test_a_file_that_stays_incomplete_is_named_with_what_is_missing(station, connection):
    candidates = Candidates(connection, "/drop", clock=lambda: time.time() - 100.0)
    row = candidates.move(candidates.see("half.tif", 10, 1), CandidateState.SETTLING)
    candidates.put_off(row, "not complete: zeros from byte 4096 on", 5.0)
    waiting = station_status(station).waiting
    assert [(one.path, one.state, one.reason) for one in waiting] == [
        ("half.tif", "settling", "not complete: zeros from byte 4096 on")
    ]


def test_files_dated_in_the_future_are_an_alarm_of_the_clock_that_dated_them(station, connection):
    year_ns = 365 * 86_400 * 10**9
    now_ns = time.time_ns()
    candidates = Candidates(connection, "/drop")
    candidates.see("now.tif", 10, now_ns)
    candidates.see("1970.tif", 10, 0)
    assert station_status(station).alarms == ()
    candidates.see("later.tif", 10, now_ns + year_ns)
    candidates.see("2300.tif", 10, 10_413_792_000 * 10**9 - 2**64)
    (alarm,) = station_status(station).alarms
    assert alarm.key == "time:/drop"
    assert "2 files have a time of change in the future, the last: 2300.tif" in alarm.message
