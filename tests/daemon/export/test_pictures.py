"""Frames given away one by one: their names, what is made again, and what stays."""

from __future__ import annotations

import csv
from contextlib import closing

import pytest
from PIL import Image

from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import FrameExistsError
from filmscand.daemon.export.finished import PictureFormat
from filmscand.daemon.export.given import NAME, GivenAway
from filmscand.daemon.export.pictures import Pictures
from support.given_frames import frame_id, put_frame


@pytest.mark.parametrize(
    ("format", "name"),
    [
        (PictureFormat.JPEG, "roll-7_0002.jpg"),
        (PictureFormat.TIFF, "roll-7_0002.tif"),
        (PictureFormat.RGBI, "roll-7_0002_rgbi.tif"),
    ],
)
def test_a_file_lies_under_collection_box_and_roll(give, tmp_path, format, name):
    (made,) = give(frame_id(2), format).given
    path = tmp_path / "given" / "museum" / "box-1" / "roll-7" / name
    assert made.file == f"museum/box-1/roll-7/{name}"
    assert (made.frame, made.revision, made.sha256) == ("museum/box-1/roll-7_0002", 1, hash_file(path).sha256)
    assert made.picture == ("raw" if format is PictureFormat.RGBI else "clean")


def test_the_title_has_the_name_of_the_roll_as_a_person_wrote_it(give, tmp_path):
    (made,) = give(frame_id(1)).given
    with Image.open(tmp_path / "given" / made.file) as image:
        assert b"Ostsee '74, 1<" in image.info["xmp"]


def test_the_manifest_lists_what_was_given_away(give, frames, tmp_path):
    report = give(frames)
    with report.manifest.open() as lines:
        listed = list(csv.DictReader(lines))
    assert [one["frame"] for one in listed] == list(map(str, frames))
    assert [one["picture"] for one in listed] == ["clean", "clean", "raw", "clean"]
    assert {one["sha256"] for one in listed} == {one.sha256 for one in report.given}
    assert report.manifest == tmp_path / "given" / NAME


def test_what_is_done_is_not_made_again(give, frames):
    before = give(frames)
    again = give(frames)
    assert (len(before.given), again.given, again.kept, again.failed) == (4, (), 4, ())
    assert again.manifest.read_bytes() == before.manifest.read_bytes()


def test_a_new_caption_makes_the_file_anew_and_a_file_that_somebody_changed_stays(tmp_path):
    archive = Archive(tmp_path / "archive")
    sidecar = put_frame(archive, tmp_path / "scans", frame_id(1))
    folder = tmp_path / "given"
    # One child for all, as one export has.
    with closing(Pictures(archive, folder, PictureFormat.JPEG, 512 << 20)) as pictures:
        first = pictures.give(frame_id(1), GivenAway(folder))
        archive.write_sidecar(frame_id(1), sidecar.model_copy(update={"description": Description(caption="new")}))
        second = pictures.give(frame_id(1), GivenAway(folder))
        assert (second.file, second.sha256 == first.sha256) == (first.file, False)
        path = folder / second.file
        path.write_bytes(path.read_bytes() + b"edited")
        with pytest.raises(FrameExistsError, match="was changed by another program"):
            pictures.give(frame_id(1), GivenAway(folder))
    assert path.read_bytes().endswith(b"edited")
