"""`filmscand verify`: what it prints, and its exit status."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from support.film_scans import rgbi

pytestmark = pytest.mark.usefixtures("station")


def archived(station, tmp_path, scanned):
    archive, frame = Archive(station / "archive"), FrameId("c", "b", "r", 1)
    original = archive.copy_original(frame, rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    clean_into_archive(archive, frame, CleanRequest(originals=(original,)))
    return archive.frame_folder(frame).path


def test_verify_passes_over_a_sound_archive_and_finds_damage(command, station, tmp_path, scanned):
    folder = archived(station, tmp_path, scanned)
    assert command("verify")[0] == 0
    (folder / "r_0001_r01_clean.tif").write_bytes(b"rot")
    status, text, _ = command("verify", "c/b/r", "--json")
    assert status == 5
    report = json.loads(text)
    assert report["damaged"]
    assert report["problems"][0]["kind"] == "changed"
    assert command("verify", "c/b/none")[0] == 1
