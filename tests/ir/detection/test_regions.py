from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.detection.regions import (
    FALSE_ALARMS,
    SMALLEST_PX,
    concatenated,
    connected_regions,
    find_regions,
    none,
    region_means,
    seed_limits,
    select,
)
from filmscand.ir.leakage.noise import Noise
from filmscand.ir.leakage.residual import Residual
from support import ir_twins as twins
from support.ir_frames import base_of, compiled

GAUSSIAN_TAILS = np.array([[2.58, 3.29], [2.58, 3.29]], np.float32)
NO_HOLDER = np.zeros((40, 40), np.bool_)


def noise_of(deviation=0.004, factor=None, tails=GAUSSIAN_TAILS):
    """White noise, the same for all activity grades: smoothing over 5 by 5 leaves less of it than over 3 by 3."""
    deviations = np.stack([np.full(16, deviation, np.float32), np.full(16, 0.73 * deviation, np.float32)])
    factor = np.ones((4, 4), np.float32) if factor is None else factor
    return Noise(deviations, np.zeros((2, 16), np.float32), tails, factor)


def flat_base(shape=(4, 4), block=16, level=0.0):
    return base_of(np.full(shape, level), block)


def film_with(density, noise=0.0):
    """Residual of 64 by 64 pixels of clear film with a density on it."""
    rng = np.random.default_rng(3)
    values = -(density + rng.normal(0, noise, (64, 64))) * 4096 if noise else -density * 4096
    return Residual(np.rint(values).astype(np.int16), np.zeros((64, 64), np.uint8))


def regions_image(regions, shape):
    labels = np.zeros(shape, int)
    labels[regions.rows, regions.cols] = np.repeat(np.arange(len(regions)), np.diff(regions.starts)) + 1
    return labels


