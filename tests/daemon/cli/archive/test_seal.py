"""`filmscand seal`: its arguments and what it prints."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from support.film_scans import rgbi

pytestmark = pytest.mark.usefixtures("station")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seal"], "Missing argument"),
        (["seal", "c/b/r", "--info", "no colon"], "expected 'LABEL: VALUE'"),
    ],
)
def test_wrong_usage_says_what_was_expected(command, arguments, message):
    status, _, errors = command(*arguments)
    assert status == 2
    assert message in errors


def test_a_roll_that_is_not_finished_is_not_sealed(command, station, tmp_path, scanned):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    status, _, errors = command("seal", "c/b/r")
    assert status == 1
    assert "c/b/r_0001" in errors
