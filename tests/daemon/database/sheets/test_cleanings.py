"""Frames as a bulk cleaning reads them."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.request import CleanRequest, ReportRecord, Role, StoredFile
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.cleanings import Findings, Setting, chosen_cleanings, cleanings_of
from filmscand.daemon.database.sheets.selection import Selector
from support.queue_rows import RESULT, WORKER, enqueue, reserve

RAW = StoredFile(role=Role.RAW, name="a.tif", size_bytes=1, sha256="ab" * 32, sha512="cd" * 64)
REPORT = ReportRecord(method="fusion", coverage=0.01, defects_found=7, defects_left=2)


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


@pytest.fixture
def queue(connection):
    return Queue(connection)


def test_an_archived_frame_tells_what_it_was_made_from_and_what_was_found(connection, queue):
    request = CleanRequest(film=FilmKind.SLIDE, sensitivity=0.7, originals=(RAW,), flags=("pair_timeout",))
    job = queue.enqueue(reserve(queue, "a").job_id, request)
    told = {"report": REPORT, "warnings": ("many_defects",), "engine": "1.0 abc", "made_from": "digest"}
    queue.finish(queue.take(WORKER, 60.0), RESULT.model_copy(update=told))
    (one,) = chosen_cleanings(connection, Selector("museum"))
    assert (one.job_id, one.frame, one.outcome) == (job.job_id, job.frame, JobOutcome.ARCHIVED)
    assert one.setting == Setting(FilmKind.SLIDE, 0.7, None)
    assert (one.inputs_sha256, one.flags) == (("ab" * 32,), ("pair_timeout",))
    assert (one.revision, one.is_new, one.engine, one.made_from) == (1, True, "1.0 abc", "digest")
    assert one.findings == Findings("fusion", 0.01, 7, 2, ("many_defects",))


def test_a_frame_without_a_revision_and_one_of_an_earlier_version_tell_less(connection, queue):
    enqueue(queue, "a")
    waiting = enqueue(queue, "b")
    queue.finish(queue.take(WORKER, 60.0), RESULT)
    earlier, queued = chosen_cleanings(connection, None)
    assert (earlier.engine, earlier.made_from, earlier.findings) == (None, None, Findings(None, None, None, None, ()))
    assert (queued.state, queued.revision, queued.findings, queued.inputs_sha256) == (JobState.QUEUED, None, None, ())
    assert [one.job_id for one in cleanings_of(connection, [earlier.job_id, waiting.job_id])] == [1, 2]
    assert [one.job_id for one in cleanings_of(connection, [earlier.job_id, waiting.job_id], finished=True)] == [1]


def test_only_failed_frames_are_read_where_only_they_are_wanted(connection, queue):
    for name in "ab":
        enqueue(queue, name)
    queue.fail(queue.take(WORKER, 60.0), "no picture")
    assert [one.error for one in chosen_cleanings(connection, None, failed=True)] == ["no picture"]