@st.composite
def residuals(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, cols = draw(st.sampled_from([(1, 1), (7, 60), (33, 2), (70, 45)]))
    block = draw(st.sampled_from([16, 24]))
    values = rng.integers(-4000, 4000, (rows, cols)).astype(np.int16)
    grades = (rng.integers(0, 16, (rows, cols)) + rng.choice([0, 128], (rows, cols), p=[0.8, 0.2])).astype(np.uint8)
    return rng, Residual(values, grades), block, (-(-rows // block), -(-cols // block))


@settings(max_examples=20, deadline=None)
@given(residuals())
def test_a_pixel_is_classified_by_its_smoothed_density_and_the_limits_of_its_grade(drawn):
    rng, residual, block, shape = drawn
    rows, cols = residual.values.shape
    base = replace(flat_base(shape, block), level=rng.normal(0, 0.3, shape).astype(np.float32))
    noise = noise_of(factor=rng.uniform(0.6, 4, shape).astype(np.float32))
    limits = np.sort(rng.uniform(0.02, 0.5, (3, 16)), axis=0).astype(np.float32)[[0, 2, 1]]
    holder = rng.random((-(-rows // 8), -(-cols // 8))) < 0.2
    classes = np.zeros((rows, cols), int)
    found = find_regions(residual, base, noise, limits, holder)
    _, three, five = twins.density(residual.values, residual.grades, base.level, block)
    local = twins.laid_out(noise.factor, block, (rows, cols))
    weak, seed, wide = (limit[residual.grades & 15] * local for limit in limits)
    classes[three > weak] = 1
    classes[(three > weak) & (five > 0.35 * wide)] = 3
    classes[(three > seed) | (five > wide)] = 2
    classes[holder.repeat(8, 0).repeat(8, 1)[:rows, :cols]] = 0
    assert np.array_equal(regions_image(found, (rows, cols)), twins.regions(classes, SMALLEST_PX))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1, 1), (1, 30), (25, 1), (30, 40)]),
    st.floats(0.02, 0.7),
    st.sampled_from([0.0, 0.1]),
)
def test_regions_are_the_eight_connected_ones_with_a_seed_in_reading_order(seed, shape, crowd, faint):
    rng = np.random.default_rng(seed)
    parts = [1 - crowd, crowd * 0.4, crowd * (0.1 - faint), crowd * (0.5 + faint)]
    classes = rng.choice([0, 1, 2, 3], shape, p=parts).astype(np.uint8)
    regions = connected_regions(classes)
    expected = twins.regions(classes, SMALLEST_PX)
    assert len(regions) == expected.max()
    assert np.array_equal(regions_image(regions, shape), expected)
    owners = np.repeat(np.arange(len(regions)), np.diff(regions.starts))
    assert np.array_equal(np.lexsort((regions.cols, regions.rows, owners)), np.arange(len(owners)))


def test_two_pixels_are_no_region_and_three_are():
    classes = np.zeros((9, 20), np.uint8)
    classes[4, 2:4] = 2
    classes[4, 10:13] = 2
    assert regions_image(connected_regions(classes), classes.shape).nonzero()[1].tolist() == [10, 11, 12]


def test_a_heavier_tail_raises_the_limits_of_seeds_alone():
    steep = seed_limits(noise_of())
    heavy = seed_limits(noise_of(tails=np.array([[2.58, 3.8], [2.58, 3.8]], np.float32)))
    assert (heavy[1:] > 1.3 * steep[1:]).all()
    assert np.array_equal(heavy[0], steep[0])


def test_noise_free_film_has_limits_of_a_visible_change_of_light():
    limits = seed_limits(noise_of(1e-5))
    assert (limits[1:] > 0.006).all()
    assert (limits[1:] < 0.011).all()
    assert (limits[0] > 0.003).all()


def test_twice_the_noise_doubles_the_limits():
    assert seed_limits(noise_of(0.04)) == pytest.approx(2 * seed_limits(noise_of(0.02)))


def test_the_limit_of_a_seed_is_where_an_exponential_tail_reaches_the_rate_of_false_alarms():
    # 1 % exceed 3.2 deviations and 0.1 % exceed 4: each 0.8 deviations leave a tenth.
    noise = noise_of(0.02, tails=np.array([[3.2, 4.0], [3.2, 4.0]], np.float32))
    assert seed_limits(noise)[1] / 0.02 == pytest.approx(4.0 + 0.8 * np.log10(1e-3 / FALSE_ALARMS), abs=0.1)


def test_weak_pixels_count_where_they_touch_a_seed():
    density = np.zeros((64, 64))
    density[20, 10:50] = 0.03
    density[19:22, 28:31] = 0.5
    density[40, 10:50] = 0.03
    noise = noise_of(0.004)
    regions = find_regions(film_with(density), flat_base(), noise, seed_limits(noise), NO_HOLDER)
    assert len(regions) == 1
    assert regions.rows.max() < 30
    assert (regions.cols.min(), regions.cols.max()) == (10, 49)


@pytest.mark.parametrize(
    ("part", "length_px", "found"),
    [(0.5, 18, True), (0.5, 8, False), (0.35, 30, True), (0.24, 40, False), (0.5, 0, False)],
)
def test_a_long_ridge_is_a_region_without_a_seed(part, length_px, found):
    noise = noise_of(0.004, tails=np.array([[2.58, 6.0], [2.58, 6.0]], np.float32))
    limits = seed_limits(noise)
    density = np.zeros((64, 64))
    # Smoothing leaves about nine tenths of the density in the middle rows.
    density[19:24, 5 : 5 + length_px] = part * limits[2, 0] / 0.94
    assert len(find_regions(film_with(density), flat_base(), noise, limits, NO_HOLDER)) == found


@pytest.mark.parametrize(("deviations", "kept"), [(1.7, False), (3.4, True)])
def test_a_weak_part_is_kept_from_about_two_and_a_half_deviations_on(deviations, kept):
    density = np.zeros((64, 64))
    density[19:22, 5:60] = deviations * 0.004
    density[19:22, 28:31] = 0.5
    noise = noise_of(0.004)
    regions = find_regions(film_with(density), flat_base(), noise, seed_limits(noise), NO_HOLDER)
    assert (regions.cols.min() < 8) == kept


def test_clipped_infrared_is_never_a_region_and_darker_film_beside_it_is():
    residual = film_with(np.full((64, 64), 0.4))
    residual.grades[:, :32] = 128
    noise = noise_of()
    regions = find_regions(residual, flat_base(), noise, seed_limits(noise), NO_HOLDER)
    assert regions.cols.min() >= 30


def test_there_is_no_region_on_the_holder():
    holder = NO_HOLDER.copy()
    holder[:4] = True
    noise = noise_of()
    regions = find_regions(film_with(np.full((64, 64), 0.4)), flat_base(), noise, seed_limits(noise), holder)
    assert regions.rows.min() == 32


@compiled
def test_noise_alone_has_hardly_a_region():
    noise = noise_of(0.02 * 0.375)
    rng = np.random.default_rng(5)
    residual = Residual(
        np.rint(rng.normal(0, 0.02, (700, 700)) * 4096).astype(np.int16), np.zeros((700, 700), np.uint8)
    )
    base, holder = flat_base((44, 44)), np.zeros((88, 88), np.bool_)
    noise = replace(noise, factor=np.ones((44, 44), np.float32))
    assert len(find_regions(residual, base, noise, seed_limits(noise), holder)) <= 6


def lattice(count, side_px):
    """Square regions, far apart."""
    classes = np.zeros((20 * count, 20), np.uint8)
    for place in range(count):
        classes[20 * place : 20 * place + side_px, 2 : 2 + side_px] = 2
    return connected_regions(classes)


def test_selected_regions_keep_their_pixels():
    regions = lattice(4, 3)
    kept = select(regions, np.array([False, True, False, True]))
    assert len(kept) == 2
    assert kept.starts.tolist() == [0, 9, 18]
    assert np.unique(kept.rows).tolist() == [20, 21, 22, 60, 61, 62]
    assert kept.owners.tolist() == [0] * 9 + [1] * 9


def test_the_mean_of_a_region_is_that_of_its_pixels_and_no_region_has_none():
    regions = lattice(2, 2)
    means = region_means(np.array([1, 2, 3, 6, 10, 10, 10, 14], np.float32), regions)
    assert means.tolist() == [3.0, 11.0]
    assert region_means(np.zeros(0), none()).tolist() == []


def test_two_sets_become_one_in_which_regions_stay_apart_though_they_touch():
    first, second = lattice(2, 3), lattice(1, 3)
    together = concatenated(first, replace(second, cols=second.cols + 3))
    assert np.diff(together.starts).tolist() == [9, 9, 9]
    assert together.cols[together.owners == 2].min() == first.cols.max() + 1
    assert len(concatenated(none(), none())) == 0
