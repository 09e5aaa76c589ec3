from __future__ import annotations

import pytest

from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.core.errors import ArchiveUnwritableError, FrameMissingError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile

FRAME = FrameId("meyer", "box-3", "r12", 7)


@pytest.fixture
def folder(tmp_path):
    return FrameFolder(tmp_path, FRAME)


def test_the_paths_of_a_frame_are_those_of_the_documented_layout(folder, tmp_path):
    assert folder.path == tmp_path / "meyer" / "box-3" / "r12" / "data" / "r12_0007"
    assert folder.sidecar == folder.path / "r12_0007.json"
    assert folder.original_target(Role.RAW, ".dng") == folder.path / "r12_0007_raw.dng"
    assert folder.original_target(Role.INFRARED, ".tif") == folder.path / "r12_0007_ir.tif"
    assert folder.revision_files(2) == {
        Role.CLEAN: folder.path / "r12_0007_r02_clean.tif",
        Role.MASK: folder.path / "r12_0007_r02_mask.png",
        Role.ACCESS: folder.path / "r12_0007_r02_access.jpg",
    }


def test_originals_are_found_whatever_their_ending(folder):
    folder.path.mkdir(parents=True)
    raw = folder.original_target(Role.RAW, ".dng")
    raw.write_bytes(b"raw")
    assert (folder.raw(), folder.original(Role.RAW), folder.original(Role.INFRARED)) == (raw, raw, None)


def test_a_folder_without_raw_file_is_told_from_a_disk_that_is_not_mounted(folder):
    with pytest.raises(ArchiveUnwritableError, match="is the archive mounted"):
        folder.raw()
    folder.path.mkdir(parents=True)
    with pytest.raises(FrameMissingError, match=r"r12_0007_raw\.\*"):
        folder.raw()


def test_a_checksum_file_or_a_note_beside_the_raw_file_is_never_taken_for_it(folder):
    folder.path.mkdir(parents=True)
    for name in ("r12_0007_raw.md5", "r12_0007_raw.txt", "r12_0007_raw.tif.part"):
        (folder.path / name).write_text("x")
    assert folder.original(Role.RAW) is None
    raw = folder.original_target(Role.RAW, ".tif")
    raw.write_bytes(b"raw")
    assert folder.raw() == raw


def test_two_files_that_could_be_the_raw_file_are_both_named(folder):
    folder.path.mkdir(parents=True)
    for ending in (".tif", ".dng"):
        folder.original_target(Role.RAW, ending).write_bytes(b"raw")
    with pytest.raises(IntegrityError, match=r"found r12_0007_raw\.dng and r12_0007_raw\.tif"):
        folder.raw()


@pytest.mark.parametrize("name", ["../r12_0008/r12_0008_raw.tif", "r12_0008_raw.tif", "r12_0007_/x", "/etc/passwd"])
def test_a_recorded_name_that_leads_out_of_the_folder_is_refused(folder, name):
    stored = StoredFile(role=Role.RAW, name=name, size_bytes=1, sha256="", sha512="")
    with pytest.raises(IntegrityError, match="expected names that begin with r12_0007_"):
        folder.recorded([stored], Role.RAW)


def test_the_recorded_name_is_the_one_that_counts(folder):
    stored = StoredFile(role=Role.RAW, name="r12_0007_raw.dng", size_bytes=1, sha256="", sha512="")
    assert folder.recorded([stored], Role.RAW) == folder.path / "r12_0007_raw.dng"
    assert folder.recorded([stored], Role.INFRARED) is None
