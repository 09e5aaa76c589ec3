"""Hard negatives change the scene, and stay light."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from filmscand.film.fields import Plane
from training.sheets.hard_negatives import HARD_NEGATIVES

SIZE = 96


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", HARD_NEGATIVES)
def test_what_only_looks_like_dust_changes_the_picture_and_stays_light(name):
    picture: Plane = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    for seed in range(4):
        HARD_NEGATIVES[name](rng(seed), picture)
    assert (picture != np.float32(0.3)).any()
    assert np.isfinite(picture).all()
    assert picture.min() > -0.01


def test_birds_are_spots_and_pairs_of_wings():
    filled = []
    for seed in range(12):
        picture: Plane = np.full((SIZE, SIZE, 3), 0.9, np.float32)
        HARD_NEGATIVES["birds"](rng(seed), picture)
        _, _, boxes, _ = cv2.connectedComponentsWithStats((picture[..., 0] < 0.7).astype(np.uint8))
        filled += [area / (wide * high) for _, _, wide, high, area in boxes[1:] if area > 20]
    assert min(filled) < 0.4
    assert max(filled) > 0.65
