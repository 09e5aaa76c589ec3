"""Frames are queued to be cleaned again."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, SourceFile, find_job
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, queue_frames, selected_frames
from support.queue_rows import RESULT, WORKER, enqueue


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


@pytest.fixture
def queue(connection):
    return Queue(connection)


def names(frames):
    return [str(one.frame) for one in frames]


def test_names_choose_frames_and_each_of_them_once(connection, queue):
    for name in "abc":
        enqueue(queue, name)
    chosen = ["museum/box-1/roll-a_0002-0003", "museum/box-1/roll-a_0002", "museum"]
    assert names(selected_frames(connection, chosen)) == [f"museum/box-1/roll-a_{number:04d}" for number in (2, 3, 1)]
    assert len(list(selected_frames(connection, []))) == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("museum/box-2", "museum/box-2: the station has no frame"),
        ("a/b/c/d", "expected COLLECTION"),
        ("..", "collection"),
    ],
)
def test_a_name_that_means_nothing_is_told(connection, queue, name, told):
    enqueue(queue, "a")
    with pytest.raises(NoSuchFramesError, match=told):
        list(selected_frames(connection, ["museum", name]))


def test_failed_frames_are_chosen_with_and_without_a_name(connection, queue):
    for name in "ab":
        enqueue(queue, name)
    failed = queue.fail(queue.take(WORKER, 60.0), "no picture")
    queue.finish(queue.take(WORKER, 60.0), RESULT)
    for chosen in ([], ["museum"]):
        (one,) = selected_frames(connection, chosen, failed=True)
        assert (one.frame, one.outcome, one.error) == (failed.frame, JobOutcome.FAILED, "no picture")


def test_finished_frames_are_queued_with_the_changes_and_keep_the_rest_of_their_request(connection, queue):
    job = enqueue(queue, "a")
    queue.finish(queue.take(WORKER, 60.0), RESULT)
    report = queue_frames(connection, selected_frames(connection, ["museum"]), Changes(sensitivity=0.9))
    assert ([one.frame for one in report.frames], report.skipped) == ([str(job.frame)], ())
    queued = find_job(connection, job.job_id)
    assert queued.state is JobState.QUEUED
    assert queued.request == job.request.model_copy(update={"sensitivity": 0.9})


def test_frames_that_are_in_line_already_are_left_there(connection, queue):
    request = CleanRequest()
    job = queue.reserve(Roll("c", "b", "r_0001"), 1, [SourceFile("raw", "0" * 64, 1, "a.tif")], request)
    queue.enqueue(job.job_id, request)
    frames = list(selected_frames(connection, ["c/b/r_0001", "c/b/r_0001_0001"]))
    assert [found.job_id for found in frames] == [job.job_id]
    report = queue_frames(connection, frames, Changes(sensitivity=0.9))
    assert (report.frames, report.skipped) == ((), ("c/b/r_0001_0001",))
    assert find_job(connection, job.job_id).request == request
