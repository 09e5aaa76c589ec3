from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from filmscand.ir.leakage import _block_kernels as kernels
from filmscand.ir.leakage.film_base import base_at, grade_medians, measure_base, sort_by_grade
from filmscand.ir.leakage.residual import Residual
from support import ir_twins as twins
from support.ir_frames import base_of, compiled, measured_film, no_holder, picture_of

BLOCK = 8


def clear_film(shape, level=0.0, noise=0.004, seed=1):
    rng = np.random.default_rng(seed)
    values = (level + noise * rng.standard_normal(shape)) * 4096
    return Residual(np.rint(values).astype(np.int16), np.zeros(shape, np.uint8))


def measured_base(residual, holder=None, red=None):
    """Base of a residual; red: natural logs of the picture's red light, else a picture of one red."""
    shape = residual.values.shape
    holder = no_holder(shape) if holder is None else holder
    return measure_base(residual, holder, BLOCK, picture_of(np.zeros(shape) if red is None else red))


def level_of(base, shape):
    return twins.laid_out(base.level, base.block_px, shape)


def test_the_base_of_film_without_a_picture_is_its_median_residual():
    shape = (400, 600)
    base = measured_base(clear_film(shape, -0.3))
    assert np.abs(level_of(base, shape) + 0.3).max() < 0.002
    assert np.median(base.spread) == pytest.approx(0.004, rel=0.2)


def test_the_base_follows_an_uneven_lamp():
    shape = (400, 600)
    row, col = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 600), indexing="ij")
    lamp = -0.1 * (row**2 + col**2) + 0.04 * np.sin(3 * col + 1)
    base = measured_base(clear_film(shape, lamp))
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(level_of(base, shape) - lamp)[inner].max() < 0.015
    assert np.ptp(lamp[inner]) > 0.2


def test_the_base_follows_a_lamp_that_loses_a_third_in_the_corners_to_a_hundredth():
    row, col = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 600), indexing="ij")
    lamp = -0.2 * (row**2 + col**2)
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(level_of(measured_base(clear_film((400, 600), lamp)), (400, 600)) - lamp)[inner].max() < 0.013


def test_the_base_does_not_follow_a_smear_across_the_frame_of_four_blocks_width():
    level = np.zeros((400, 600))
    level[:, 268:332] = -0.1
    assert level_of(measured_base(clear_film((400, 600), level)), (400, 600))[190:210, 290:310].mean() > -0.008


def test_the_base_follows_a_lamp_that_falls_off_to_the_last_pixel_of_the_rim():
    shape = (400, 600)
    lamp = np.broadcast_to(np.interp(np.arange(600), [0, 450, 599], [0, 0, -0.12]), shape)
    off = level_of(measured_base(clear_film(shape, lamp)), shape) - lamp
    assert np.abs(off).max() < 0.012


def test_dust_at_the_rim_does_not_lower_the_base():
    shape = (400, 600)
    level = np.zeros(shape)
    level[:30, 200:232] = level[300:340, -20:] = -0.5
    base = measured_base(clear_film(shape, level))
    assert np.abs(level_of(base, shape)).max() < 0.01


@pytest.mark.parametrize(("contrast", "clean"), [(1.0, 0.0), (0.5, 0.1)], ids=["a light", "film between dust"])
def test_the_brighter_part_of_a_block_is_clean_film_unless_the_picture_has_a_light_there(contrast, clean):
    shape = (400, 600)
    row, col = np.mgrid[:400, :600] % 16
    part = (row < 8) & (col < 8) & (np.mgrid[:400, :600][1] > 400)
    base = measured_base(clear_film(shape, np.where(part, 0.1, 0.0)), red=np.where(part, contrast, 0.0))
    assert level_of(base, shape)[100:300, 450:550].mean() == pytest.approx(clean, abs=0.03)


def test_dust_on_a_fifth_of_the_film_does_not_lower_the_base():
    shape = (400, 600)
    rng = np.random.default_rng(2)
    dust = ndimage.gaussian_filter(rng.standard_normal(shape), 2)
    dust = dust > np.quantile(dust, 0.8)
    base = measured_base(clear_film(shape, np.where(dust, -0.4, 0.0)))
    assert np.abs(level_of(base, shape)).max() < 0.01


