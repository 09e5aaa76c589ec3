"""Photographs cover a frame: scaled, turned, mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.frames.photographs import covering, folder_pictures, held_out_pictures
from training.sheets.sources import HELD_OUT_PHOTOS


def test_a_small_photograph_is_mirrored_to_cover_the_frame():
    photo = Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 50, 3), dtype=np.uint8))
    covered = covering(photo, 200, 300)
    assert covered.shape == (200, 300, 3)


@pytest.fixture
def folder(tmp_path):
    for name in ("grey", HELD_OUT_PHOTOS[0]):
        Image.fromarray(np.full((60, 90, 3), 90, np.uint8)).save(tmp_path / f"{name}.jpg")
    (tmp_path / "notes.txt").write_text("no photograph")
    return tmp_path


def test_each_photograph_of_a_folder_makes_a_picture_of_its_own(folder):
    pictures = folder_pictures(folder)
    assert sorted(pictures) == sorted(["grey", HELD_OUT_PHOTOS[0]])
    assert pictures["grey"](30, 40).shape == (30, 40, 3)


def test_held_out_photographs_go_before_the_others(folder):
    assert list(held_out_pictures(folder)) == [HELD_OUT_PHOTOS[0]]
    (folder / f"{HELD_OUT_PHOTOS[0]}.jpg").unlink()
    assert list(held_out_pictures(folder)) == ["grey"]


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected photographs"):
        folder_pictures(tmp_path)


def test_an_upright_photograph_is_turned_for_a_wide_frame():
    upright = np.zeros((90, 60, 3), np.uint8)
    upright[:45] = 200
    covered = covering(Image.fromarray(upright), 40, 60)
    assert abs(covered[:, :20].mean() - covered[:, 40:].mean()) > 150
