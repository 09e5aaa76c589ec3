"""Rolls and their frames for contact sheets."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import JobOutcome, Roll, find_frame
from filmscand.daemon.database.queue import MAX_DEATHS
from filmscand.daemon.database.roll_names import note_roll_name
from filmscand.daemon.database.sheets.rolls import RollCount, count_by_roll, count_roll, frames_of_roll, neighbours
from support.queue_rows import RESULT, ROLL, WORKER, enqueue, picture, reserve


def truth(connection):
    """The counts of each roll, counted."""
    rows = connection.execute(
        "SELECT collection, box, roll, sum(outcome IS NULL), sum(outcome IS 'archived'), sum(outcome IS 'failed'),"
        " sum(outcome IS 'set_aside') FROM frames GROUP BY collection, box, roll ORDER BY collection, box, roll"
    )
    return [tuple(row) for row in rows]


def counted(connection):
    return [
        (*astuple(one.roll), one.waiting, one.archived, one.failed, one.set_aside) for one in count_by_roll(connection)
    ]


def test_rolls_are_counted_by_outcome_under_the_name_that_a_person_gave_them(connection, queue):
    enqueue(queue, "a"), enqueue(queue, "b")
    queue.finish(queue.take(WORKER, 10.0), RESULT)
    queue.reserve(Roll("museum", "box-1", "another"), 1, [picture("c")], CleanRequest())
    note_roll_name(connection, ROLL, "Roll A")
    assert count_by_roll(connection) == [
        RollCount(Roll("museum", "box-1", "another"), None, waiting=1, archived=0, failed=0, set_aside=0),
        RollCount(ROLL, "Roll A", waiting=1, archived=1, failed=0, set_aside=0),
    ]
    assert [one.frames for one in count_by_roll(connection)] == [1, 2]
    assert count_roll(connection, ROLL) == count_by_roll(connection)[1]
    assert count_roll(connection, Roll("museum", "box-1", "roll-b")) is None


def test_the_counts_follow_every_change_of_a_frame(connection, queue):
    one, two = enqueue(queue, "a"), enqueue(queue, "b")
    for change in (
        lambda: queue.finish(queue.take(WORKER, 10.0), RESULT),
        lambda: queue.retry(one.job_id),
        lambda: queue.fail(queue.take(WORKER, 10.0), "too large"),
        lambda: queue.retry(one.job_id),
        lambda: queue.give_back(queue.take(WORKER, 10.0), "no space"),
        *(lambda: (queue.take(WORKER, 10.0), queue.bury(WORKER, "killed")),) * (2 * MAX_DEATHS),
        lambda: queue.reserve_number(FrameId(*astuple(ROLL), two.frame.number), "scanner", CleanRequest()),
    ):
        change()
        assert counted(connection) == truth(connection)
    assert counted(connection) == [(*astuple(ROLL), 0, 0, 0, 2)]


def test_a_roll_whose_only_frame_is_dropped_is_none(connection, queue):
    job = reserve(queue, "a")
    assert counted(connection) == [(*astuple(ROLL), 1, 0, 0, 0)]
    queue.drop(job.job_id)
    assert counted(connection) == truth(connection) == []


def test_a_change_that_is_rolled_back_is_not_counted(connection, queue):
    with pytest.raises(KeyboardInterrupt), transaction(connection):
        enqueue(queue, "a")
        raise KeyboardInterrupt
    assert counted(connection) == []


def test_a_frame_does_not_change_its_roll(connection, queue):
    enqueue(queue, "a")
    with pytest.raises(sqlite3.IntegrityError, match="does not change its roll"):
        connection.execute("UPDATE frames SET roll = 'roll-b'")


def test_a_contact_sheet_reads_the_frames_of_a_roll_by_number(connection, queue):
    job = queue.reserve(ROLL, 5, [picture("a")], CleanRequest(flags=("same_slide",)))
    queue.enqueue(job.job_id, job.request)
    queue.finish(queue.take(WORKER, 10.0), RESULT.model_copy(update={"warnings": ("no_film",)}))
    failed = enqueue(queue, "b")
    queue.fail(queue.take(WORKER, 10.0), "too large")
    first, second = frames_of_roll(connection, ROLL)
    assert (first.stem, first.revision, first.flags, first.warnings) == (
        "roll-a_0005",
        1,
        ("same_slide",),
        ("no_film",),
    )
    assert (second.number, second.outcome, second.revision, second.error) == (6, JobOutcome.FAILED, None, "too large")
    assert find_frame(connection, failed.frame).job_id == failed.job_id
    assert find_frame(connection, FrameId("museum", "box-1", "roll-a", 7)) is None


def test_the_neighbours_of_a_frame_are_the_nearest_numbers_on_its_roll(connection, queue):
    first, second, third = (reserve(queue, f"picture {least}", least).frame for least in (1, 4, 5))
    assert neighbours(connection, first) == (None, second)
    assert neighbours(connection, second) == (first, third)
    assert neighbours(connection, third) == (second, None)
