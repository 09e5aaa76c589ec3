"""Finished frames for their review."""

from __future__ import annotations

from filmscand.daemon.core.decision import Verdict
from filmscand.daemon.core.request import CleanRequest, ReportRecord
from filmscand.daemon.database.sheets.flagged import (
    finished_frames,
    frames_to_review,
    frames_with_verdict,
    last_rolls,
)
from filmscand.daemon.database.sheets.notes import set_verdict
from support.queue_rows import RESULT, ROLL, WORKER, enqueue, picture


def finish(queue, name, warnings=(), flags=(), **report):
    job = queue.reserve(ROLL, 1, [picture(name)], CleanRequest(flags=flags))
    queue.enqueue(job.job_id, job.request)
    result = RESULT.model_copy(update={"warnings": warnings, "report": ReportRecord(**report)})
    return queue.finish(queue.take(WORKER, 10.0), result)


def test_frames_with_one_of_the_codes_are_listed_and_those_with_a_verdict_come_last(queue, connection):
    decided = finish(queue, "a", ("many_defects",))
    flagged = finish(queue, "b", flags=("same_slide",))
    finish(queue, "c", ("silver_film",))
    finish(queue, "d")
    enqueue(queue, "e")
    assert set_verdict(connection, decided.job_id, Verdict.ACCEPTED)
    found = frames_to_review(connection, ["many_defects", "same_slide"], 10)
    assert [(one.frame, one.codes, one.verdict) for one in found] == [
        (flagged.frame, ("same_slide",), None),
        (decided.frame, ("many_defects",), Verdict.ACCEPTED),
    ]
    assert len(frames_to_review(connection, ["many_defects", "same_slide"], 1)) == 1


def test_the_numbers_of_the_report_come_with_a_frame(queue, connection):
    finish(queue, "a", coverage=0.25, defects_found=7, shift={"confidence": 0.5}, leakage={"red": 0.1})
    (frame,) = finished_frames(connection, ROLL)
    numbers = frame.numbers
    assert (numbers.coverage, numbers.defects_found, numbers.confidence, numbers.leakage_red) == (0.25, 7, 0.5, 0.1)
    assert numbers.defects_left is None


def test_a_verdict_of_any_frame_is_found_and_taken_back(queue, connection):
    job = finish(queue, "a")
    set_verdict(connection, job.job_id, Verdict.SCAN_AGAIN)
    assert [one.frame for one in frames_with_verdict(connection, Verdict.SCAN_AGAIN, 10)] == [job.frame]
    set_verdict(connection, job.job_id, None)
    assert frames_with_verdict(connection, Verdict.SCAN_AGAIN, 10) == []


def test_a_frame_that_waits_again_takes_no_verdict(queue, connection):
    job = finish(queue, "a")
    queue.retry(job.job_id)
    assert not set_verdict(connection, job.job_id, Verdict.ACCEPTED)


def test_the_rolls_that_finished_last_are_named(queue, connection):
    finish(queue, "a")
    assert last_rolls(connection, 10) == [ROLL]


def test_the_list_does_not_read_the_rows_without_a_flag(queue, connection):
    finish(queue, "a")
    finish(queue, "b", ("many_defects",))
    read = []
    connection.set_trace_callback(read.append)
    frames_to_review(connection, ["many_defects"], 10)
    connection.set_trace_callback(None)
    plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {read[0]}").fetchall()]
    assert plan[0] == "SEARCH frames USING INDEX frames_to_review (<expr>=?)"
    assert not any("B-TREE" in step for step in plan)
