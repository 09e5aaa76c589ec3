"""Tiles of a frame: cut from its 16-bit files, with the tones of the access image."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from filmscand.daemon.cleaning.access_image import access_image
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.cleaning.deep_zoom import (
    TILE_PX,
    Cut,
    Layer,
    Tile,
    ZoomPicture,
    ZoomSource,
    size_at,
    top_level,
)
from filmscand.daemon.cleaning.mask_colour import DEFECT_COLOUR
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.film_kind import FilmKind
from support.film_scans import rgbi

ROWS, COLS = 300, 700


class Scan:
    """A linear scan of a gradient, as captured and with a healed square."""

    def __init__(self):
        across = np.linspace(500, 9000, COLS)[None, :, None] * np.linspace(0.5, 1, ROWS)[:, None, None]
        self.clean = (across * np.array([1.0, 0.8, 0.6])).astype(np.uint16)
        self.rgb = self.clean.copy()
        self.rgb[100:140, 600:640] = 100
        self.infrared = np.full((ROWS, COLS), 40_000, np.uint16)
        self.infrared[100:140, 600:640] = 2000


@pytest.fixture(scope="module")
def scan():
    return Scan()


@pytest.fixture
def source(tmp_path, scan):
    rgbi(tmp_path / "raw.tif", scan)
    tifffile.imwrite(tmp_path / "clean.tif", scan.clean, photometric="rgb", metadata=None)
    mask = np.zeros((ROWS, COLS), np.uint8)
    mask[100:140, 600:640] = 255
    mask[7, 9] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return ZoomSource(str(tmp_path), "raw.tif", None, "clean.tif", "mask.png", None, True, 16, False, "key")


def tile(source, layer, level, col=0, row=0):
    content = ZoomPicture(source).tile(Tile(layer, level, col, row))
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).astype(int)


def test_a_pyramid_has_the_picture_at_its_top_and_one_pixel_at_its_bottom():
    assert (top_level(300, 700), top_level(1, 1), top_level(1024, 3), top_level(1025, 3)) == (10, 0, 10, 11)
    assert [size_at(level, 300, 700) for level in (10, 9, 1, 0)] == [(300, 700), (150, 350), (1, 2), (1, 1)]


def test_the_top_is_cut_into_tiles_without_a_gap(source):
    assert tile(source, Layer.CLEAN, 10).shape == (ROWS, TILE_PX, 3)
    assert tile(source, Layer.CLEAN, 10, col=1).shape == (ROWS, COLS - TILE_PX, 3)


def test_every_level_has_the_size_that_it_tells(source):
    picture = ZoomPicture(source)
    for layer in Layer:
        for level in range(11):
            with Image.open(io.BytesIO(picture.tile(Tile(layer, level, 0, 0)))) as image:
                rows, cols = size_at(level, ROWS, COLS)
                assert image.size == (min(cols, TILE_PX), min(rows, TILE_PX))


@pytest.mark.parametrize("inverted", [False, True])
def test_the_cleaned_picture_is_shown_as_the_access_image_shows_it(source, scan, inverted):
    film = FilmKind.NEGATIVE if inverted else FilmKind.SLIDE
    access = access_image(scan.clean, PictureProperties(True, film), scan.infrared).astype(int)
    source = type(source)(**{**{name: getattr(source, name) for name in source.__slots__}, "inverted": inverted})
    assert np.abs(tile(source, Layer.CLEAN, 10) - access[:, :TILE_PX]).max() <= 12


def test_raw_and_cleaned_picture_differ_only_where_something_was_healed(source):
    raw, clean = (tile(source, layer, 10, col=1) for layer in (Layer.RAW, Layer.CLEAN))
    assert np.abs(raw - clean)[:90].max() <= 6
    assert (raw[110:130, 95:120] < clean[110:130, 95:120] - 40).all()


def test_the_infrared_is_bright_where_film_lets_it_through(source):
    infrared = tile(source, Layer.INFRARED, 10, col=1)
    assert infrared[110:130, 95:120].max() < 80 < 150 < infrared[:90].min()


def test_a_defect_of_one_pixel_is_seen_at_every_size(source):
    for level in (10, 7, 4, 0):
        assert tuple(tile(source, Layer.MASK, level)[..., 3].max(axis=(0, 1), keepdims=True).ravel()) == (255,)
    shown = tile(source, Layer.MASK, 10)
    assert tuple(shown[7, 9]) == (*DEFECT_COLOUR, 255)
    assert shown[0, 0, 3] == 0


def test_a_link_in_the_place_of_a_file_is_not_followed(source, tmp_path):
    (tmp_path / "clean.tif").rename(tmp_path / "elsewhere.tif")
    (tmp_path / "clean.tif").symlink_to(tmp_path / "elsewhere.tif")
    with pytest.raises((DaemonError, OSError)):
        tile(source, Layer.CLEAN, 10)


def cut(source, *region_and_size, **how):
    wanted = Cut(Layer.CLEAN, how.pop("shown", UPRIGHT), *region_and_size, lossless=True, **how)
    with Image.open(io.BytesIO(ZoomPicture(source).cut(wanted))) as image:
        return np.asarray(image).astype(int)


def test_a_cut_at_full_size_has_the_pixels_of_the_picture(source, scan):
    whole = access_image(scan.clean, PictureProperties(True), scan.infrared).astype(int)
    assert np.array_equal(cut(source, 0, 0, ROWS, COLS, ROWS, COLS), whole)
    assert np.array_equal(cut(source, 20, 30, 120, 230, 100, 200), whole[20:120, 30:230])


@pytest.mark.parametrize("factor", [1.5, 2, 3, 7])
def test_a_cut_that_is_scaled_down_shows_the_same_place(source, factor):
    whole = cut(source, 0, 0, ROWS, COLS, ROWS, COLS)
    rows, cols = round(100 / factor), round(200 / factor)
    small = cut(source, 20, 30, 120, 230, rows, cols)
    assert small.shape == (rows, cols, 3)
    assert abs(small.mean() - whole[20:120, 30:230].mean()) < 1
    corner = whole[20 : 20 + round(factor), 30 : 30 + round(factor)].mean(axis=(0, 1))
    assert np.abs(small[0, 0] - corner).max() < 3


def test_a_cut_is_taken_from_the_turned_picture_and_turned_once_more(source):
    upright = cut(source, 0, 0, ROWS, COLS, ROWS, COLS)
    turned = np.rot90(upright, -1)
    part = cut(source, 10, 20, 110, 70, 100, 50, shown=Orientation(90))
    assert np.array_equal(part, turned[10:110, 20:70])
    once_more = cut(source, 10, 20, 110, 70, 100, 50, shown=Orientation(90), turned=Orientation(180, True))
    assert np.array_equal(once_more, np.rot90(part[:, ::-1], 2))


def test_a_cut_without_colours_has_one_channel(source):
    assert cut(source, 0, 0, 20, 30, 20, 30, grey=True).shape == (20, 30)
