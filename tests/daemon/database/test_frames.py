"""The queries about frames that change nothing."""

from __future__ import annotations

from filmscand.daemon.database.frames import (
    JobOutcome,
    JobState,
    SourceFile,
    find_job,
    held_frames,
    raw_sizes_bytes,
    sources_of,
    states_of,
    unfinished_frames,
    unfinished_states,
)
from support.queue_rows import RESULT, WORKER, enqueue, picture, reserve


def test_a_frame_in_work_is_seen_with_its_worker_and_how_long_the_lease_holds(queue, connection):
    job = enqueue(queue, "a")
    queue.take(WORKER, 60.0)
    (held,) = held_frames(connection)
    assert (held.job.job_id, held.worker) == (job.job_id, WORKER)
    assert -60.0 <= held.overdue_s < 0.0 <= held.age_s < 60.0


def test_what_has_not_finished_is_found(queue, connection):
    reserve(queue, "a")
    enqueue(queue, "b")
    queue.finish(queue.take(WORKER, 60.0), RESULT)
    assert [job.state for job in unfinished_frames(connection)] == [JobState.RESERVED]


def test_a_late_file_takes_the_place_of_one_of_its_role(queue, connection):
    job = enqueue(queue, "a")
    for size_bytes in (1, 2):
        queue.add_source(job.job_id, SourceFile("infrared", "sha-ir", size_bytes, "a_ir.tif"))
    assert sources_of(connection, job.job_id) == [picture("a"), SourceFile("infrared", "sha-ir", 2, "a_ir.tif")]
    assert raw_sizes_bytes(connection, 5) == [1002]


def test_a_frame_that_is_not_there_is_none(connection):
    assert find_job(connection, 7) is None


def test_unfinished_frames_and_those_that_are_asked_for_are_told_with_their_state(connection, queue):
    first, second = enqueue(queue, "a"), reserve(queue, "b")
    lease = queue.take(WORKER, 10.0)
    assert {one.job_id: one.state for one in unfinished_states(connection)} == {
        first.job_id: JobState.PROCESSING,
        second.job_id: JobState.RESERVED,
    }
    queue.finish(lease, RESULT)
    assert [one.job_id for one in unfinished_states(connection)] == [second.job_id]
    (done,) = states_of(connection, [first.job_id, 999])
    assert (done.frame, done.state, done.outcome) == (first.frame, JobState.FINISHED, JobOutcome.ARCHIVED)
