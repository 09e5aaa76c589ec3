"""Whole rolls are given away whole: as ZIP files and OCFL objects, noted in the manifest."""

from __future__ import annotations

import zipfile

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.export.given import GivenAway
from filmscand.daemon.export.ocfl import give_object, make_storage_root
from filmscand.daemon.export.roll_files import roll_content
from filmscand.daemon.export.rolls import PartOfRollError, RollFormat, give_roll, require_whole
from support.given_frames import frame_id, put_frame

ROLL = frame_id(1).roll_folder


def test_a_zip_is_made_once_and_noted(archive, tmp_path):
    made, content = give_roll(archive, ROLL, tmp_path, RollFormat.ZIP, GivenAway(tmp_path))
    assert (made.file, made.frame, made.made_from) == ("museum/box-1/roll-7.zip", "museum/box-1/roll-7", content.state)
    assert zipfile.is_zipfile(tmp_path / made.file)
    again, _ = give_roll(archive, ROLL, tmp_path, RollFormat.ZIP, GivenAway(tmp_path))
    assert again is None


def test_a_part_of_a_roll_is_not_given_away_as_the_roll(archive, frames):
    require_whole(archive, ROLL, frames)
    with pytest.raises(PartOfRollError, match="3 of its frames were not chosen"):
        require_whole(archive, ROLL, frames[:1])


@pytest.mark.parametrize("format", RollFormat)
def test_a_roll_without_a_complete_frame_is_not_written(tmp_path, format):
    archive = Archive(tmp_path / "archive")
    assert archive.reserve(frame_id(1))
    (tmp_path / "given").mkdir()
    made, content = give_roll(archive, ROLL, tmp_path / "given", format, GivenAway(tmp_path / "given"))
    assert (made, content.frames, list((tmp_path / "given").iterdir())) == (None, 0, [])


def test_a_roll_that_grew_makes_its_zip_anew(tmp_path):
    archive = Archive(tmp_path / "archive")
    given = []
    for number in (1, 2):
        put_frame(archive, tmp_path / "scans", frame_id(number))
        given.append(give_roll(archive, ROLL, tmp_path / "given", RollFormat.ZIP, GivenAway(tmp_path / "given"))[0])
    assert given[0].sha256 != given[1].sha256
    with zipfile.ZipFile(tmp_path / "given" / given[1].file) as opened:
        assert sum(name.endswith("_raw.tif") for name in opened.namelist()) == 2


def test_an_object_without_a_line_of_the_manifest_is_noted_by_the_next_export(archive, tmp_path):
    make_storage_root(tmp_path)
    give_object(tmp_path, archive.root, roll_content(archive, ROLL))
    noted, _ = give_roll(archive, ROLL, tmp_path, RollFormat.OCFL, GivenAway(tmp_path))
    assert (noted.file, noted.revision) == ("museum/box-1/roll-7/inventory.json", 1)
    again, _ = give_roll(archive, ROLL, tmp_path, RollFormat.OCFL, GivenAway(tmp_path))
    assert again is None
