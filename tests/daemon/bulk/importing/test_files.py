"""The walk through a tree, and the groups of files that may make one frame."""

from __future__ import annotations

import os

import pytest

from filmscand.daemon.bulk.importing.files import grouped, picture_of, require_there, walk
from filmscand.daemon.bulk.importing.report import Fate
from filmscand.daemon.core.errors import SourceChangedError, SourceUnreadableError
from filmscand.daemon.station.configuration import PairRule


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")


def test_every_file_is_a_film_or_is_named_with_a_reason(tmp_path):
    touch(tmp_path, "a.tif", "b/c.DNG", "b/notes.txt", ".hidden.tif", "@eaDir/a.tif", "b/half.tif.part")
    (tmp_path / "empty.tif").touch()
    (tmp_path / os.fsdecode(b"caf\xe9.tif")).write_bytes(b"film")
    tree = walk(tmp_path)
    assert set(tree.films) == {"a.tif", "b/c.DNG"}
    assert tree.size_bytes == 8
    assert {(other.path, other.fate) for other in tree.others} == {
        (".hidden.tif", Fate.IGNORED),
        ("@eaDir", Fate.IGNORED),
        ("b/half.tif.part", Fate.IGNORED),
        ("b/notes.txt", Fate.REJECTED),
        ("empty.tif", Fate.REJECTED),
        ("caf\\xe9.tif", Fate.REJECTED),
    }
    assert all(other.reason for other in tree.others)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceChangedError):
        walk(tmp_path / "campaign")


def test_a_folder_that_another_one_takes_the_place_of_is_noticed(tmp_path):
    touch(tmp_path, "campaign/a.tif")
    tree = walk(tmp_path / "campaign")
    require_there(tmp_path / "campaign", tree)
    (tmp_path / "campaign").rename(tmp_path / "gone")
    with pytest.raises(SourceUnreadableError, match="went away"):
        require_there(tmp_path / "campaign", tree)
    (tmp_path / "campaign").mkdir()
    with pytest.raises(SourceUnreadableError, match="went away"):
        require_there(tmp_path / "campaign", tree)


def test_files_are_grouped_by_the_names_of_pairs_in_the_natural_order_of_their_pictures():
    paths = ["r/a10.tif", "r/a9_IR.tif", "r/a9.tif", "r/ir_a2.tif", "r/a2.tif", "r/B.tif", "r/b.dng", "q/a2_ir.tif"]
    assert grouped(paths, PairRule.OPTIONAL) == [
        ("q/a2_ir.tif",),
        ("r/a2.tif", "r/ir_a2.tif"),
        ("r/a9.tif", "r/a9_IR.tif"),
        ("r/a10.tif",),
        ("r/b.dng", "r/B.tif"),
    ]
    assert [len(group) for group in grouped(paths, PairRule.NONE)] == [1] * len(paths)


def test_a_frame_is_numbered_by_its_picture_and_an_infrared_alone_by_itself():
    assert picture_of(("r/a_ir.tif", "r/a.tif"), PairRule.OPTIONAL) == "r/a.tif"
    assert picture_of(("r/a_ir.tif",), PairRule.OPTIONAL) == "r/a_ir.tif"
