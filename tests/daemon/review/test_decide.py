"""Decisions about a frame: recorded in the archive, input to the next revision, and taken back by an undo."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from filmscand.daemon.archive.decisions import changing, record_decision
from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.cleaning import pipeline
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.decision import Decision, DecisionKind, Verdict
from filmscand.daemon.core.errors import IntegrityError, RollSealedError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.frames import JobState, find_frame
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, queue_again
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.review.decide import (
    Asked,
    DecisionRefusedError,
    FrameBusyError,
    StaleRevisionError,
    decide,
)
from support.cleaned_station import CleanedStation

pytestmark = pytest.mark.usefixtures("compiled_engine")
FRAME = FrameId("c", "b", "r", 1)
AREA = ((10.0, 10.0), (10.0, 60.0), (50.0, 60.0), (50.0, 10.0))


class Desk(CleanedStation):
    """Its station with a person's hands."""

    def decide(self, kind, **asked):
        return decide(self.station, FRAME, Asked(DecisionKind(kind), **asked))

    @property
    def job(self):
        with self.open() as connection:
            return find_frame(connection, FRAME)

    @property
    def sidecar(self):
        return self.archive.read_sidecar(FRAME)

    def picture(self, number):
        return tifffile.imread(self.archive.frame_folder(FRAME).path / f"r_0001_r{number:02d}_clean.tif")

    @property
    def raw(self):
        return tifffile.imread(self.archive.frame_folder(FRAME).raw())[..., :3]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, FRAME)


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("accept", Verdict.ACCEPTED), ("keep_raw", Verdict.KEEP_RAW), ("scan_again", Verdict.SCAN_AGAIN)],
)
def test_a_verdict_is_in_the_sidecar_the_events_and_the_queue_and_nothing_is_cleaned(desk, kind, verdict):
    result = desk.decide(kind, by="anna")
    assert (result.verdict, result.is_queued) == (verdict, False)
    (recorded,) = desk.sidecar.decisions
    assert (recorded.kind, recorded.by, recorded.revision) == (kind, "anna", 1)
    assert (desk.job.state, desk.job.result.verdict) == (JobState.FINISHED, verdict)
    events = read_events(desk.archive.root / FRAME.roll_folder / "metadata" / "events.jsonl")
    (event,) = [one for one in events if one.type is EventType.APPRAISAL]
    assert event.detail.decision == recorded
    assert desk.problems() == ()


def test_an_excluded_area_stays_as_captured_in_the_next_revision(desk):
    whole = ((0, 0), (0, desk.sidecar.capture.cols), (desk.sidecar.capture.rows, desk.sidecar.capture.cols), (0, 0))
    assert (desk.picture(1) != desk.raw).any()
    assert desk.decide("clean_again", excluded=(whole,)).is_queued
    result = desk.work()
    assert (result.revision, result.created) == (2, True)
    rows, cols = desk.raw.shape[:2]
    upper = np.add.outer(-np.arange(rows) / rows, np.arange(cols) / cols) > 0.02
    assert np.array_equal(desk.picture(2)[upper], desk.raw[upper])
    assert desk.sidecar.latest.options.excluded == desk.sidecar.drawn.excluded != ()
    assert desk.problems() == ()


def test_a_marked_area_is_healed_and_a_second_cleaning_does_not_repeat_it(desk):
    desk.decide("clean_again", marked=(AREA,))
    assert desk.work().revision == 2
    assert desk.sidecar.latest.report.marked_px > 0
    queue_again(desk.station, [str(FRAME)], Changes())
    result = desk.work()
    assert (result.revision, result.created) == (2, False)
    queue_again(desk.station, [str(FRAME)], Changes(sensitivity=0.9))
    assert desk.work().revision == 3
    assert desk.sidecar.latest.options.marked == (AREA,)


def test_another_sensitivity_and_film_make_another_revision_and_undo_leads_back_to_the_first(desk):
    desk.decide("clean_again", sensitivity=0.9, film=FilmKind.NEGATIVE)
    assert desk.work().revision == 2
    assert (desk.sidecar.film, desk.sidecar.current.number) == (FilmKind.NEGATIVE, 2)
    assert desk.decide("undo").is_queued
    result = desk.work()
    assert (result.revision, result.created) == (1, False)
    assert (desk.sidecar.film, desk.sidecar.current.number, desk.sidecar.latest.number) == (FilmKind.UNKNOWN, 1, 2)
    assert desk.problems() == ()


def test_undo_takes_back_one_decision_after_the_other(desk):
    desk.decide("accept")
    desk.decide("scan_again")
    assert desk.decide("undo").verdict is Verdict.ACCEPTED
    assert desk.decide("undo").verdict is None
    assert desk.job.result.verdict is None
    with pytest.raises(DecisionRefusedError, match="no decision to undo"):
        desk.decide("undo")
    assert [one.kind for one in desk.sidecar.decisions] == ["accept", "scan_again", "undo", "undo"]


