"""Frames are cleaned again by the station's own workers: `filmscand reclean`."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

from filmscand.daemon.bulk.recleaning.local import Local, clean_locally
from filmscand.daemon.bulk.recleaning.plan import Choice, plan_recleaning
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState, count_frames, find_frame
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.station.configuration import Cleaning
from support.cleaned_station import CleanedStation
from support.live_station import LiveStation
from support.many_frames import frame, revisions, station_with

pytestmark = pytest.mark.usefixtures("compiled_engine")
FRAMES = [frame(1), frame(2)]


@pytest.fixture
def station(tmp_path):
    return station_with(tmp_path, 2)


def started(station, *arguments):
    command = [sys.executable, "-m", "filmscand.daemon.cli", "reclean", *map(str, arguments), "--json"]
    environment = {**os.environ, "COLUMNS": "200"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # What a shell starts in the background, as a test run may be, passes on that it ignores Ctrl-C.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    line = [*command, "--config", str(station.config)]
    return subprocess.Popen(line, env=environment, preexec_fn=heard, **pipes)


def reclean(station, *arguments):
    process = started(station, *arguments)
    out, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    return process.returncode, json.loads(out or "null"), errors


def raw_state(station, name):
    raw = station.archive.frame_folder(name).raw()
    return raw.stat(), hashlib.sha256(raw.read_bytes()).hexdigest()


def test_a_roll_is_cleaned_with_another_sensitivity_and_the_same_command_does_it_once(station):
    before = [raw_state(station, name) for name in FRAMES]
    status, report, _ = reclean(station, "unsorted", "--sensitivity", 0.9)
    assert status == 0
    assert [(one["frame"], one["outcome"], one["revision"], one["is_new"]) for one in report["frames"]] == [
        ("unsorted/unsorted/r_0001", "archived", 2, True),
        ("unsorted/unsorted/r_0002", "archived", 2, True),
    ]
    assert all(one["before"]["method"] and one["after"]["method"] for one in report["frames"])
    assert sum(report["effects"].values()) == 2
    for name, raw in zip(FRAMES, before, strict=True):
        assert revisions(station, name) == [(1, 0.5), (2, 0.9)]
        assert raw_state(station, name) == raw
        assert station.archive.verify(name) == ()
    status, report, _ = reclean(station, "unsorted", "--sensitivity", 0.9)
    assert (status, report["done"], [one["is_new"] for one in report["frames"]]) == (0, 2, [False, False])


def test_a_frame_whose_raw_is_damaged_fails_and_the_others_are_cleaned(station):
    raw = station.archive.frame_folder(FRAMES[0]).raw()
    raw.chmod(0o640)
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    status, report, _ = reclean(station, "unsorted/unsorted/r", "--sensitivity", 0.9)
    assert status == 3
    outcomes = {one["frame"]: (one["outcome"], one["effect"]) for one in report["frames"]}
    assert outcomes[str(FRAMES[0])] == ("failed", "worse")
    assert outcomes[str(FRAMES[1])][0] == "archived"
    assert [revisions(station, name) for name in FRAMES] == [[(1, 0.5)], [(1, 0.5), (2, 0.9)]]
    status, report, _ = reclean(station, "--failed")
    assert (status, [one["error"].partition(":")[0] for one in report["frames"]]) == (1, ["IntegrityError"])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "--failed"),
        (("unsorted/unsorted/s",), 1, "unsorted/unsorted/s: the station has no frame of this name"),
        (("a/b/c/d",), 1, "expected COLLECTION[/BOX[/ROLL"),
        (("unsorted", "--scheduler", "tcp://127.0.0.1:1", "--no-wait"), 2, "cannot be used with --no-wait"),
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
    assert [one["outcome"] for one in report["frames"]] == [None, None]
    with closing(open_database(station.station.database)) as connection:
        jobs = [find_frame(connection, name) for name in FRAMES]
    assert [(job.state, job.request.film, job.request.sensitivity) for job in jobs] == [
        (JobState.QUEUED, "slide", 0.5)
    ] * 2


# So many that none of them is the last one when a busy machine sends a signal.
COUNT = 20


def test_a_run_that_is_stopped_tells_what_remains_and_the_next_one_goes_on(tmp_path):
    station = station_with(tmp_path, COUNT)
    run = started(station, "unsorted", "--sensitivity", 0.9)
    while not any(station.station.archive.rglob("*_r02_*")):
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    out, errors = run.communicate(timeout=60)
    report = json.loads(out)
    assert (run.returncode, report["remaining"] > 0) == (1, True), errors
    assert f"{report['remaining']} frames remain, and the same command goes on" in errors
    status, report, _ = reclean(station, "unsorted", "--sensitivity", 0.9)
    assert (status, len(report["frames"]), report["remaining"]) == (0, COUNT, 0)
    assert 0 < report["done"] < COUNT
    assert {str(revisions(station, frame(number))) for number in range(1, COUNT + 1)} == {"[(1, 0.5), (2, 0.9)]"}


def test_only_a_few_frames_are_in_the_queue_at_once_and_the_service_ends_after_the_last(tmp_path):
    cleaned = CleanedStation(tmp_path)
    live = station_with(tmp_path, 12)
    waiting, ended = [], []

    def work():
        with cleaned.open() as connection:
            waiting.append(count_frames(connection).get((JobState.QUEUED, None), 0))
        cleaned.work()

    with cleaned.open() as connection:
        archive = bound_archive(live.station, connection)
        asked = (Choice(), Changes(sensitivity=0.9))
        plan = plan_recleaning(connection, archive, Cleaning(), asked)
        local = Local(OwnDesk(live.station), connection, asked[1], 1, work, lambda: ended.append(True))
        assert [one.revision for one in clean_locally(plan, local)] == [2] * 12
    assert (max(waiting), ended) == (8, [True])
