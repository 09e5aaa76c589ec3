"""The planes of a frame are upright and on one grid."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.files.errors import NotAFilmScanError
from filmscand.drivers.files.layout import decide_layout
from filmscand.drivers.files.planes import is_infrared_file, read_infrared_file, read_planes
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.files.tiff_pages import open_film
from support.film_pages import (
    COLS,
    INFRARED,
    RGB,
    ROWS,
    Page,
    rgbi_page,
    write_pages,
)


def test_smaller_infrared_page_of_the_same_aspect_is_resampled(tmp_path):
    rows, cols = np.mgrid[0:24, 0:35]
    ramp = (20000 + 400 * rows + 300 * cols).astype(np.uint16)
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(RGB), Page(ramp, mark=4)))
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    expected = 20000 + 400 * ((rows + 0.5) / 2 - 0.5) + 300 * ((cols + 0.5) / 2 - 0.5)
    inner = np.s_[2:-2, 2:-2]
    assert capture.infrared is not None
    np.testing.assert_allclose(capture.infrared[inner], expected[inner], atol=1.0)
    assert capture.info.flags == ("infrared_resampled",)


def test_a_smaller_infrared_file_is_resampled_to_its_picture(tmp_path):
    flat = np.full((ROWS // 2, COLS // 2), 40_000, np.uint16)
    flat[0] = 40_001
    path = write_pages(tmp_path / "a_ir.tif", Page(flat))
    plane, flags = read_infrared_file(path, tmp_path / "a.tif", (ROWS, COLS))
    assert plane.shape == (ROWS, COLS)
    assert 40_000 <= plane.min() <= plane.max() <= 40_001
    assert flags == ("infrared_resampled",)


def test_a_file_without_a_plane_of_counts_is_no_infrared_file(tmp_path):
    path = write_pages(tmp_path / "a_ir.tif", Page(INFRARED > 40_000, {"photometric": "minisblack"}))
    with pytest.raises(NotAFilmScanError, match="one grey page of 8 to 16 bits"):
        read_infrared_file(path, tmp_path / "a.tif", (ROWS, COLS))


def test_the_orientation_of_the_picture_turns_an_infrared_page_that_has_none(tmp_path):
    turned = {"extratags": [(274, 3, 1, 6, True)]}
    path = write_pages(tmp_path / "frame.tif", Page(RGB, turned), Page(INFRARED, mark=4))
    with open_film(path) as film:
        layout = decide_layout(film, fourth_sample_infrared=None, has_partner=False)
        planes = read_planes(film, layout)
    assert np.array_equal(planes.infrared, np.rot90(INFRARED, -1))
    assert (planes.bits, planes.flags) == (16, ())


INFRARED_FILES = {
    "grey": (Page(INFRARED), True),
    "colours_equal": (Page(np.dstack([INFRARED] * 3)), True),
    "colours": (Page(RGB), False),
    "one_pixel": (Page(np.dstack([INFRARED, INFRARED, np.where(np.arange(COLS) == 3, 1, INFRARED)])), False),
    "with_infrared": (rgbi_page(), False),
    "compressed": (Page(RGB, {"compression": "zlib", "rowsperstrip": 16}), False),
}


@pytest.mark.parametrize(("page", "holds"), INFRARED_FILES.values(), ids=INFRARED_FILES)
def test_the_samples_tell_whether_a_file_can_be_an_infrared(tmp_path, page, holds):
    page = Page(page.samples.astype(np.uint16), page.options)
    assert is_infrared_file(write_pages(tmp_path / "a_ir.tif", page)) is holds


@pytest.mark.parametrize("own", [1, 3, 6])
@pytest.mark.parametrize("orientation", [1, 6])
def test_an_infrared_file_stored_like_its_picture_is_turned_like_it_and_that_is_said(tmp_path, orientation, own):
    turned, own_turn = ({"extratags": [(274, 3, 1, value, True)]} for value in (orientation, own))
    picture = write_pages(tmp_path / "a.tif", Page(RGB, turned))
    infrared = write_pages(tmp_path / "a_ir.tif", Page(INFRARED, own_turn))
    capture = read_capture(picture, infrared)
    assert np.array_equal(capture.infrared, INFRARED if orientation == 1 else np.rot90(INFRARED, -1))
    assert ("infrared_turned_like_picture" in capture.info.flags) == (own != orientation)
