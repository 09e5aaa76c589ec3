"""`filmscand reclean`, `rebuild` and `seal`: their arguments and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from support.film_scans import rgbi

pytestmark = pytest.mark.usefixtures("station")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reclean"], "name rolls or frames, or use --failed"),
        (["reclean", "c/b/r", "--sensitivity", "2"], "Invalid value for '--sensitivity'"),
        (["seal"], "Missing argument"),
        (["seal", "c/b/r", "--info", "no colon"], "expected 'LABEL: VALUE'"),
    ],
)
def test_wrong_usage_says_what_was_expected(command, arguments, message):
    status, _, errors = command(*arguments)
    assert status == 2
    assert message in errors


def test_a_lost_database_is_rebuilt_and_the_old_one_moved_aside_when_told(command, station, tmp_path, scanned):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    status, text, _ = command("rebuild")
    assert (status, text) == (0, f"station      {station}\n0 frames archived, 1 queued, 0 problems\n")
    status, _, errors = command("rebuild")
    assert status == 1
    assert "--replace" in errors
    status, text, _ = command("rebuild", "--replace", "--json")
    assert status == 0
    assert Path(json.loads(text)["old_database"]).exists()


def test_frames_that_reclean_leaves_out_are_listed_with_the_reason(command, station, tmp_path, scanned):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    command("rebuild")
    status, text, _ = command("reclean", "c/b/r", "--no-wait")
    assert "c/b/r_0001" in text
    assert "queued already" in text
    assert status == 0


def test_a_roll_that_is_not_finished_is_not_sealed(command, station, tmp_path, scanned):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    status, _, errors = command("seal", "c/b/r")
    assert status == 1
    assert "c/b/r_0001" in errors
