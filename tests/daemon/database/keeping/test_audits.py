"""What was read back when, and which rolls are frozen for it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState, Roll
from filmscand.daemon.database.keeping.audits import (
    Audits,
    Damage,
    Part,
    find_frozen,
    frozen_rolls,
    summarize_audits,
)
from filmscand.daemon.database.queue import Queue
from support.queue_rows import WORKER, Clock, enqueue, reserve

ROLL = Path("c/b/r")
RECORDS, FIRST, SECOND = (Part("c", "b", "r", number) for number in range(3))
LOST = (Damage("data/r_0001/r_0001_raw.tif", "missing", "expected 5 bytes, found no file"),)


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        yield connection


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def audits(connection, clock):
    return Audits(connection, clock)


def test_parts_that_were_never_read_come_first_and_then_the_one_that_was_read_longest_ago(audits, clock):
    assert audits.enrol([FIRST, SECOND, RECORDS, FIRST]) == 3
    assert audits.enrol([FIRST]) == 0
    now = clock()
    for part in (SECOND, FIRST):
        audits.note(part, ())
        clock.now += 10
    assert audits.next_due(now + 100, now) == RECORDS
    audits.note(RECORDS, ())
    assert audits.next_due(now + 100, now) == SECOND
    assert audits.next_due(now + 100, now, {SECOND}) == FIRST
    assert audits.next_due(now, now) is None


def test_a_damaged_part_is_read_again_sooner_than_the_others(audits, clock):
    audits.enrol([FIRST, SECOND])
    audits.note(SECOND, LOST)
    assert audits.next_due(clock() + 1, clock() + 1) == SECOND
    assert audits.next_due(clock() + 1, clock()) == FIRST


def test_frames_that_are_being_captured_or_cleaned_are_left_alone(connection, audits, clock):
    queue = Queue(connection)
    job = reserve(queue, "a")
    part = Part.of(job.frame)
    records = Part.of_roll(part.roll_folder)
    assert audits.enrol_frames() == 0
    queue.enqueue(job.job_id, CleanRequest())
    assert audits.enrol_frames() == 2
    assert audits.enrol_frames() == 0
    audits.note(records, ())
    assert audits.next_due(clock(), clock()) == part
    queue.take(WORKER, 60.0)
    audits.enrol([Part.of(reserve(queue, "b").frame)])
    assert audits.next_due(clock(), clock()) is None


def test_a_roll_is_frozen_until_all_of_its_parts_are_sound(connection, audits, clock):
    audits.note(FIRST, LOST)
    since = clock()
    clock.now += 100
    audits.note(FIRST, LOST)
    audits.note(SECOND, (Damage("data/r_0002/x", "foreign", "x"),))
    frozen = find_frozen(connection, ROLL)
    assert (frozen.roll, frozen.since, len(frozen.damage)) == (Roll("c", "b", "r"), since, 2)
    assert find_frozen(connection, Path("c/b/other")) is None
    audits.note(FIRST, ())
    assert find_frozen(connection, ROLL).damage[0].kind == "foreign"
    audits.note(SECOND, ())
    assert frozen_rolls(connection) == ()
    assert audits.damage_of(FIRST) == ()


def test_the_alarm_names_the_roll_the_files_and_what_to_do(connection, audits):
    audits.note(FIRST, tuple(Damage(f"data/{number}", "changed", "x") for number in range(7)))
    (roll,) = frozen_rolls(connection)
    alarm = roll.alarm()
    assert alarm.key == "fixity:c/b/r"
    for text in ("c/b/r", "7 files", "data/4 (changed) and 2 more", "filmscand verify c/b/r --against COPY --repair"):
        assert text in alarm.message


def test_frames_of_a_frozen_roll_wait_in_the_queue(connection, audits):
    queue = Queue(connection)
    job = enqueue(queue, "a")
    frame = job.frame
    audits.note(Part.of(frame), LOST)
    assert (queue.take(WORKER, 60.0), queue.hold([job.job_id], WORKER)) == (None, [])
    audits.note(Part.of(frame), ())
    assert queue.take(WORKER, 60.0).job.state is JobState.PROCESSING


def test_the_summary_tells_how_much_was_read_within_the_period(connection, audits, clock):
    assert summarize_audits(connection, clock()).share is None
    audits.enrol([FIRST, SECOND, RECORDS])
    audits.note(FIRST, LOST, size_bytes=100)
    clock.now += 10
    audits.note(SECOND, (), size_bytes=50)
    summary = summarize_audits(connection, clock() - 5)
    assert (summary.parts, summary.recent, summary.last_at, summary.oldest_at) == (3, 1, clock(), None)
    assert (summary.damaged_files, summary.frozen_rolls) == (1, ("c/b/r",))
    assert audits.size_bytes() == 150
    audits.note(FIRST, ())
    assert audits.size_bytes() == 150


def test_a_part_that_is_gone_is_forgotten(audits):
    audits.enrol([FIRST, SECOND])
    audits.forget(FIRST)
    assert audits.parts_of(ROLL) == (SECOND,)


def test_a_database_of_an_earlier_version_knows_of_no_audit():
    with closing(sqlite3.connect(":memory:")) as connection:
        assert frozen_rolls(connection) == ()
        assert summarize_audits(connection, 0.0) is None
