"""Optics and sensor of the third scanner."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.optics import infrared_light, noisy, picture_light, point_spread, row_drift
from bench.third.recipe import InfraredPass

STILL = np.zeros(100, np.float32)


def spot(row=50, col=60):
    plane = np.ones((100, 120), np.float32)
    plane[row - 2 : row + 3, col - 2 : col + 3] = 0
    return plane


def darkest(plane):
    return np.unravel_index(plane.argmin(), plane.shape)


def test_the_point_spread_has_its_width_and_keeps_the_light():
    kernel = point_spread(3.0)
    middle = kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1)
    assert kernel[middle, middle + 1] > kernel[middle, middle] / 2 > kernel[middle, middle + 2]


def test_the_picture_has_stray_light_behind_what_is_opaque():
    seen = picture_light(np.repeat(np.zeros((20, 20, 1), np.float32), 3, -1))
    assert 0.001 < seen.max() < 0.01


def test_the_infrared_is_displaced_and_softened():
    sharp = infrared_light(spot(), InfraredPass(), STILL)
    moved = infrared_light(spot(), InfraredPass(shift_px=(5.0, -3.0)), STILL)
    soft = infrared_light(spot(), InfraredPass(soft_px=5.0), STILL)
    assert darkest(sharp) == (50, 60)
    assert darkest(moved) == (55, 57)
    assert soft.min() > sharp.min() + 0.05


def test_an_uneven_lamp_is_darker_in_the_corner():
    lamp = infrared_light(np.ones((100, 120), np.float32), InfraredPass(fall_off=0.4), STILL)
    assert lamp[-1, -1] < 0.75 * lamp[50, 60]


def test_rows_drift_slowly_to_their_reach():
    drift = row_drift(500, 1.6, np.random.default_rng(2))
    assert np.abs(drift).max() == pytest.approx(1.6)
    assert np.abs(np.diff(drift)).max() < 0.1
    assert not row_drift(500, 0.0, np.random.default_rng(2)).any()


def test_noise_grows_with_the_root_of_the_light():
    noise = np.random.default_rng(3).standard_normal((200, 200), np.float32)
    dim, clear = (np.std(noisy(np.full_like(noise, level), 0.01, noise)) for level in (0.25, 1.0))
    assert clear == pytest.approx(2 * dim, rel=0.05)
