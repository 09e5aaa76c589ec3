"""Rolls and their frames for contact sheets."""

from __future__ import annotations

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, find_frame
from filmscand.daemon.database.sheets.rolls import count_by_roll, frames_of_roll, neighbours
from support.queue_rows import RESULT, ROLL, WORKER, enqueue, picture, reserve


def test_rolls_are_counted_by_state_and_outcome(connection, queue):
    enqueue(queue, "a"), enqueue(queue, "b")
    queue.finish(queue.take(WORKER, 10.0), RESULT)
    counts = {(one.state, one.outcome): one.frames for one in count_by_roll(connection)}
    assert counts == {(JobState.FINISHED, JobOutcome.ARCHIVED): 1, (JobState.QUEUED, None): 1}
    assert count_by_roll(connection, ROLL) == count_by_roll(connection)
    assert count_by_roll(connection, Roll("museum", "box-1", "roll-b")) == []


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
