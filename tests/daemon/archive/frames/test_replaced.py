"""An infrared file that another one takes the place of stays in the frame's folder."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.frames.replaced import bring_back, replaced_originals, set_aside
from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role

FRAME = FrameId("c", "b", "r", 7)


@pytest.fixture
def folder(archive):
    made = archive.frame_folder(FRAME)
    made.path.mkdir(parents=True)
    return made


def write(folder, content):
    folder.original_target(Role.INFRARED, ".tif").write_bytes(content)


def test_each_infrared_that_is_set_aside_gets_a_name_of_its_own(folder):
    for content in (b"first", b"second"):
        write(folder, content)
        set_aside(folder)
    assert folder.original(Role.INFRARED) is None
    names = [(file.name, file.role, file.size_bytes) for file in replaced_originals(folder)]
    assert names == [("r_0007_ir_replaced1.tif", "infrared", 5), ("r_0007_ir_replaced2.tif", "infrared", 6)]


def test_the_last_one_is_brought_back_where_no_other_took_its_place(folder):
    for content in (b"first", b"second"):
        write(folder, content)
        set_aside(folder)
    bring_back(folder)
    bring_back(folder)
    assert folder.original(Role.INFRARED).read_bytes() == b"second"
    assert [file.name for file in replaced_originals(folder)] == ["r_0007_ir_replaced1.tif"]


def test_a_frame_without_infrared_has_nothing_to_set_aside(folder):
    assert set_aside(folder) is None
    bring_back(folder)
    assert replaced_originals(folder) == ()


def test_a_link_in_place_of_the_frames_folder_leads_nowhere_while_the_archive_is_written(archive, folder, tmp_path):
    write(folder, b"infrared")
    elsewhere = tmp_path / "elsewhere"
    folder.path.rename(elsewhere)
    folder.path.symlink_to(elsewhere)
    with archive.writing(), pytest.raises(ArchiveUnwritableError, match="found a link"):
        set_aside(folder)
    assert [path.name for path in elsewhere.iterdir()] == ["r_0007_ir.tif"]
