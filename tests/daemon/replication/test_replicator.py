"""One target: what is copied when, what is noted, and which alarms stand."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.keeping.replicas import CopyState, replicas_of_roll, target_statuses
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.replication.replicator import Replicator
from filmscand.daemon.station.configuration import Station
from support.sealed_rolls import ROLL, add_roll, begin, content, is_bag, seal_again

TIMING = ReplicateTiming(retry_first_s=5.0, retry_cap_s=300.0, alarm_s=900.0, damage_s=60.0, progress_s=0.0)


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def there(tmp_path):
    return tmp_path / "copies"


@pytest.fixture
def replicator(station, connection, clock, stop):
    begin(connection, station)
    return Replicator(station.replicate[0], station, TIMING, stop, clock)


def looks(replicator, connection):
    """Look until there is nothing more to do."""
    while replicator.look(connection):
        pass


def keys(connection):
    return {alarm.key: alarm.message for alarm in Alarms(connection).standing()}


def test_a_sealed_roll_is_copied_and_verified(replicator, connection, station, there, clock):
    looks(replicator, connection)
    assert is_bag(there / ROLL)
    (one,) = replicas_of_roll(connection, ROLL)
    assert (one.state, one.verified, one.verified_at) == (CopyState.VERIFIED, one.generation, clock.now)
    assert one.files == one.files_done == len(content(there / ROLL)) - 1
    assert keys(connection) == {}


def test_rolls_that_are_sealed_later_come_after(replicator, connection, station, there):
    looks(replicator, connection)
    add_roll(station, "r13", first=2)
    looks(replicator, connection)
    assert is_bag(there / "meyer/box-3/r13")
    assert [(one.verified, one.waiting) for one in target_statuses(connection)] == [(2, 0)]


def test_a_roll_that_is_sealed_again_is_copied_again(replicator, connection, station, there):
    looks(replicator, connection)
    seal_again(station, lambda folder: (folder / "data/notes.txt").write_text("upside down"))
    looks(replicator, connection)
    assert content(there / ROLL) == content(station.archive / ROLL)
    assert is_bag(there / ROLL)


def test_a_target_that_fails_is_tried_again_with_pauses_and_is_an_alarm_once_that_lasts(
    replicator, connection, there, clock
):
    there.rmdir()
    looks(replicator, connection)
    (status,) = target_statuses(connection)
    assert (status.tries, status.failing_since, status.next_try_at) == (1, clock.now, clock.now + 5)
    assert "Mount its disk" in status.error
    began = clock.now
    for _ in range(20):
        clock.now += 1
        looks(replicator, connection)
    assert target_statuses(connection)[0].tries == 3
    assert keys(connection) == {}
    clock.now = began + 900
    looks(replicator, connection)
    assert "copies to nas have failed for 15 min (since" in keys(connection)["replica:nas"]
    assert "Mount its disk" in keys(connection)["replica:nas"]
    there.mkdir()
    looks(replicator, connection)
    assert "replica:nas" in keys(connection)
    clock.now += 300
    looks(replicator, connection)
    assert keys(connection) == {}
    assert target_statuses(connection)[0].failing_since is None
    assert is_bag(there / ROLL)


def test_a_clock_that_was_put_back_delays_nothing(replicator, connection, there, clock):
    there.rmdir()
    looks(replicator, connection)
    there.mkdir()
    clock.now -= 86400
    looks(replicator, connection)
    assert is_bag(there / ROLL)


def test_a_mount_point_without_its_disk_gets_nothing(replicator, connection, station, there):
    looks(replicator, connection)
    shutil.rmtree(there)
    there.mkdir()
    add_roll(station, "r13", first=2)
    looks(replicator, connection)
    assert list(there.iterdir()) == []
    assert "Mount its disk" in target_statuses(connection)[0].error


def test_a_place_that_holds_something_else_is_refused_until_it_is_empty(replicator, connection, there, clock):
    (there / ROLL).mkdir(parents=True)
    looks(replicator, connection)
    assert "expected an empty place" in target_statuses(connection)[0].error
    shutil.rmtree(there / "meyer")
    clock.now += 5
    looks(replicator, connection)
    assert target_statuses(connection)[0].verified == 1


def test_a_stray_file_is_an_alarm_until_it_is_gone(replicator, connection, station, there, clock):
    looks(replicator, connection)
    (there / ROLL / "data/Thumbs.db").write_text("?")
    seal_again(station, lambda folder: (folder / "data/notes.txt").write_text("upside down"))
    add_roll(station, "r13", first=2)
    looks(replicator, connection)
    assert f"{ROLL} cannot be copied to nas: {there}: {ROLL}/data/Thumbs.db" in keys(connection)["replica_roll:nas"]
    (status,) = target_statuses(connection)
    assert (status.verified, status.waiting, status.blocked) == (1, 1, 1)
    (there / ROLL / "data/Thumbs.db").unlink()
    clock.now += 5
    looks(replicator, connection)
    assert keys(connection) == {}
    assert is_bag(there / ROLL)


def test_a_damaged_copy_is_an_alarm_until_a_person_has_removed_it(replicator, connection, station, there, clock):
    looks(replicator, connection)
    mask = next((there / ROLL).rglob("*_mask.png"))
    mask.write_bytes(b"rot")
    seal_again(station, lambda folder: (folder / "data/notes.txt").write_text("upside down"))
    looks(replicator, connection)
    assert is_bag(there / ROLL)
    assert "a file was not as the station had left it" in keys(connection)["replica_damage:nas"]
    clock.now += 60
    looks(replicator, connection)
    assert "replica_damage:nas" in keys(connection)
    shutil.rmtree(there / ".filmscand/damaged")
    clock.now += 60
    looks(replicator, connection)
    assert keys(connection) == {}


def test_a_damaged_original_is_told_and_not_sent(replicator, connection, station, there):
    mask = next((station.archive / ROLL).rglob("*_mask.png"))
    mask.chmod(0o600)
    mask.write_bytes(b"rot")
    looks(replicator, connection)
    assert "Run filmscand verify" in keys(connection)["replica_roll:nas"]
    assert not (there / ROLL / "bagit.txt").exists()


def test_a_roll_that_is_being_sealed_again_waits_without_an_alarm(replicator, connection, station, there, clock):
    (station.archive / ROLL / "reopened.json").write_text("{}")
    for _ in range(10):
        looks(replicator, connection)
        clock.now += 300
    assert keys(connection) == {}
    (station.archive / ROLL / "reopened.json").unlink()
    looks(replicator, connection)
    assert is_bag(there / ROLL)


def test_manifests_that_the_station_does_not_remember_need_a_person_at_last(replicator, connection, station, clock):
    connection.execute("UPDATE archive_records SET sha256 = ? WHERE path LIKE '%tagmanifest%'", ("0" * 64,))
    for _ in range(4):
        looks(replicator, connection)
        clock.now += 300
    assert "expected the manifests that the station remembers" in keys(connection)["replica_roll:nas"]


def test_an_archive_that_is_not_mounted_is_waited_for(replicator, connection, station, there, clock):
    station.archive.rename(station.root / "away")
    looks(replicator, connection)
    assert "expected the station's archive" in target_statuses(connection)[0].error
    (station.root / "away").rename(station.archive)
    clock.now += 5
    looks(replicator, connection)
    assert is_bag(there / ROLL)


def test_a_stop_ends_the_copy_after_the_current_file_and_it_is_continued(replicator, connection, stop, there):
    stop.set()
    assert not replicator.look(connection)
    assert len([path for path in (there / ROLL).rglob("*") if path.is_file()]) == 1
    (one,) = replicas_of_roll(connection, ROLL)
    assert (one.state, one.tries) == (CopyState.WAITING, 0)
    stop.clear()
    looks(replicator, connection)
    assert is_bag(there / ROLL)


def test_two_targets_at_one_place_are_refused(make_station, tmp_path, clock, stop):
    (tmp_path / "copies").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "copies")
    station = make_station(
        {"name": "nas", "folder": tmp_path / "copies"}, {"name": "twin", "folder": tmp_path / "link"}
    )
    with closing(open_database(station.database)) as connection:
        begin(connection, station)
        for replica in station.replicate:
            looks(Replicator(replica, station, TIMING, stop, clock), connection)
        first, second = target_statuses(connection)
    assert (first.verified, second.verified) == (1, 0)
    assert "the copies of the target nas lie there" in second.error


def test_a_database_that_was_rebuilt_finds_the_copies_again_and_sends_nothing(
    replicator, connection, station, there, clock, stop
):
    looks(replicator, connection)
    before = {path: path.stat().st_ino for path in there.rglob("*") if path.is_file()}
    rebuild(station, replace=True)
    with closing(open_database(station.database)) as anew:
        begin(anew, station)
        looks(Replicator(station.replicate[0], station, TIMING, stop, clock), anew)
        assert [(one.verified, one.error) for one in target_statuses(anew)] == [(1, None)]
        assert keys(anew) == {}
    assert {path: path.stat().st_ino for path in there.rglob("*") if path.is_file()} == before


def test_an_archive_can_be_made_anew_of_its_copies_alone(replicator, connection, there, tmp_path):
    looks(replicator, connection)
    shutil.copytree(there, tmp_path / "anew", ignore=shutil.ignore_patterns(".filmscand"))
    restored = Station(root=tmp_path / "other", archive=tmp_path / "anew", watch=())
    assert (rebuild(restored).archived, rebuild(restored, replace=True).problems) == (1, ())
    report = verify_rolls(Archive(restored.archive), database=restored.database)
    assert (report.verified, report.problems) == (1, ())
