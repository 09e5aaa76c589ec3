"""A finished roll is closed: a BagIt bag that other programs can check, and that takes no frame more."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.archive.records.events import read_events
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import IntegrityError, RollSealedError, TransientError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile, find_frame
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.session_records import ScanPlan
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing import seal as sealing
from filmscand.daemon.maintenance.sealing.roll import RollUnfinishedError
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.maintenance.sessions.order import SessionOrder, queue_session
from filmscand.drivers.files.reader import read_capture
from support.live_station import LiveStation, running, write_inside

pytestmark = pytest.mark.usefixtures("compiled_engine")
ROLL = "unsorted/unsorted/r"
PROGRAM = [sys.executable, "-m", "filmscand.daemon.cli"]
FRAMES = [FrameId("unsorted", "unsorted", "r", number) for number in (1, 2)]
BAG_FILES = {"bagit.txt", "bag-info.txt", "manifest-sha512.txt", "tagmanifest-sha512.txt"}


@pytest.fixture
def station(tmp_path):
    """A roll of two cleaned frames."""
    station = LiveStation(tmp_path)
    for frame in FRAMES:
        station.store_raw(frame)
        clean_into_archive(station.archive, frame, CleanRequest())
    return station


@pytest.fixture
def folder(station):
    return station.archive.root / ROLL


def bag_files(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_a_sealed_roll_is_a_bag_that_common_tools_can_check(station, folder):
    command = [
        sys.executable,
        "-m",
        "filmscand.daemon.cli",
        "seal",
        ROLL,
        "--info",
        "Source-Organization: City Archive",
    ]
    done = subprocess.run(
        [*command, "--json", "--config", str(station.config)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    payload = sorted(path for path in (folder / "data").rglob("*") if path.is_file())
    sealed = json.loads(done.stdout)["sealed"][0]
    size_bytes = sum(path.stat().st_size for path in payload)
    assert (sealed["roll"], sealed["frames"], sealed["files"], sealed["size_bytes"]) == (ROLL, 2, 10, size_bytes)
    assert bag_files(folder) == BAG_FILES
    assert (folder / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    info = dict(line.split(": ", 1) for line in (folder / "bag-info.txt").read_text().splitlines())
    assert (info["Payload-Oxum"], info["External-Identifier"]) == (f"{size_bytes}.10", ROLL)
    assert info["Source-Organization"] == "City Archive"
    listed = [line.split("  ", 1)[1] for line in (folder / "manifest-sha512.txt").read_text().splitlines()]
    assert listed == sorted(str(path.relative_to(folder)) for path in payload)
    for manifest in ("manifest-sha512.txt", "tagmanifest-sha512.txt"):
        subprocess.run(["sha512sum", "--check", "--strict", "--quiet", manifest], cwd=folder, check=True)
    tags = (folder / "tagmanifest-sha512.txt").read_text()
    assert all(name in tags for name in ("bagit.txt", "bag-info.txt", "manifest-sha512.txt", "metadata/events.jsonl"))
    assert [event.type for event in read_events(folder / "metadata/events.jsonl")][-1] == "information package creation"
    assert verify_rolls(station.archive) == verify_rolls(station.archive, (ROLL,))
    assert (verify_rolls(station.archive).verified, verify_rolls(station.archive).problems) == (2, ())


def test_a_sealed_roll_takes_no_frame_and_no_change_that_does_not_reopen_it(station, tmp_path):
    rebuild(station.station)
    seal(station.station, ROLL)
    archive = station.archive
    late = write_inside(tmp_path / "late.tif", 9)
    order = SessionOrder(roll="r", frames=1, film="slide", device="test:0")
    for deed in (
        lambda: archive.copy_original(FrameId("unsorted", "unsorted", "r", 3), late, Role.RAW),
        lambda: archive.write_sidecar(FRAMES[0], archive.read_sidecar(FRAMES[0])),
        lambda: archive.append_events(FRAMES[0], []),
        lambda: queue_session(station.station, order),
        lambda: seal(station.station, ROLL),
    ):
        with pytest.raises(RollSealedError, match="is sealed and takes nothing more"):
            deed()
    assert verify_rolls(archive).problems == ()
    assert station.status().states["queued"] == 0


def test_a_file_that_is_dropped_for_a_sealed_roll_waits_for_a_person(station):
    rebuild(station.station)
    seal(station.station, ROLL)
    with running(station):
        dropped = write_inside(station.drop / "r" / "late.tif", 9)
        status = station.wait_for(lambda status: status.waiting)
    assert [(file.path, file.state) for file in status.waiting] == [("r/late.tif", "ambiguous")]
    assert "sealed" in status.waiting[0].reason
    assert dropped.exists()
    assert verify_rolls(station.archive).problems == ()


@pytest.mark.parametrize("name", ["data/r_0001/r_0001_r01_mask.png", "data/r_0002/r_0002.json", "metadata/roll.json"])
def test_a_changed_file_of_a_bag_is_damage(station, folder, name):
    seal(station.station, ROLL)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    report = verify_rolls(station.archive)
    assert report.damaged
    assert [problem.path for problem in report.problems] == [folder / name]


def test_missing_and_foreign_files_of_a_bag_are_damage(station, folder):
    seal(station.station, ROLL)
    (folder / "data/r_0001/r_0001.json").unlink()
    (folder / "data/stray.txt").write_text("?")
    report = verify_rolls(station.archive)
    assert [(problem.path.name, str(problem.kind)) for problem in report.problems] == [
        ("r_0001.json", "missing"),
        ("stray.txt", "changed"),
    ]
    (folder / "manifest-sha512.txt").write_text("nonsense\n")
    assert "expected a SHA-512 and a path" in str(verify_rolls(station.archive).problems[0])


def test_whatever_lies_in_the_payload_is_in_the_manifest_under_a_name_that_can_be_read_again(station, folder):
    (folder / "data" / "notes 100%\nby Ada.txt").write_text("first slide is upside down")
    assert seal(station.station, ROLL).files == 11
    assert "data/notes 100%25%0Aby Ada.txt" in (folder / "manifest-sha512.txt").read_text()
    assert verify_rolls(station.archive).problems == ()


def in_line(connection):
    job = Queue(connection).reserve(
        Roll("unsorted", "unsorted", "r"), 3, [SourceFile("raw", "0" * 64, 1, "a")], CleanRequest()
    )
    return str(job.frame)


def in_a_session(connection):
    return f"session {Sessions(connection).add(ScanPlan(roll='r', device='test:0')).session_id}"


@pytest.mark.parametrize("begin", [in_line, in_a_session])
def test_a_roll_that_something_is_under_way_for_is_not_sealed(station, folder, begin):
    with closing(open_database(station.station.database)) as connection:
        what = begin(connection)
    with pytest.raises(RollUnfinishedError, match=what):
        seal(station.station, ROLL)
    assert bag_files(folder) == set()


def test_a_roll_with_a_frame_that_never_became_complete_is_not_sealed(station, folder):
    station.archive.frame_folder(FRAMES[1]).sidecar.unlink()
    with pytest.raises(RollUnfinishedError, match="r_0002"):
        seal(station.station, ROLL)
    with pytest.raises(RollUnfinishedError, match="expected frames, found none"):
        seal(station.station, "unsorted/unsorted/other")
    assert bag_files(folder) == set()


def test_what_is_damaged_is_not_sealed(station, folder):
    raw = station.archive.frame_folder(FRAMES[0]).raw()
    raw.chmod(0o640)
    raw.write_bytes(raw.read_bytes() + b"!")
    with pytest.raises(IntegrityError, match="r_0001_raw"):
        seal(station.station, ROLL)
    assert bag_files(folder) == set()


def test_a_file_that_comes_while_the_roll_is_sealed_opens_it_again(station, folder, monkeypatch):
    write_bag = sealing.write_bag

    def write_bag_beside_another_writer(*arguments):
        (folder / "data" / "r_0001" / "late.txt").write_text("came")
        write_bag(*arguments)

    monkeypatch.setattr(sealing, "write_bag", write_bag_beside_another_writer)
    with pytest.raises(RollUnfinishedError, match="came or changed"):
        seal(station.station, ROLL)
    assert bag_files(folder) == set()
    assert not Archive(station.archive.root).is_sealed(FRAMES[0])


def test_a_roll_whose_sealing_was_cut_off_is_open_and_can_be_sealed(station, folder):
    for name in BAG_FILES - {"bagit.txt"}:
        (folder / name).write_text("half")
    assert not station.archive.is_sealed(FRAMES[0])
    seal(station.station, ROLL)
    assert verify_rolls(station.archive).problems == ()


@pytest.mark.parametrize("line", ["no label", "Payload-Oxum: 1.1", ": nothing"])
def test_a_label_that_cannot_stand_in_the_bag_is_a_mistake_of_usage(station, folder, line):
    command = [
        sys.executable,
        "-m",
        "filmscand.daemon.cli",
        "seal",
        ROLL,
        "--info",
        line,
        "--config",
        str(station.config),
    ]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2
    assert bag_files(folder) == set()


@pytest.fixture
def known(station):
    """The same roll, with a database."""
    rebuild(station.station)
    return station


def test_a_roll_of_which_a_frame_is_gone_is_not_sealed(known, folder):
    shutil.rmtree(known.archive.frame_folder(FRAMES[1]).path)
    with pytest.raises(IntegrityError, match=r"r_0002: expected the frame's folder, found none"):
        seal(known.station, ROLL)
    assert bag_files(folder) == set()


@pytest.mark.parametrize("name", ["bagit.txt", "manifest-sha512.txt", "tagmanifest-sha512.txt", "bag-info.txt"])
@pytest.mark.parametrize("content", [None, b""])
def test_that_a_roll_is_sealed_is_remembered_whatever_happens_to_its_bag(known, folder, name, content):
    seal(known.station, ROLL)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    report = verify_rolls(known.archive, (), known.station.database)
    assert folder / name in [problem.path for problem in report.problems]
    with pytest.raises((IntegrityError, RollSealedError)):
        seal(known.station, ROLL)


def test_a_sealed_roll_whose_mark_is_gone_takes_nothing_all_the_same(known, folder, tmp_path):
    seal(known.station, ROLL)
    (folder / "bagit.txt").unlink()
    late = write_inside(tmp_path / "late.tif", 9)
    order = SessionOrder(roll="r", frames=1, film="slide", device="test:0")
    capture = read_capture(late)
    with closing(open_database(known.station.database)) as connection:
        archive = bound_archive(known.station, connection)
        for deed in (
            lambda: archive.reserve(FrameId("unsorted", "unsorted", "r", 3)),
            lambda: archive.copy_original(FrameId("unsorted", "unsorted", "r", 3), late, Role.RAW),
            lambda: archive.store_capture(FrameId("unsorted", "unsorted", "r", 3), capture),
            lambda: clean_into_archive(archive, FRAMES[0], CleanRequest(sensitivity=0.9)),
            lambda: archive.append_events(FRAMES[0], []),
            lambda: queue_again(known.station, [ROLL], Changes(0.9)),
            lambda: queue_session(known.station, order),
        ):
            with pytest.raises(RollSealedError, match=r"bagit.txt: this file is gone, but the roll was sealed"):
                deed()
    assert not (folder / "data" / "r_0003").exists()
    assert known.status().states["queued"] == 0


def test_what_is_dropped_or_queued_for_a_sealed_roll_whose_mark_is_gone_is_refused(known, folder):
    seal(known.station, ROLL)
    (folder / "bagit.txt").unlink()
    with closing(open_database(known.station.database)) as connection:
        job = find_frame(connection, FRAMES[0])
        Queue(connection).retry(job.job_id, CleanRequest(sensitivity=0.9, originals=job.request.originals))
    before = sorted(folder.rglob("*"))
    with running(known):
        dropped = write_inside(known.drop / "r" / "late.tif", 9)
        status = known.wait_for(lambda status: status.waiting and status.outcomes["failed"], at_most_s=120.0)
    assert [(file.path, file.state) for file in status.waiting] == [("r/late.tif", "ambiguous")]
    assert "bagit.txt: this file is gone" in status.waiting[0].reason
    assert "bagit.txt: this file is gone" in status.last_frames[0].error
    assert dropped.exists()
    assert sorted(folder.rglob("*")) == before


def test_a_new_tag_manifest_that_fits_changed_records_is_not_the_one_that_was_written(known, folder):
    seal(known.station, ROLL)
    record = folder / "metadata/roll.json"
    old = hashlib.sha512(record.read_bytes()).hexdigest()
    record.write_bytes(record.read_bytes() + b"\n")
    tags = folder / "tagmanifest-sha512.txt"
    tags.write_text(tags.read_text().replace(old, hashlib.sha512(record.read_bytes()).hexdigest()))
    report = verify_rolls(known.archive, (), known.station.database)
    assert [problem.path for problem in report.problems] == [tags]


def test_a_database_that_was_made_anew_remembers_what_is_sealed(known, folder):
    seal(known.station, ROLL)
    rebuild(known.station, replace=True)
    assert verify_rolls(known.archive, (), known.station.database).problems == ()
    (folder / "bagit.txt").unlink()
    assert verify_rolls(known.archive, (), known.station.database).damaged


def test_temporary_files_that_a_killed_seal_left_in_the_roll_are_removed(station, folder):
    (folder / ".filmscand-dead.part").write_bytes(b"half")
    seal(station.station, ROLL)
    assert bag_files(folder) == BAG_FILES
    assert not list(folder.glob(".filmscand-*"))


def test_a_pipe_or_an_empty_folder_in_the_payload_keeps_a_roll_from_being_sealed(station, folder):
    os.mkfifo(folder / "data" / "pipe")
    with pytest.raises(TransientError, match="found a named pipe"):
        seal(station.station, ROLL)
    (folder / "data" / "pipe").unlink()
    (folder / "data" / "empty").mkdir()
    with pytest.raises(RollUnfinishedError, match="expected no empty folder"):
        seal(station.station, ROLL)
    assert bag_files(folder) == set()
