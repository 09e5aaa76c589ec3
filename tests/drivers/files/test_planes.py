"""The planes of a frame are upright and on one grid."""

from __future__ import annotations

import numpy as np

from filmscand.drivers.files.reader import read_capture
from support.film_pages import (
    COLS,
    RGB,
    ROWS,
    Page,
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
