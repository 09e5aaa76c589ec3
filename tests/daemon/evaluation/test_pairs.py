"""Which files of a folder make a pair, and how pictures and masks are read."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from filmscand.daemon.evaluation.pairs import NoPairsError, PairError, find_pairs, read_mask, read_picture
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from support.picture_pairs import mask_of, write_mask


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(landscape(160, 240, 5), KINDS["leaky_slide"], seed=8)


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("damaged/a.tif", "restored/a.png"), ("damaged/a.tif", "restored/a.png", None, None)),
        (
            ("damaged/a.tif", "restored/a.tif", "masks/a.png", "infrared/a.tif"),
            ("damaged/a.tif", "restored/a.tif", "masks/a.png", "infrared/a.tif"),
        ),
        (
            ("damaged/a.png", "damaged/a_ir.tif", "restored/a.png"),
            ("damaged/a.png", "restored/a.png", None, "damaged/a_ir.tif"),
        ),
        (
            ("a_damaged.jpg", "a_restored.jpg", "a_mask.png", "a_ir.tif", "notes.txt"),
            ("a_damaged.jpg", "a_restored.jpg", "a_mask.png", "a_ir.tif"),
        ),
        (
            ("a_damaged.tif", "a_damaged_ir.tif", "a_restored.tif"),
            ("a_damaged.tif", "a_restored.tif", None, "a_damaged_ir.tif"),
        ),
        (("a.jpg", "a_restored.jpg"), ("a.jpg", "a_restored.jpg", None, None)),
    ],
    ids=["folders", "folders with all", "folders with infrared beside", "names", "names, infrared", "published set"],
)
def test_files_that_belong_together_make_a_pair(tmp_path, names, expected):
    touch(tmp_path, *names)
    (pair,) = find_pairs(tmp_path)
    found = [pair.damaged, pair.restored, pair.mask, pair.infrared]
    assert (pair.name, [path and str(path.relative_to(tmp_path)) for path in found]) == ("a", list(expected))


def test_pairs_come_by_name(tmp_path):
    touch(tmp_path, "b_restored.png", "b.png", "a.png", "a_restored.png")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a", "b"]


def test_a_folder_without_a_restored_picture_holds_no_pairs(tmp_path):
    touch(tmp_path, "a.png", "b.png")
    with pytest.raises(NoPairsError, match=r"NAME_restored.*found 2 pictures and no restored one"):
        find_pairs(tmp_path)


def test_two_damaged_pictures_of_one_name_are_refused(tmp_path):
    touch(tmp_path, "a.png", "a_damaged.png", "a_restored.png")
    with pytest.raises(PairError, match=r"expected one damaged picture of a, found a\.png too"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("write", "dtype"),
    [
        (lambda path, rgb: path.write_bytes(imagecodecs.png_encode(rgb)), np.uint16),
        (lambda path, rgb: path.write_bytes(imagecodecs.png_encode(rgb)), np.uint8),
        (
            lambda path, rgb: tifffile.imwrite(path.with_suffix(".tif"), rgb, photometric="rgb", metadata=None),
            np.uint16,
        ),
    ],
    ids=["png 16", "png 8", "tiff 16"],
)
def test_a_lossless_picture_is_read_in_sixteen_bits(tmp_path, write, dtype):
    rgb = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, (40, 50, 3)).astype(dtype)
    write(tmp_path / "a.png", rgb)
    (path,) = tmp_path.iterdir()
    factor = 257 if dtype == np.uint8 else 1
    assert np.array_equal(read_picture(path).rgb, rgb.astype(np.uint16) * factor)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_grey_picture_has_three_equal_channels(tmp_path, suffix):
    grey = np.tile(np.arange(64, dtype=np.uint8), (48, 1))
    path = tmp_path / f"a{suffix}"
    Image.fromarray(grey).save(path)
    rgb = read_picture(path).rgb
    assert rgb.shape == (48, 64, 3)
    assert np.abs(rgb.astype(np.int32) - 257 * grey[..., None].astype(np.int32)).max() <= 3 * 257


def test_infrared_within_a_tiff_is_read_with_its_picture(tmp_path, frame):
    path = tmp_path / "a.tif"
    samples = np.dstack([frame.rgb, frame.infrared])
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=[0], metadata=None, software="VueScan 9 x64")
    assert np.array_equal(read_picture(path).infrared, frame.infrared)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_file_that_is_no_picture_is_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a picture")
    with pytest.raises(PairError, match=rf"{name}: expected .*, found"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_is_what_is_brighter_than_half_of_its_brightest(tmp_path, white):
    mask = mask_of((3, 4), (5, slice(2, 9)))
    Image.fromarray((mask * white).astype(np.uint8)).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png", tmp_path / "a.png", mask.shape), mask)


def test_a_black_mask_marks_nothing(tmp_path):
    write_mask(tmp_path / "m.png", mask_of())
    assert not read_mask(tmp_path / "m.png", tmp_path / "a.png", (20, 30)).any()