def test_a_wide_faint_smear_lowers_the_base_by_a_fifth_of_its_density_at_most():
    shape = (400, 600)
    row, col = np.mgrid[:400, :600]
    ridges = (np.hypot(row - 200, col - 300) < 60) & (np.sin(0.7 * row + 0.2 * col) > 0)
    base = measured_base(clear_film(shape, np.where(ridges, -0.1, 0.0)))
    assert level_of(base, shape)[190:210, 290:310].mean() > -0.02


@pytest.mark.parametrize(("cols", "block_px"), [(3000, 16), (4800, 24), (6400, 32)])
def test_the_side_of_a_block_is_a_two_hundredth_of_the_frame(cols, block_px):
    assert measured_base(clear_film((32, cols))).block_px == block_px


def object_level(contrast, density):
    """Level of the base under an object of three blocks, darker in red by a contrast and in infrared by a density."""
    shape = (400, 600)
    inside = (slice(200, 248), slice(304, 352))
    level, red = np.zeros(shape), np.zeros(shape)
    level[inside], red[inside] = -density, -contrast
    base = measured_base(clear_film(shape, level, noise=0.001), red=red)
    return level_of(base, shape)[220:228, 324:332].mean()


@pytest.mark.parametrize(
    ("contrast", "density", "stays"),
    [(1.5, 0.05, True), (0.7, 0.05, False), (2.0, 0.14, True), (2.0, 0.22, False)],
    ids=["an object", "of about the same red", "a black one", "dust"],
)
def test_the_base_keeps_the_misfit_of_an_object_and_closes_over_dust(contrast, density, stays):
    assert object_level(contrast, density) == pytest.approx(-density if stays else 0, abs=0.15 * density)


@pytest.mark.parametrize(("grade", "level"), [(5, 0.0), (10, -0.05)], ids=["quiet", "busy"])
def test_the_base_closes_over_ridges_and_is_the_median_in_a_busy_picture(grade, level):
    shape = (400, 640)
    col = np.mgrid[:400, :640][1]
    ridges = ((col // 16) % 5 < 3) & (col > 160) & (col < 400)
    residual = clear_film(shape, np.where(ridges, -0.05, 0.0))
    residual.grades[:] = grade
    assert level_of(measured_base(residual), shape)[100:300, 200:360].mean() == pytest.approx(level, abs=0.015)


def test_where_blocks_spread_three_times_as_much_as_usual_the_base_lies_above_their_median():
    shape = (400, 600)
    rng = np.random.default_rng(6)
    noise = np.where(np.arange(600) < 450, 0.004, 0.012)
    residual = Residual(np.rint(4096 * noise * rng.standard_normal(shape)).astype(np.int16), np.zeros(shape, np.uint8))
    level = level_of(measured_base(residual), shape)
    assert level[100:300, 500:560].mean() - level[100:300, 50:400].mean() == pytest.approx(0.009, abs=0.002)


def test_the_holder_does_not_change_the_base_and_is_dark():
    shape = (400, 600)
    holder = no_holder(shape)
    holder[:, :10] = True
    level = np.zeros(shape)
    level[:, :80] = -3.0
    base = measured_base(clear_film(shape, level), holder)
    assert np.abs(level_of(base, shape)).max() < 0.01
    assert base.dark[:, :4].all()
    assert not base.dark[:, 8:].any()


def test_a_frame_that_is_all_holder_has_a_finite_base():
    shape = (64, 96)
    base = measured_base(clear_film(shape, -2.0), ~no_holder(shape))
    assert np.isfinite(base.level).all()
    assert np.isfinite(base.spread).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (3, 9), (12, 7)]), st.sampled_from([1, 2]))
def test_each_block_is_combined_with_the_blocks_that_may_show_the_same_object(seed, shape, reach):
    rng = np.random.default_rng(seed)
    grid, density, red = (rng.normal(0, scale, shape).astype(np.float32) for scale in (1, 0.05, 1))
    limits = (np.float32(0.8), np.float32(12))
    for kind, combine in enumerate((np.max, np.min, np.mean, np.median)):
        found = np.empty_like(grid)
        kernels.combine_similar(grid, density, red, limits, reach, kind, found)
        np.testing.assert_allclose(found, twins.combine_similar(grid, density, red, limits, reach, combine), atol=1e-5)


