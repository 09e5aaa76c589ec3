"""`filmscand rebuild`: its arguments and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from support.film_scans import rgbi

pytestmark = pytest.mark.usefixtures("station")


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
