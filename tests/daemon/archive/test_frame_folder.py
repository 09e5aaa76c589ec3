from __future__ import annotations

import pytest

from filmscand.daemon.archive.frame_folder import FrameFolder
from filmscand.daemon.core.errors import ArchiveUnwritableError, FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role

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
