"""A lost database is made anew from the archive alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import (
    JobOutcome,
    JobState,
    Roll,
    SourceFile,
    count_frames,
    find_frame,
    sources_of,
)
from filmscand.daemon.database.queue import DuplicateSourceError, Queue
from filmscand.daemon.database.trouble import DatabaseMissingError, DatabaseReplacedError
from filmscand.daemon.maintenance.identity import connect_station, identity_problem
from filmscand.daemon.maintenance.rebuild import DatabaseExistsError, rebuild
from filmscand.daemon.station.lock import StationBusyError, sole_process
from support.live_station import LiveStation, running

pytestmark = pytest.mark.usefixtures("compiled_engine")
FRAMES = [FrameId("c", "b", "r", number) for number in (1, 2)]


@pytest.fixture
def station(tmp_path):
    """An archive of two frames, the first cleaned twice, the second not at all; no database."""
    station = LiveStation(tmp_path)
    for frame in FRAMES:
        station.store_raw(frame)
    for sensitivity in (0.5, 0.9):
        clean_into_archive(station.archive, FRAMES[0], CleanRequest(sensitivity=sensitivity))
    return station


def test_frames_with_a_sidecar_are_archived_and_those_without_stand_in_line(station):
    report = rebuild(station.station)
    assert (report.archived, report.queued, report.problems, report.old_database) == (1, (str(FRAMES[1]),), (), None)
    with closing(open_database(station.station.database)) as connection:
        first, second = (find_frame(connection, frame) for frame in FRAMES)
        assert (first.frame, first.state, first.outcome) == (FRAMES[0], JobState.FINISHED, JobOutcome.ARCHIVED)
        assert (first.result.revision, first.request.sensitivity) == (2, 0.9)
        assert (second.frame, second.state, second.request.sensitivity) == (FRAMES[1], JobState.QUEUED, 0.5)
        sidecar = station.archive.read_sidecar(FRAMES[0])
        assert [source.sha256 for source in sources_of(connection, first.job_id)] == [sidecar.originals[0].sha256]
        status = station.status()
        assert (status.outcomes["archived"], status.states["queued"], status.last_frames[0].defects is not None) == (
            1,
            1,
            True,
        )


def test_a_station_that_was_rebuilt_goes_on_with_new_numbers_and_knows_its_pictures(station):
    rebuild(station.station)
    with closing(open_database(station.station.database)) as connection:
        queue = Queue(connection)
        old = sources_of(connection, find_frame(connection, FRAMES[0]).job_id)[0]
        with pytest.raises(DuplicateSourceError, match="c/b/r_0001"):
            queue.reserve(Roll("c", "b", "r"), 1, [old], CleanRequest())
        assert (
            queue.reserve(Roll("c", "b", "r"), 1, [SourceFile("raw", "0" * 64, 1, "new")], CleanRequest()).frame.number
            == 3
        )
        queue.drop(3)
    with running(station):
        station.wait_for_archived(2)
    assert station.archive.is_complete(FRAMES[1])


def test_a_database_that_is_there_is_put_aside_only_when_told(station):
    rebuild(station.station)
    with pytest.raises(DatabaseExistsError, match="--replace"):
        rebuild(station.station)
    with closing(open_database(station.station.database)) as connection:
        connection.execute("DELETE FROM frames")
    report = rebuild(station.station, replace=True)
    with closing(open_database(report.old_database)) as old, closing(open_database(station.station.database)) as new:
        assert (sum(count_frames(old).values()), sum(count_frames(new).values())) == (0, 2)


def test_an_archive_that_is_not_mounted_costs_no_database(station):
    rebuild(station.station)
    station.archive.root.rename(station.archive.root.with_name("elsewhere"))
    station.archive.root.mkdir()
    with pytest.raises(FrameMissingError, match="is the archive mounted"):
        rebuild(station.station, replace=True)
    assert not station.station.database.with_name("station.db.rebuilding").exists()
    with closing(open_database(station.station.database)) as connection:
        assert sum(count_frames(connection).values()) == 2


KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from filmscand.daemon.maintenance.identity import identity_problem, connect_station
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.station.configuration import load_station
left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event in ("os.rename", "os.remove") and "station.db" in str(arguments[0]) or event == "os.link":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
rebuild(load_station(Path(sys.argv[1])), replace=True)
"""


