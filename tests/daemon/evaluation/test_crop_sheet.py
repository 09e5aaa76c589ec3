"""A sheet of crops for a frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.evaluation.crop_sheet import CROP_PX, ENLARGED, Worst, save_crops, save_sheet
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(smooth_sky(2 * CROP_PX, 3 * CROP_PX, 3), KINDS["heavy_dirt"], seed=11)


class Cleaned(NamedTuple):
    rgb: np.ndarray
    mask: np.ndarray


def test_a_sheet_shows_three_crops_of_error_and_a_typical_one(frame, tmp_path):
    save_sheet(tmp_path / "new" / "sheet.png", frame, Cleaned(frame.rgb, np.zeros_like(frame.any_mask)), "raw")
    with Image.open(tmp_path / "new" / "sheet.png") as sheet:
        rows = sheet.height / (CROP_PX * ENLARGED)
    assert 4 < rows < 4.6


def test_a_crop_shows_where_the_plane_is_largest(frame, tmp_path):
    plane = np.zeros(frame.any_mask.shape, np.bool_)
    plane[CROP_PX + 5, 2 * CROP_PX + 5] = True
    marked = Cleaned(np.zeros_like(frame.rgb), plane)
    save_crops(tmp_path / "sheet.png", frame, marked, [Worst("marked", plane, 1)], "one")
    overlay = np.asarray(Image.open(tmp_path / "sheet.png"))[:, -CROP_PX * ENLARGED :]
    hit_or_false = {(40, 220, 90), (255, 60, 50)}
    assert hit_or_false & {tuple(colour) for colour in overlay.reshape(-1, 3).tolist()}
