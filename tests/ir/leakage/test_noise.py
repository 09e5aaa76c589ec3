from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.leakage.noise import measure_noise
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.planes.tiles import Tiles
from support import ir_twins as twins
from support.ir_frames import base_of, compiled, measured_film


def bare_tiles(density, grade=None):
    """Tiles of clear film with a density above a base of 0, and their residual."""
    count, size = density.shape[:2]
    corners = np.zeros((count, 2), np.int64)
    film, empty = np.ones(density.shape, np.bool_), np.zeros(density.shape, np.uint16)
    tiles = Tiles(corners, empty, empty, empty.astype(np.float32), empty.astype(np.float32), film, (size, size))
    grades = np.zeros(density.shape, np.uint8) if grade is None else grade
    return tiles, Residual(np.rint(-density * 4096).astype(np.int16), grades)


def noise_of(density, grade=None):
    tiles, residual = bare_tiles(density, grade)
    side = -(-density.shape[1] // 16)
    return measure_noise(base_of(np.zeros((side, side)), 16), tiles, residual, residual, 8)


@pytest.mark.parametrize(("density", "offset"), [(0.05, 0.05), (0.12, 0.0)], ids=["a misfit", "dust"])
def test_obvious_dust_does_not_count_as_noise(density, offset):
    rng = np.random.default_rng(7)
    dark = np.zeros((8, 128, 128))
    dark[4:] = density
    grade = np.where(dark > 0, 5, 0).astype(np.uint8)
    found = noise_of(dark + 0.004 * rng.standard_normal(dark.shape), grade).offset[:, 5]
    assert found == pytest.approx([offset] * 2, rel=0.15, abs=1e-3)


def test_the_offset_of_a_grade_has_half_weight_at_five_hundred_pixels():
    rng = np.random.default_rng(8)
    grade = np.zeros((4, 128, 128), np.uint8)
    grade[0, 10:60, 20:40] = 5  # of every second column
    density = np.where(ndimage.maximum_filter(grade, (1, 9, 9)) > 0, 0.03, 0) + 0.002 * rng.standard_normal(grade.shape)
    assert noise_of(density, grade).offset[:, 5] == pytest.approx([0.015] * 2, rel=0.12)


def test_the_deviation_of_a_grade_has_half_weight_at_fifty_pixels():
    rng = np.random.default_rng(11)
    grade = np.zeros((4, 128, 128), np.uint8)
    grade[0, 10:35, 20:24] = 9  # 50 of every second column
    wide = ndimage.maximum_filter(grade, (1, 9, 9)) > 0
    density = np.where(wide, 0.032, 0.002) * rng.standard_normal(grade.shape) - 0.2 * wide
    deviation = noise_of(density, grade).deviation[0]
    # Sixteen times the deviation of the grades below; half of that on a logarithmic scale.
    assert deviation[9] / deviation[0] == pytest.approx(4, rel=0.15)
    assert deviation[15] == deviation[9]


def test_tails_are_the_deviations_that_one_in_a_hundred_and_one_in_a_thousand_exceed():
    rng = np.random.default_rng(9)
    tails = noise_of(0.02 * rng.standard_normal((4, 400, 400))).tails
    assert tails == pytest.approx(np.array([[2.58, 3.29]] * 2), abs=0.1)


@pytest.mark.parametrize(("size", "measured_ones"), [(40, False), (50, True)])
def test_the_tail_of_a_small_sample_is_that_of_a_gaussian(size, measured_ones):
    rng = np.random.default_rng(10)
    tails = noise_of(0.02 * rng.standard_normal((1, size, size))).tails
    assert (tails != np.float32([2.58, 3.29])).all() == measured_ones


@compiled
@pytest.mark.parametrize(
    ("kind", "picture"),
    [
        ("spotless", "landscape"),
        ("heavy_dirt", "landscape"),
        ("grainy_slide", "smooth_sky"),
        ("negative", "smooth_sky"),
    ],
)
def test_the_noise_of_each_activity_grade_is_that_of_the_true_clean_film(kind, picture):
    residual, base, noise, clean = measured_film(kind, picture)
    factor = twins.laid_out(noise.factor, base.block_px, residual.values.shape)
    planes = twins.density(residual.values, residual.grades, base.level, base.block_px)[1:]
    tried = 0
    for plane, deviation in zip(planes, noise.deviation, strict=True):
        for grade in range(16):
            there = clean & (residual.grades == grade)
            if there.sum() < 8000:
                continue
            truth = 1.4826 * np.median(np.abs(plane[there] - np.median(plane[there])))
            assert deviation[grade] * np.median(factor[there]) == pytest.approx(truth, rel=0.2)
            tried += 1
    assert tried >= 6


@compiled
def test_noise_never_falls_with_the_activity_grade():
    _, _, noise, _ = measured_film("leaky_slide", "lettering")
    assert (np.diff(noise.deviation, axis=1) >= 0).all()
    assert (noise.offset >= 0).all()
    assert (noise.tails[:, 1] > noise.tails[:, 0]).all()
