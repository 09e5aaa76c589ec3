"""The tables of copies: what waits, what is verified, and what may be forgotten."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.archive_records import ArchiveRecord, write_records
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.keeping.replicas import (
    CopyState,
    Replicas,
    keep_replica_targets,
    replicas_of_roll,
    replicated_rolls,
    sealed_rolls,
    stored_files,
    target_statuses,
)
from filmscand.daemon.database.queue import Queue

R1, R2 = "meyer/box-3/r1", "meyer/box-3/r2"


@pytest.fixture
def seal(connection):
    """Remember that a roll is sealed with a generation."""

    def seal(roll, generation, algorithm="sha512"):
        place = Roll(*roll.split("/"))
        known = connection.execute("SELECT 1 FROM frames WHERE roll = ?", (place.roll,)).fetchone()
        if known is None:
            Queue(connection).reserve(place, 1, [SourceFile("raw", f"{hash(roll):x}", 1, "a")], CleanRequest())
        write_records(connection, [ArchiveRecord(f"{roll}/tagmanifest-{algorithm}.txt", 1, generation)])

    return seal


@pytest.fixture
def nas(connection, clock):
    keep_replica_targets(connection, {"nas": "/mnt/nas", "cloud": "s3://film"})
    return Replicas(connection, "nas", clock)


def test_every_sealed_roll_waits_and_no_other(connection, seal, nas):
    seal(R1, "g1")
    seal(R2, "g1", "sha256")
    Queue(connection).reserve(Roll("meyer", "box-3", "open"), 1, [SourceFile("raw", "0", 1, "a")], CleanRequest())
    nas.enter()
    assert sealed_rolls(connection) == {R1: "g1", R2: "g1"}
    assert [one.roll for one in replicas_of_roll(connection, R1)] == [R1]
    assert [(one.target, one.waiting) for one in target_statuses(connection)] == [("cloud", 0), ("nas", 2)]


def test_nothing_is_written_where_nothing_is_new(connection, seal, nas):
    seal(R1, "g1")
    nas.enter()
    before = connection.total_changes
    nas.enter()
    assert connection.total_changes == before


def test_progress_is_noted_for_the_roll_that_is_copied(connection, seal, nas):
    seal(R1, "g1")
    nas.enter()
    due = nas.due(300.0)
    nas.copying(due, 10, 1000)
    nas.progress(due, 4, 400)
    copying = next(one for one in target_statuses(connection) if one.target == "nas").copying
    assert (copying.roll, copying.files_done, copying.files, copying.bytes_done, copying.bytes) == (
        R1,
        4,
        10,
        400,
        1000,
    )
    nas.begin()
    assert nas.due(300.0).state is CopyState.WAITING


def test_a_roll_that_failed_waits_behind_those_that_did_not(connection, seal, nas, clock):
    seal(R1, "g1")
    seal(R2, "g1")
    nas.enter()
    nas.failed(nas.due(300.0), "no such file", 60.0, blocked=True)
    assert nas.due(300.0).roll == R2
    nas.verified(nas.due(300.0))
    assert nas.due(300.0) is None
    assert [one.error for one in nas.blocked()] == ["no such file"]
    clock.now += 60.0
    assert (nas.due(300.0).roll, nas.due(300.0).tries) == (R1, 1)
    nas.verified(nas.due(300.0))
    assert nas.blocked() == []


def test_a_pause_that_a_clock_set_which_was_put_back_is_over(connection, seal, nas, clock):
    seal(R1, "g1")
    nas.enter()
    nas.failed(nas.due(300.0), "gone", 60.0)
    clock.now -= 3600.0
    assert nas.due(300.0).roll == R1


def test_a_roll_that_is_sealed_again_waits_and_its_earlier_state_stays_known(connection, seal, nas):
    seal(R1, "g1")
    nas.enter()
    nas.verified(nas.due(300.0))
    seal(R1, "g2")
    nas.enter()
    (one,) = [one for one in replicas_of_roll(connection, R1) if one.target == "nas"]
    assert (one.state, one.generation, one.verified) == (CopyState.WAITING, "g2", "g1")


def test_a_roll_that_is_sealed_again_while_it_is_copied_waits(connection, seal, nas):
    seal(R1, "g1")
    nas.enter()
    due = nas.due(300.0)
    seal(R1, "g2")
    nas.enter()
    nas.progress(due, 1, 1)
    nas.failed(due, "old", 60.0)
    nas.verified(due)
    again = nas.due(300.0)
    assert (again.state, again.generation, again.verified, again.error) == (CopyState.WAITING, "g2", "g1", None)


def test_a_roll_is_replicated_when_each_target_has_its_present_generation(connection, seal, nas, clock):
    cloud = Replicas(connection, "cloud", clock)
    seal(R1, "g1")
    for one in (nas, cloud):
        one.enter()
    nas.verified(nas.due(300.0))
    assert replicated_rolls(connection, ["nas"]) == {R1: "g1"}
    assert replicated_rolls(connection, ["nas", "cloud"]) == replicated_rolls(connection, []) == {}
    cloud.verified(cloud.due(300.0))
    assert replicated_rolls(connection, ["nas", "cloud"]) == {R1: "g1"}
    seal(R1, "g2")
    assert replicated_rolls(connection, ["nas", "cloud"]) == {}


def test_a_target_fails_since_its_first_failure_until_it_works(connection, nas, clock):
    began = clock.now
    assert nas.target_failed("gone", 5.0) == began
    clock.now += 60.0
    assert nas.target_failed("still gone", 10.0) == began
    assert nas.target_failures() == (2, clock.now + 10.0)
    assert nas.target_works()
    assert not nas.target_works()
    assert nas.target_failures() == (0, 0.0)


def test_the_marker_of_a_place_belongs_to_one_target(connection, nas, clock):
    assert nas.replica_id() is None
    assert nas.note_replica_id("id-1") is None
    assert Replicas(connection, "cloud", clock).note_replica_id("id-1") == "nas"
    assert nas.replica_id() == "id-1"


def test_a_target_that_is_gone_or_has_moved_is_forgotten_with_its_alarms(connection, seal, nas):
    seal(R1, "g1")
    nas.enter()
    nas.note_replica_id("id-1")
    for key in ("replica:nas", "replica_roll:nas", "replica_damage:nas", "replica:cloud"):
        Alarms(connection).raise_alarm(key, "?")
    keep_replica_targets(connection, {"nas": "/mnt/other", "cloud": "s3://film"})
    assert nas.replica_id() is None
    assert replicas_of_roll(connection, R1) == []
    assert [alarm.key for alarm in Alarms(connection).standing()] == ["replica:cloud"]
    keep_replica_targets(connection, {})
    assert (target_statuses(connection), Alarms(connection).standing()) == ((), [])


def test_a_database_of_an_older_version_has_no_copies(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute("CREATE TABLE frames (job_id)")
        old.execute("PRAGMA user_version = 11")
    reader = open_to_read(tmp_path / "old.db")
    assert (target_statuses(reader), replicas_of_roll(reader, R1)) == ((), [])
    reader.close()


def test_files_that_are_archived_and_not_put_away_are_named_with_their_roll(connection, seal):
    seal(R1, "g1")
    connection.execute(
        "INSERT INTO candidates (watch, path, size_bytes, mtime_ns, state, job_id, seen_at, changed_at)"
        " SELECT '/drop', 'a.tif', 1, 1, 'stored', job_id, 0, 0 FROM frames"
    )
    (one,) = stored_files(connection, "/drop")
    assert one.roll == R1
    assert stored_files(connection, "/other") == []