@pytest.mark.parametrize("kept_open", [False, True])
@pytest.mark.parametrize("moment", range(1, 13))
def test_killed_at_any_moment_a_rebuild_leaves_the_old_database_the_new_one_or_a_refusal(station, moment, kept_open):
    rebuild(station.station)
    with closing(open_database(station.station.database)) as connection:
        Queue(connection).reserve(Roll("c", "b", "other"), 1, [SourceFile("raw", "0" * 64, 1, "new")], CleanRequest())
        # A command that still reads keeps the last commits in a file beside the database.
        if not kept_open:
            connection.close()
        subprocess.run([sys.executable, "-c", KILLED_BETWEEN, str(station.config), str(moment)], check=False)
    try:
        with closing(connect_station(station.station)) as connection:
            assert all(find_frame(connection, frame) for frame in FRAMES)
    except DatabaseMissingError as error:
        assert "filmscand rebuild" in str(error)
        assert rebuild(station.station).archived == 1
    assert identity_problem(station.station) is None
    rebuild(station.station, replace=True)
    assert identity_problem(station.station) is None


def test_the_old_database_does_not_fit_the_archive_any_more(station):
    rebuild(station.station)
    old = rebuild(station.station, replace=True).old_database
    old.replace(station.station.database)
    with pytest.raises(DatabaseReplacedError, match="rebuild --replace"):
        connect_station(station.station)


@pytest.mark.parametrize("content", [b"", b"no database at all, whatever it is called" * 100])
def test_a_database_that_is_empty_or_damaged_is_rebuilt_beside_its_archive(station, content):
    rebuild(station.station)
    station.station.database.write_bytes(content)
    assert rebuild(station.station, replace=bool(content)).archived == 1
    assert identity_problem(station.station) is None


def test_a_station_that_never_archived_a_frame_gets_its_database_back(tmp_path):
    station = LiveStation(tmp_path / "empty").station
    connect_station(station).close()
    station.database.unlink()
    assert rebuild(station).archived == 0
    assert identity_problem(station) is None


def test_no_database_is_rebuilt_under_a_running_service(station):
    with sole_process(station.station), pytest.raises(StationBusyError):
        rebuild(station.station)
    assert not station.station.database.exists()


def test_what_a_person_has_to_look_at_is_told_and_the_rest_is_there(station):
    archive = station.archive
    copy = FrameId("c", "b", "copy", 1)
    archive.frame_folder(copy).path.mkdir(parents=True)
    shutil.copy(archive.frame_folder(FRAMES[1]).raw(), archive.frame_folder(copy).path / "copy_0001_raw.tif")
    empty = FrameId("c", "b", "empty", 1)
    archive.frame_folder(empty).path.mkdir(parents=True)
    archive.frame_folder(FRAMES[0]).sidecar.write_text("{}")
    command = [sys.executable, "-m", "filmscand.daemon.cli", "rebuild", "--json", "--config", str(station.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert (report["archived"], len(report["queued"]), len(report["problems"])) == (0, 2, 3)
    told = "\n".join(report["problems"])
    assert all(words in told for words in ("empty_0001_raw", "the archive twice", "expected a sidecar"))
    with closing(open_database(station.station.database)) as connection:
        assert count_frames(connection)[(JobState.FINISHED, JobOutcome.FAILED)] == 1


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "another frame's", "no originals"])
def test_a_sidecar_that_cannot_be_used_is_one_problem_and_all_other_frames_are_there(station, kind):
    clean_into_archive(station.archive, FRAMES[1], CleanRequest())
    path, other = (station.archive.frame_folder(frame).sidecar for frame in FRAMES)
    plain = json.loads(path.read_text())
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(other)
        case "another frame's":
            shutil.copy(other, path)
        case _:
            path.write_text(json.dumps({**plain, "originals": []}))
    report = rebuild(station.station)
    assert (report.archived, report.queued, len(report.problems), report.exit_status) == (1, (), 1, 3)
    assert "r_0001" in report.problems[0]
