"""A whole import: each file once, through kills, duplicates and rejects; and a dry run that changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.report import Fate
from filmscand.daemon.bulk.importing.run import import_folder, look_through, usual_threads
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.station.lock import StationBusyError, sole_import
from support.campaign import FILES, FRAMES, SIZE, copy_of, make_station, write_rejects, write_roll
from support.live_station import LiveStation, leftovers, running, write_blank, write_inside
from support.program import PROGRAM

ROLLS = 5


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree_state(root):
    return {str(path.relative_to(root)): path.lstat().st_mtime_ns for path in root.rglob("*")}


def fates(report):
    return {file.path: file for file in report.files}


@pytest.fixture
def place(tmp_path):
    return make_station(tmp_path / "station")[1]


@pytest.fixture(scope="module")
def campaign_folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("campaign")
    for number in range(1, ROLLS + 1):
        write_roll(root / f"box 1/roll {number}", 10 * number)
    copy_of(root / "box 1/roll 1/a2.tif", "z-again.tif")
    return root, write_rejects(root / "odds")


def queued_rows(database):
    """Return number of frames and of sources, or nothing while the database is being made."""
    with closing(open_to_read(database)) as connection:
        queued = connection.execute("SELECT count(*) FROM frames WHERE state = 'queued'").fetchone()[0]
        return queued, connection.execute("SELECT count(*) FROM frames").fetchone()[0]


def import_until(config, database, folder, frames):
    """Start the program, and kill it once so many frames are queued; return whether it was killed."""
    command = [*PROGRAM, "import", str(folder), "--config", str(config), "--threads", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        while program.poll() is None:
            if queued_rows(database)[0] >= frames:
                program.send_signal(signal.SIGKILL)
            time.sleep(0.005)
    return program.returncode == -signal.SIGKILL


def test_an_import_killed_twice_takes_each_frame_once_and_names_every_rejected_file(tmp_path, campaign_folder):
    config, place = make_station(tmp_path / "station")
    folder, rejected = campaign_folder
    before = tree_state(folder)
    assert import_until(config, place.database, folder, 6)
    assert import_until(config, place.database, folder, 18)
    command = [*PROGRAM, "import", str(folder), "--config", str(config), "--json", "--report", str(tmp_path / "r.csv")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == Exit.PART_FAILED, done.stderr
    answer = json.loads(done.stdout)
    files = {file["path"]: file for file in answer["report"]["files"]}
    assert answer["counts"]["imported"] + answer["counts"]["duplicate"] == FILES * ROLLS + 1
    assert {path for path, file in files.items() if file["fate"] == "rejected"} == {f"odds/{name}" for name in rejected}
    assert all(reason in files[f"odds/{name}"]["reason"] for name, reason in rejected.items())
    assert len((tmp_path / "r.csv").read_text().splitlines()) == len(files) + 1
    assert tree_state(folder) == before
    assert queued_rows(place.database) == (FRAMES * ROLLS, FRAMES * ROLLS)
    raws = sorted(digest(path) for path in place.archive.rglob("*_raw.*"))
    pictures = {digest(path) for path in folder.glob("box 1/*/*") if not path.stem.endswith("_ir")}
    assert raws == sorted(pictures)
    assert leftovers(place.archive) == []
    with closing(sqlite3.connect(place.database)) as connection:
        rows = connection.execute(
            "SELECT roll, number, name FROM frames JOIN sources USING (job_id) WHERE role = 'raw' ORDER BY roll, number"
        ).fetchall()
        states = {state for (state,) in connection.execute("SELECT DISTINCT state FROM candidates")}
    order = ["a2.tif", "a10.tif", "b1.tif", "c1.tif", "d1.dng", "e1.jpg", "f1.tif"]
    assert rows == [
        (f"box-1-roll-{roll}", number, f"box 1/roll {roll}/{name}")
        for roll in range(1, ROLLS + 1)
        for number, name in enumerate(order, 1)
    ]
    assert states == {"released", "duplicate"}


def test_a_second_import_names_every_file_as_a_duplicate_and_progress_counts_them_all(place, tmp_path):
    folder = write_roll(tmp_path / "campaign/roll", 1)
    campaign = Campaign(path=tmp_path / "campaign")
    shown = []
    first, second = (import_folder(place, campaign, 2, shown.append) for _ in range(2))
    assert (shown[-1].files, shown[-1].bytes) == (shown[-1].of_files, shown[-1].of_bytes)
    assert first.counts == {"imported": FILES, "duplicate": 0, "rejected": 0, "waiting": 0, "ignored": 0}
    assert (first.frames, first.exit_status) == (FRAMES, Exit.DONE)
    assert second.counts["duplicate"] == FILES
    frames = {file.frame for file in first.files}
    assert {file.frame for file in second.files} == frames
    (folder / "b1.tif").rename(folder / "b1 copy.tif")
    moved = fates(import_folder(place, campaign, 2))
    assert moved["roll/b1 copy.tif"].fate is Fate.DUPLICATE
    assert "already in the archive" in moved["roll/b1 copy.tif"].reason


def test_a_frame_that_the_archive_lost_is_imported_again(place, tmp_path):
    write_inside(tmp_path / "campaign/roll/a.tif", 1, **SIZE)
    campaign = Campaign(path=tmp_path / "campaign")
    import_folder(place, campaign, 1)
    (raw,) = place.archive.rglob("*_raw.tif")
    with closing(sqlite3.connect(place.database)) as connection, connection:
        connection.execute("UPDATE frames SET state = 'finished', outcome = 'failed'")
    raw.unlink()
    report = import_folder(place, campaign, 1)
    assert [(file.fate, file.frame) for file in report.files] == [(Fate.IMPORTED, "unsorted/unsorted/roll_0002")]


def test_a_dry_run_names_rolls_and_rejects_and_changes_nothing(place, tmp_path):
    write_roll(tmp_path / "campaign/roll 1", 1)
    rejected = write_rejects(tmp_path / "campaign")
    before = tree_state(tmp_path / "campaign"), tree_state(place.archive)
    report = look_through(place, Campaign(path=tmp_path / "campaign"), 2)
    found = fates(report)
    assert {path for path, file in found.items() if file.fate is Fate.REJECTED} == set(rejected)
    assert {file.roll for file in found.values() if file.fate is Fate.IMPORTED} == {"roll 1"}
    assert report.counts["imported"] == FILES
    assert (tree_state(tmp_path / "campaign"), tree_state(place.archive)) == before
    assert queued_rows(place.database) == (0, 0)


@pytest.mark.usefixtures("compiled_engine")
def test_a_running_service_cleans_what_is_imported_beside_it(tmp_path):
    with running(LiveStation(tmp_path / "station")) as live:
        live.wait_for(lambda status: status.service.running)
        write_blank(tmp_path / "campaign/roll/a.tif", 1)
        write_blank(live.drop / "b.tif", 2)
        report = import_folder(live.station, Campaign(path=tmp_path / "campaign"), 1)
        assert report.counts["imported"] == 1
        status = live.wait_for_archived(2)
        assert (status.arriving, status.waiting) == (0, ())


def test_only_one_import_runs_at_a_time(place, tmp_path):
    (tmp_path / "campaign").mkdir()
    with sole_import(place), pytest.raises(StationBusyError, match="another import"):
        import_folder(place, Campaign(path=tmp_path / "campaign"), 1)


def test_the_usual_number_of_threads_follows_the_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(3)))
    assert usual_threads() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert usual_threads() == 8
