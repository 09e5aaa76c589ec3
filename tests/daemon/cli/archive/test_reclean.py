"""`filmscand reclean`: its arguments and what it prints."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from support.film_scans import rgbi

pytestmark = pytest.mark.usefixtures("station")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reclean"], "name a part of the archive, or use --failed"),
        (["reclean", "c/b/r", "--sensitivity", "2"], "Invalid value for '--sensitivity'"),
    ],
)
def test_wrong_usage_says_what_was_expected(command, arguments, message):
    status, _, errors = command(*arguments)
    assert status == 2
    assert message in errors


def test_frames_that_reclean_leaves_out_are_listed_with_the_reason(command, station, tmp_path, scanned):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    command("rebuild")
    status, text, _ = command("reclean", "c/b/r", "--no-wait")
    assert "c/b/r_0001" in text
    assert "queued already" in text
    assert status == 0


def test_a_frame_that_is_as_wanted_is_counted_also_after_a_rebuild_and_one_of_another_setting_is_queued(
    command, station, tmp_path, scanned
):
    frame = FrameId("c", "b", "r", 1)
    archive = Archive(station / "archive")
    archive.copy_original(frame, rgbi(tmp_path / "a.tif", scanned), Role.RAW)
    clean_into_archive(archive, frame, CleanRequest())
    command("rebuild")
    status, text, _ = command("reclean", "c", "--no-wait")
    assert (status, "1 as wanted already" in text, "c/b/r_0001" in text) == (0, True, False)
    status, text, _ = command("reclean", "c/b/r_0001-0004", "--no-wait", "--sensitivity", 0.9)
    assert (status, "c/b/r_0001  queued" in text) == (0, True), text
