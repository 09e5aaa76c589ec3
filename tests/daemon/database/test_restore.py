from __future__ import annotations

from dataclasses import replace

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.frames import JobOutcome, JobState, find_frame, sources_of
from filmscand.daemon.database.restore import RestoredFrame, restore_frame
from support.queue_rows import RESULT, ROLL, picture

FRAME = RestoredFrame(
    frame=FrameId(ROLL.collection, ROLL.box, ROLL.roll, 1),
    state=JobState.FINISHED,
    outcome=JobOutcome.ARCHIVED,
    source="a.tif",
    request=CleanRequest(film="slide"),
    sources=(picture("a"),),
    result=RESULT,
    error=None,
    created_at=1.0,
    finished_at=2.0,
)


def test_a_restored_frame_stands_in_the_queue_as_it_was_told(connection):
    assert restore_frame(connection, FRAME)
    job = find_frame(connection, FRAME.frame)
    assert (job.frame, job.outcome, job.request, job.result) == (FRAME.frame, FRAME.outcome, FRAME.request, RESULT)
    assert (job.source, job.created_at, job.finished_at) == ("a.tif", 1.0, 2.0)
    assert sources_of(connection, job.job_id) == [picture("a")]


def test_of_two_frames_with_the_same_picture_the_second_is_told_and_is_there_too(connection):
    second = replace(FRAME, frame=FrameId(ROLL.collection, ROLL.box, ROLL.roll, 2))
    assert [restore_frame(connection, frame) for frame in (FRAME, second)] == [True, False]
    assert find_frame(connection, second.frame) is not None
