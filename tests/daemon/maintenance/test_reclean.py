"""Frames are cleaned once more, as a technician asks for it: `filmscand reclean`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import this_process
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, SourceFile, find_job
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, queue_frames, selected_frames
from support.live_station import LiveStation

pytestmark = pytest.mark.usefixtures("compiled_engine")
ROLL = Roll("unsorted", "unsorted", "r")
FRAMES = [FrameId("unsorted", "unsorted", "r", number) for number in (1, 2)]


@pytest.fixture
def station(tmp_path):
    """Two frames of one roll, archived and cleaned."""
    station = LiveStation(tmp_path)
    with closing(open_database(station.station.database)) as connection:
        for frame in FRAMES:
            archive_one(station, Queue(connection), frame)
    return station


def archive_one(station, queue, frame):
    """Do with a file what ingest and a worker do."""
    stored = station.store_raw(frame)
    request = CleanRequest()
    source = SourceFile("raw", stored.sha256, stored.size_bytes, stored.name)
    job = queue.reserve(ROLL, 1, [source], request)
    queue.enqueue(job.job_id, request.model_copy(update={"originals": (stored,)}))
    lease = queue.take(this_process(), 60.0)
    queue.finish(lease, clean_into_archive(station.archive, frame, lease.job.request))


def reclean(station, *arguments):
    command = [
        sys.executable,
        "-m",
        "filmscand.daemon.cli",
        "reclean",
        *map(str, arguments),
        "--config",
        str(station.config),
    ]
    done = subprocess.run(
        [*command, "--json"], env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def revisions(station, frame):
    return [(one.number, one.options.sensitivity) for one in station.archive.read_sidecar(frame).revisions]


def raw_state(station, frame):
    raw = station.archive.frame_folder(frame).raw()
    return raw.stat(), hashlib.sha256(raw.read_bytes()).hexdigest()


def test_a_roll_cleaned_with_another_sensitivity_has_a_second_revision_of_each_frame_and_the_same_raw(station):
    before = [raw_state(station, frame) for frame in FRAMES]
    status, report, _ = reclean(station, "unsorted/unsorted/r", "--sensitivity", 0.9)
    assert status == 0
    assert [(frame["frame"], frame["outcome"], frame["revision"], frame["is_new"]) for frame in report["frames"]] == [
        ("unsorted/unsorted/r_0001", "archived", 2, True),
        ("unsorted/unsorted/r_0002", "archived", 2, True),
    ]
    for frame, raw in zip(FRAMES, before, strict=True):
        assert revisions(station, frame) == [(1, 0.5), (2, 0.9)]
        assert raw_state(station, frame) == raw
        assert station.archive.verify(frame) == ()


def test_a_frame_fails_whose_raw_is_damaged_and_one_that_is_cleaned_as_before_gains_nothing(station):
    raw = station.archive.frame_folder(FRAMES[0]).raw()
    raw.chmod(0o640)
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    with closing(open_database(station.station.database)) as connection:
        queue_frames(connection, selected_frames(connection, ["unsorted/unsorted/r_0001"], failed=False), Changes(0.2))
    status, report, _ = reclean(station, "unsorted/unsorted/r_0002")
    assert (status, [(frame["revision"], frame["is_new"]) for frame in report["frames"]]) == (0, [(1, False)])
    with closing(open_database(station.station.database)) as connection:
        failed = selected_frames(connection, [], failed=True)
        assert [(job.frame, job.outcome) for job in failed] == [(FRAMES[0], JobOutcome.FAILED)]
        assert failed[0].error.startswith("IntegrityError")
        assert selected_frames(connection, ["unsorted/unsorted/r_0002"], failed=True) == []
    assert [revisions(station, frame) for frame in FRAMES] == [[(1, 0.5)]] * 2


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "--failed"),
        (("unsorted/unsorted/s",), 1, "no frame and no roll unsorted/unsorted/s"),
        (("r_0001",), 1, "expected COLLECTION/BOX/ROLL"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path, arguments, status, words):
    station = LiveStation(tmp_path)
    open_database(station.station.database).close()
    found = reclean(station, *arguments)
    assert (found[0], words in found[2]) == (status, True), found


def test_nobody_has_to_wait(station):
    status, report, _ = reclean(station, "unsorted/unsorted/r", "--no-wait", "--film", "slide")
    assert status == 0
    assert [frame["outcome"] for frame in report["frames"]] == [None, None]
    with closing(open_database(station.station.database)) as connection:
        jobs = selected_frames(connection, ["unsorted/unsorted/r"], failed=False)
    assert [(job.state, job.request.film, job.request.sensitivity) for job in jobs] == [
        (JobState.QUEUED, "slide", 0.5)
    ] * 2


def test_frames_that_are_in_line_already_are_left_there(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        queue = Queue(connection)
        request = CleanRequest()
        job = queue.reserve(Roll("c", "b", "r_0001"), 1, [SourceFile("raw", "0" * 64, 1, "a.tif")], request)
        queue.enqueue(job.job_id, request)
        jobs = selected_frames(connection, ["c/b/r_0001", "c/b/r_0001_0001"], failed=False)
        assert [found.job_id for found in jobs] == [job.job_id]
        report = queue_frames(connection, jobs, Changes(sensitivity=0.9))
        assert (report.frames, report.skipped) == ((), ("c/b/r_0001_0001",))
        assert find_job(connection, job.job_id).state is JobState.QUEUED
        assert find_job(connection, job.job_id).request == request
        with pytest.raises(NoSuchFramesError, match="c/b/r_0001_0002"):
            selected_frames(connection, ["c/b/r_0001_0002"], failed=False)