def test_the_base_is_interpolated_between_block_centres():
    level = np.random.default_rng(3).normal(0, 0.1, (12, 15)).astype(np.float32)
    base = base_of(level, 16)
    whole = twins.laid_out(level, 16, (192, 240))
    assert np.abs(base_at(base, 30, 50, 64) - whole[30:94, 50:114]).max() < 1e-5


@compiled
@pytest.mark.parametrize(("kind", "picture"), [("heavy_dirt", "landscape"), ("fingerprint", "smooth_sky")])
def test_neither_dirt_nor_a_fingerprint_moves_the_base_off_clean_film(kind, picture):
    residual, base, _, clean = measured_film(kind, picture)
    plain = twins.density(residual.values, residual.grades, base.level, base.block_px)[0]
    assert abs(np.median(plain[clean])) < 0.003
    smooth = ndimage.gaussian_filter(np.where(clean, plain, 0), 12) / np.maximum(
        ndimage.gaussian_filter(clean.astype(float), 12), 0.05
    )
    assert np.abs(smooth[clean]).max() < 0.03


@compiled
def test_ridges_of_a_fingerprint_do_not_widen_the_spread():
    """A quarter of the frame has ridges ten pixels wide."""
    rng = np.random.default_rng(2)
    values = rng.normal(0, 20, (640, 960))
    values[:, :240] += 80 * np.sign(np.sin(2 * np.pi * np.arange(640) / 21))[:, None]
    residual = Residual(np.rint(values).astype(np.int16), np.zeros(values.shape, np.uint8))
    no_film = np.zeros((80, 120), np.bool_)
    spread = measure_base(residual, no_film, 8, picture_of(np.zeros(values.shape))).spread
    assert np.median(spread[:, 20:]) == pytest.approx(20 / 4096, rel=0.15)
    assert np.median(spread[:, :12]) == pytest.approx(20 / 4096, rel=0.3)


@compiled
def test_noise_softer_than_a_pixel_has_its_full_spread():
    rng = np.random.default_rng(3)
    values = ndimage.gaussian_filter(rng.standard_normal((640, 960)), 2)
    values *= 20 / values.std()
    residual = Residual(np.rint(values).astype(np.int16), np.zeros(values.shape, np.uint8))
    no_film = np.zeros((80, 120), np.bool_)
    spread = measure_base(residual, no_film, 8, picture_of(np.zeros(values.shape))).spread
    assert np.median(spread) == pytest.approx(20 / 4096, rel=0.15)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (7, 60), (33, 2), (70, 45)]), st.sampled_from([16, 24]))
def test_statistics_of_a_block_are_those_of_thirty_two_samples(seed, size, block):
    rng = np.random.default_rng(seed)
    values = rng.integers(-4000, 4000, size).astype(np.int16)
    grades = (rng.integers(0, 16, size) + rng.choice([0, 128], size, p=[0.8, 0.2])).astype(np.uint8)
    shape = (-(-size[0] // block), -(-size[1] // block))
    found = (*(np.empty(shape, np.float32) for _ in range(3)), np.empty(shape, np.uint8))
    kernels.block_statistics(values, grades, block, *found)
    for plane, expected in zip(found, twins.block_statistics(values, grades, block), strict=True):
        assert plane == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.integers(0, 15), max_size=30))
def test_samples_sorted_by_grade_give_the_median_of_each_grade_and_0_for_an_empty_one(grades):
    grades = np.array(grades, np.uint8)
    values = np.arange(len(grades), dtype=np.float32)
    order, starts = sort_by_grade(grades)
    assert (starts[0], starts[-1], len(starts)) == (0, len(grades), 17)
    medians = grade_medians(values[order], starts)
    expected = [np.median(values[grades == grade]) if (grades == grade).any() else 0 for grade in range(16)]
    assert medians == pytest.approx(expected)


@pytest.mark.parametrize("cols", [1, 16, 100])
def test_columns_interpolate_between_the_block_centres_beside_them(cols):
    level = np.random.default_rng(4).normal(0, 0.1, (1, -(-cols // 16))).astype(np.float32)
    index, part = base_of(level, 16).columns(cols)
    beyond = np.minimum(index + 1, level.shape[1] - 1)
    expected = twins.laid_out(level, 16, (1, cols))[0]
    assert (1 - part) * level[0, index] + part * level[0, beyond] == pytest.approx(expected, abs=1e-6)
