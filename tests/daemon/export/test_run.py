"""An export as a whole: what fails is named and the rest goes on; killed at any moment it loses and doubles nothing."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import time

import pytest
from PIL import Image

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import StorageFullError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.export.finished import PictureFormat
from filmscand.daemon.export.given import ExportFolderError, GivenAway
from filmscand.daemon.export.pictures import Pictures
from filmscand.daemon.export.rolls import RollFormat
from filmscand.daemon.export.run import ExportReport, NotGiven, require_elsewhere
from filmscand.daemon.station.configuration import Station, Watch
from support.given_frames import frame_id, put_frame
from support.live_station import leftovers
from support.program import PROGRAM, station_environment

ROLL = frame_id(1).roll_folder


def test_a_frame_that_cannot_be_exported_is_named_and_the_others_are_exported(give, frames):
    report = give([*frames, frame_id(77)], PictureFormat.RGBI)
    assert [one.frame for one in report.given] == [str(frame) for frame in frames[:3]]
    assert [one.frame for one in report.failed] == ["museum/box-1/roll-7_0004", "museum/box-1/roll-7_0077"]
    assert "no infrared" in report.failed[0].error
    assert "no finished picture yet" in report.failed[1].error
    assert report.exit_status is Exit.PART_FAILED


def test_a_file_of_somebody_else_is_left_alone_and_named(give, frames, tmp_path):
    path = tmp_path / "given" / ROLL / "roll-7_0001.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    report = give(frames[:2])
    assert [one.frame for one in report.failed] == [str(frames[0])]
    assert path.read_bytes() == b"mine"
    assert len(report.given) == 1


def test_a_full_disk_ends_the_export(give, frames, monkeypatch):
    def full(self, frame, away):
        raise StorageFullError("no space left")

    monkeypatch.setattr(Pictures, "give", full)
    with pytest.raises(StorageFullError):
        give(frames)


@pytest.mark.parametrize("format", RollFormat)
def test_whole_rolls_are_given_away_and_found_again(give, frames, format):
    (made,) = give(frames, format).given
    assert made.frame == ROLL.as_posix()
    again = give(frames, format)
    assert (again.given, again.kept) == ((), 1)
    part = give(frames[:2], format)
    assert "name the roll" in part.failed[0].error


def test_objects_and_other_files_do_not_come_into_one_folder(give, frames, tmp_path):
    give(frames, RollFormat.OCFL, tmp_path / "ocfl")
    with pytest.raises(ExportFolderError, match="OCFL"):
        give(frames, PictureFormat.JPEG, tmp_path / "ocfl")
    give(frames[:1], PictureFormat.JPEG, tmp_path / "pictures")
    with pytest.raises(ExportFolderError, match="expected an OCFL storage root"):
        give(frames, RollFormat.OCFL, tmp_path / "pictures")


@pytest.mark.parametrize("where", ["archive", "archive/museum", "drop/out", "."])
def test_nothing_is_exported_into_the_archive_or_a_watch_folder(tmp_path, where):
    station = Station(root=tmp_path, watch=(Watch(path=tmp_path / "drop"),))
    with pytest.raises(ExportFolderError, match="outside"):
        require_elsewhere(tmp_path / where, station)
    require_elsewhere(tmp_path.parent / "elsewhere", station)


def test_the_exit_status_tells_whether_all_some_or_none_failed(tmp_path):
    failed = (NotGiven("a", "b"),)
    statuses = [
        ExportReport(tmp_path, "jpeg", (), kept, failures, tmp_path).exit_status
        for kept, failures in ((1, ()), (1, failed), (0, failed))
    ]
    assert statuses == [Exit.DONE, Exit.PART_FAILED, Exit.FAILED]


FRAMES = 5


def whole_files(folder):
    """Return the exported files; each has to be a whole picture that the manifest tells of."""
    away = GivenAway(folder)
    found = sorted(folder.rglob("*.jpg"))
    for path in found:
        with Image.open(path) as image:
            image.load()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert away.wrote(path.relative_to(folder).as_posix(), digest)
    return found


def test_killed_again_and_again_an_export_has_nothing_half_nothing_twice_and_loses_nothing(tmp_path):
    archive = Archive(tmp_path / "station" / "archive")
    for number in range(1, FRAMES + 1):
        put_frame(archive, tmp_path / "scans", frame_id(number))
    folder = tmp_path / "given"
    command = [*PROGRAM, "export", "museum", "--to", str(folder), "--json"]
    environment, dice = station_environment(tmp_path), random.Random(30)
    done = 0
    for _ in range(2):
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        end_s = time.monotonic() + 60
        while len(list(folder.rglob("*.jpg"))) <= done and running.poll() is None:
            assert time.monotonic() < end_s
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.05))
        running.kill()
        running.wait()
        # Its child dies with it, a moment later.
        time.sleep(0.05)
        done = len(whole_files(folder))
    last = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    report = json.loads(last.stdout)
    assert report["kept"] == done
    assert len(report["given"]) == FRAMES - done
    assert [path.name for path in whole_files(folder)] == [f"roll-7_{n:04d}.jpg" for n in range(1, FRAMES + 1)]
    assert leftovers(folder) == []
    assert len((folder / "filmscand-export.csv").read_text().splitlines()) == FRAMES + 1
