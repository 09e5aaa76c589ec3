"""Large frames: mirrored tiles with a noise of their own."""

from __future__ import annotations

import numpy as np
import pytest

from bench.frames.large import TILE_ROWS, Planes, tiled_frame


@pytest.fixture(scope="module")
def planes():
    return tiled_frame(TILE_ROWS + 60, 80)


def test_a_large_frame_goes_on_mirrored_with_another_noise(planes):
    assert planes.rgb.shape == (TILE_ROWS + 60, 80, 3)
    above, below = planes.rgb[TILE_ROWS - 60 : TILE_ROWS][::-1].astype(float), planes.rgb[TILE_ROWS:].astype(float)
    assert not np.array_equal(above, below)
    assert np.median(np.abs(above - below) / above) < 0.01


def test_planes_are_read_as_they_were_saved(planes, tmp_path):
    planes.save(tmp_path)
    again = Planes.load(tmp_path)
    assert np.array_equal(again.rgb, planes.rgb)
    assert np.array_equal(again.infrared, planes.infrared)
    assert again.nbytes == 8 * 80 * (TILE_ROWS + 60)