def test_an_accepted_frame_that_is_cleaned_again_is_undecided_again(desk):
    desk.decide("accept")
    desk.decide("clean_again", marked=(AREA,))
    assert desk.work().verdict is None


def test_what_a_cleaning_finishes_keeps_the_verdict_of_a_raw_picture(desk):
    desk.decide("keep_raw")
    queue_again(desk.station, [str(FRAME)], Changes(sensitivity=0.9))
    assert desk.work().verdict == "keep_raw"


def test_a_frame_in_the_queue_is_decided_about_when_it_is_done(desk):
    desk.decide("clean_again", excluded=(AREA,))
    with pytest.raises(FrameBusyError, match="waits in the queue: try again when it is done"):
        desk.decide("accept")
    with desk.open() as connection:
        Queue(connection).take(ProcessId(1, 1), 60.0)
    with pytest.raises(FrameBusyError, match="is being cleaned"):
        desk.decide("accept")
    assert len(desk.sidecar.decisions) == 1


def test_a_decision_about_a_revision_that_counts_no_more_is_refused(desk):
    desk.decide("clean_again", marked=(AREA,))
    desk.work()
    with pytest.raises(StaleRevisionError, match="revision 2 counts now, not 1"):
        desk.decide("accept", revision=1)
    assert desk.decide("accept", revision=2).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"excluded": (((1, 1), (1, 9999), (9, 9)),)}, "is outside"),
        ({"marked": (((1, 1), (1, 9), (1, 5)),)}, "smaller than a pixel"),
        ({"marked": (AREA,) * 201}, "200 areas at most"),
        ({}, "another sensitivity, another film or an area"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused_and_nothing_is_recorded(desk, asked, words):
    with pytest.raises(DecisionRefusedError, match=words):
        desk.decide("clean_again", **asked)
    assert desk.sidecar.decisions == ()


def test_a_frame_that_is_not_known_or_failed_has_nothing_to_decide_about(desk):
    with pytest.raises(NoSuchFramesError):
        decide(desk.station, FrameId("c", "b", "r", 2), Asked(DecisionKind.ACCEPT))
    with desk.open() as connection:
        Queue(connection).retry(desk.job.job_id)
        Queue(connection).fail(Queue(connection).take(ProcessId(1, 1), 60.0), "no")
    with pytest.raises(DecisionRefusedError, match="no cleaned picture"):
        desk.decide("accept")


def test_a_decision_reopens_a_sealed_roll_and_a_lost_mark_refuses_it(desk):
    seal(desk.station, "c/b/r")
    desk.decide("accept")
    assert desk.archive.is_reopened(FRAME)
    assert seal(desk.station, "c/b/r").generation == 2
    (desk.archive.root / FRAME.roll_folder / "bagit.txt").unlink()
    with pytest.raises(RollSealedError, match="this file is gone"):
        desk.decide("undo")


def test_a_sidecar_that_somebody_changed_is_not_written_over(desk):
    path = desk.archive.frame_folder(FRAME).sidecar
    plain = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps({**plain, "film": "slide"}))
    with pytest.raises(IntegrityError):
        desk.decide("accept")


def test_a_rebuilt_database_knows_every_decision_and_what_waits_for_its_cleaning(desk):
    desk.decide("clean_again", sensitivity=0.9)
    desk.work()
    desk.decide("undo")
    desk.work()
    desk.decide("keep_raw")
    rebuild(desk.station, replace=True)
    assert (desk.job.result.revision, desk.job.result.verdict, desk.job.request.sensitivity) == (1, "keep_raw", 0.5)
    desk.decide("clean_again", sensitivity=0.7, film=FilmKind.SLIDE)
    assert rebuild(desk.station, replace=True).queued == (str(FRAME),)
    assert (desk.job.state, desk.job.request.sensitivity, desk.job.request.film) == (JobState.QUEUED, 0.7, "slide")
    assert desk.work().revision == 3
    assert desk.sidecar.wanted is None


def test_a_decision_that_comes_while_a_worker_writes_is_not_lost(desk, monkeypatch):
    make = pipeline._make

    def make_slowly(*arguments):
        made = make(*arguments)
        # A person's decision that slipped in between two states of the queue.
        with changing(desk.archive, FRAME):
            record_decision(desk.archive, desk.sidecar, Decision.made_now(DecisionKind.KEEP_RAW, 1), None)
        return made

    monkeypatch.setattr(pipeline, "_make", make_slowly)
    clean_into_archive(desk.archive, FRAME, CleanRequest(sensitivity=0.8))
    assert [one.kind for one in desk.sidecar.decisions] == ["keep_raw"]
    assert desk.sidecar.latest.number == 2
