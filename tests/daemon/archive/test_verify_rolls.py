"""Which rolls are verified, and which frames count."""

import pytest

from filmscand.daemon.archive.atomic_file import publish_bytes
from filmscand.daemon.archive.bag import MANIFEST, TAG_MANIFEST
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from support.archive_frames import FRAME, complete, write


@pytest.fixture
def archive(tmp_path):
    """Two rolls with one raw frame each."""
    archive = Archive(tmp_path / "archive")
    source = tmp_path / "a.tif"
    source.write_bytes(b"counts")
    for roll in ("r1", "r2"):
        archive.copy_original(FrameId("c", "b", roll, 1), source, Role.RAW)
    return archive


def test_frames_without_a_sidecar_are_incomplete_and_no_damage(archive):
    report = verify_rolls(archive)
    assert (report.verified, report.incomplete, report.problems) == (0, ("c/b/r1_0001", "c/b/r2_0001"), ())
    assert not report.damaged


def test_only_the_rolls_that_are_named_are_verified(archive):
    assert verify_rolls(archive, ("/c/b/r2/",)).incomplete == ("c/b/r2_0001",)


def test_rolls_without_frames_are_all_named(archive):
    with pytest.raises(FrameMissingError, match="expected frames in c/b/r8, c/b/r9, found none"):
        verify_rolls(archive, ("c/b/r9", "c/b/r1", "c/b/r8"))


def test_a_sidecar_that_cannot_be_read_is_damage_and_the_other_frames_go_on(archive):
    first = FrameId("c", "b", "r1", 1)
    publish_bytes(archive.frame_folder(first).sidecar, b"{")
    report = verify_rolls(archive)
    assert [problem.path for problem in report.problems] == [archive.frame_folder(first).sidecar]
    assert (report.verified, report.incomplete) == (1, ("c/b/r2_0001",))


def test_a_sealed_roll_is_verified_by_its_manifests(archive):
    roll = archive.root / "c/b/r1"
    publish_bytes(roll / "bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    report = verify_rolls(archive, ("c/b/r1",))
    assert report.verified == 1
    assert {problem.path.name for problem in report.problems} == {MANIFEST, TAG_MANIFEST}


def test_verifying_rolls_tells_frames_on_their_way_and_broken_sidecars(tmp_path):
    archive = Archive(tmp_path / "archive")
    complete(archive, tmp_path)
    complete(archive, tmp_path, FrameId("meyer", "box-3", "r12", 8))
    archive.copy_original(FrameId("meyer", "box-3", "r13", 1), write(tmp_path / "b.tif"), Role.RAW)
    archive.frame_folder(FRAME).sidecar.write_bytes(b"{")
    report = verify_rolls(archive)
    assert (report.verified, report.incomplete, report.damaged) == (2, ("meyer/box-3/r13_0001",), True)
    assert not verify_rolls(archive, ("meyer/box-3/r13",)).damaged
    with pytest.raises(FrameMissingError, match="meyer/box-3/r99"):
        verify_rolls(archive, ("meyer/box-3/r99",))
