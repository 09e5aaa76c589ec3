"""The frames that a person should look at, and the way from one to the next."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.decision import Verdict
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, ReportRecord
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.notes import set_verdict
from filmscand.daemon.review import listing
from filmscand.daemon.review.flags import Flag
from filmscand.daemon.review.listing import (
    ReviewFrame,
    ReviewList,
    flags_in_roll,
    frames_with_flags,
    place_in_review,
    review_list,
)
from support.queue_rows import RESULT, ROLL, WORKER, picture

CODES = ("same_slide", "many_defects", "coverage_unusual")


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


def finish(connection, name, *warnings, coverage=0.01):
    queue = Queue(connection)
    job = queue.reserve(ROLL, 1, [picture(name)], CleanRequest())
    queue.enqueue(job.job_id, CleanRequest())
    report = ReportRecord(coverage=coverage)
    return queue.finish(queue.take(WORKER, 10.0), RESULT.model_copy(update={"warnings": warnings, "report": report}))


def test_undecided_frames_come_first_by_the_most_urgent_reason(connection):
    decided = finish(connection, "a", "same_slide")
    many = finish(connection, "b", "many_defects")
    same = finish(connection, "c", "many_defects", "same_slide")
    set_verdict(connection, decided.job_id, Verdict.ACCEPTED)
    listed = review_list(connection, CODES)
    assert [one.frame for one in listed.frames] == [str(same.frame), str(many.frame), str(decided.frame)]
    assert [flag.code for flag in listed.frames[0].flags] == ["same_slide", "many_defects"]
    assert (listed.undecided, listed.is_complete, listed.scan_again) == (2, True, ())


def test_a_frame_that_differs_from_its_roll_is_listed_without_any_code(connection):
    usual = [finish(connection, f"usual {number}", coverage=0.01) for number in range(6)]
    unusual = finish(connection, "unusual", coverage=0.2)
    (one,) = review_list(connection, CODES).frames
    assert (one.frame, [flag.code for flag in one.flags]) == (str(unusual.frame), ["coverage_unusual"])
    assert [flag.code for flag in flags_in_roll(connection, unusual.frame)] == ["coverage_unusual"]
    assert flags_in_roll(connection, usual[0].frame) == ()
    assert flags_in_roll(connection, FrameId("museum", "box-1", "roll-a", 99)) == ()


def test_every_frame_with_a_flag_is_found_also_with_one_that_no_record_holds(connection):
    for number in range(6):
        finish(connection, f"usual {number}")
    flagged = finish(connection, "flagged", "many_defects")
    unusual = finish(connection, "unusual", coverage=0.2)
    assert frames_with_flags(connection, ["many_defects"]) == {flagged.frame}
    assert frames_with_flags(connection, ["many_defects", "coverage_unusual"]) == {flagged.frame, unusual.frame}
    assert frames_with_flags(connection, ["same_slide"]) == frozenset()


def test_frames_to_be_scanned_again_are_listed_by_themselves(connection):
    job = finish(connection, "a")
    set_verdict(connection, job.job_id, Verdict.SCAN_AGAIN)
    listed = review_list(connection, CODES)
    assert (listed.frames, listed.scan_again) == ((), (str(job.frame),))


def test_a_list_that_goes_on_says_so(connection, monkeypatch):
    monkeypatch.setattr(listing, "AT_MOST", 2)
    for name in "abc":
        finish(connection, name, "same_slide")
    listed = review_list(connection, CODES)
    assert (len(listed.frames), listed.is_complete) == (2, False)


def listed(*verdicts):
    frames = tuple(
        ReviewFrame(f"c/b/r_{number:04d}", 1, (Flag("same_slide"),), verdict)
        for number, verdict in enumerate(verdicts, 1)
    )
    return ReviewList(frames, sum(verdict is None for verdict in verdicts), True, ())


def test_the_next_undecided_frame_follows_and_after_the_last_the_first():
    three = listed(None, None, None)
    middle, last = place_in_review(three, "c/b/r_0002"), place_in_review(three, "c/b/r_0003")
    assert (middle.before, middle.after, middle.undecided) == ("c/b/r_0001", "c/b/r_0003", 3)
    assert (last.before, last.after) == ("c/b/r_0002", "c/b/r_0001")
    assert middle.flag == Flag("same_slide")


def test_from_a_frame_that_is_decided_or_not_listed_the_first_undecided_follows():
    two = listed(None, Verdict.ACCEPTED)
    assert place_in_review(two, "c/b/r_0002").after == "c/b/r_0001"
    assert place_in_review(two, "c/b/r_0099").after == "c/b/r_0001"
    assert place_in_review(two, "c/b/r_0099").flag is None
    assert place_in_review(listed(None), "c/b/r_0001").after is None
