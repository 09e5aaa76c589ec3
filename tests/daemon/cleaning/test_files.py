"""Single files: which pictures they stand for, and which names their results would take."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from filmscand.daemon.cleaning.files import CleanOrders, clean_file, colliding, pictures_of
from filmscand.daemon.core.errors import FrameExistsError
from filmscand.drivers.files.planes import is_infrared_file
from filmscand.ir import CleanOptions


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    rgb = np.random.default_rng(1).integers(20_000, 40_000, (40, 60, 3)).astype(np.uint16)
    tifffile.imwrite(path, rgb, photometric="rgb", metadata=None)
    return path


def infrared(path):
    tifffile.imwrite(path, np.full((40, 60), 50_000, np.uint16), photometric="minisblack", metadata=None)
    return path


def test_an_infrared_file_stands_for_its_picture_and_each_picture_comes_once(tmp_path):
    a, b = picture(tmp_path / "a.tif"), picture(tmp_path / "b.tif")
    a_ir = infrared(tmp_path / "a_ir.tif")
    assert pictures_of([b, a_ir, a, b]) == [b, a]


def test_an_infrared_file_without_a_picture_stands_for_itself(tmp_path):
    alone = infrared(tmp_path / "a_ir.tif")
    assert pictures_of([alone, tmp_path / "gone" / "b_ir.tif"]) == [alone, tmp_path / "gone" / "b_ir.tif"]


def test_pictures_of_the_same_name_collide_with_the_first_of_them(tmp_path):
    first, second, third = tmp_path / "a.tif", tmp_path / "x/a.dng", tmp_path / "b.tif"
    assert list(colliding([first, second, third])) == [(second, first)]


@pytest.mark.parametrize("kept", ["a_clean.tif", "a_mask.png", "a.json"])
def test_a_result_never_replaces_a_file_that_must_be_kept(tmp_path, kept):
    source = picture(tmp_path / "a.tif")
    (tmp_path / kept).write_bytes(b"precious")
    with pytest.raises(FrameExistsError, match="a result would replace this input file"):
        clean_file(source, CleanOrders(tmp_path, CleanOptions(), (tmp_path / kept,)))
    assert (tmp_path / kept).read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_picture_that_is_named_like_an_infrared_stands_for_itself(tmp_path):
    a, b = picture(tmp_path / "a.tif"), picture(tmp_path / "a_ir.tif")
    assert pictures_of([a, b], is_infrared_file) == [a, b]
    real = infrared(tmp_path / "a-ir.tif")
    assert pictures_of([a, b, real], is_infrared_file) == [a, b]
