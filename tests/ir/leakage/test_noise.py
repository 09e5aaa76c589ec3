from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from filmscand.ir.leakage import _noise_kernels as kernels
from filmscand.ir.leakage.focus import leakage_samples
from filmscand.ir.leakage.model import fit_leakage
from filmscand.ir.leakage.noise import base_at, measure_base, measure_noise
from filmscand.ir.leakage.residual import Fitted, Residual, residual_density, tile_residuals
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.registration import same_grid
from support import ir_twins as twins
from support.ir_frames import base_of, compiled, photometry_and_tiles, picture_of, simulated

BLOCK = 8


def clear_film(shape, level=0.0, noise=0.004, seed=1):
    rng = np.random.default_rng(seed)
    values = (level + noise * rng.standard_normal(shape)) * 4096
    return Residual(np.rint(values).astype(np.int16), np.zeros(shape, np.uint8))


def no_holder(shape):
    return np.zeros((-(-shape[0] // BLOCK), -(-shape[1] // BLOCK)), np.bool_)


def measured_base(residual, holder=None, red=None):
    """Base of a residual under a picture of some natural logs of red; of none."""
    shape = residual.values.shape
    holder = no_holder(shape) if holder is None else holder
    return measure_base(residual, holder, BLOCK, picture_of(np.zeros(shape) if red is None else red))


def level_of(base, shape):
    return twins.laid_out(base.level, base.block_px, shape)


def test_the_base_of_film_without_a_picture_is_its_level():
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


def test_a_lamp_that_gives_a_third_less_in_the_corners_is_followed_to_a_hundredth():
    row, col = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 600), indexing="ij")
    lamp = -0.2 * (row**2 + col**2)
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(level_of(measured_base(clear_film((400, 600), lamp)), (400, 600)) - lamp)[inner].max() < 0.013


def test_a_smear_across_the_frame_four_blocks_wide_is_no_lamp():
    level = np.zeros((400, 600))
    level[:, 268:332] = -0.1
    assert level_of(measured_base(clear_film((400, 600), level)), (400, 600))[190:210, 290:310].mean() > -0.008


def test_a_lamp_that_falls_off_towards_the_rim_is_followed_to_the_last_pixel():
    shape = (400, 600)
    lamp = np.broadcast_to(np.interp(np.arange(600), [0, 450, 599], [0, 0, -0.12]), shape)
    off = level_of(measured_base(clear_film(shape, lamp)), shape) - lamp
    assert np.abs(off).max() < 0.012


def test_dust_at_the_rim_does_not_pull_the_base_down():
    shape = (400, 600)
    level = np.zeros(shape)
    level[:30, 200:232] = level[300:340, -20:] = -0.5
    base = measured_base(clear_film(shape, level))
    assert np.abs(level_of(base, shape)).max() < 0.01


@pytest.mark.parametrize(("contrast", "clean"), [(1.0, 0.0), (0.5, 0.1)], ids=["a light", "film between dust"])
def test_what_is_brighter_within_a_block_is_clean_film_unless_it_is_a_light_of_the_picture(contrast, clean):
    shape = (400, 600)
    row, col = np.mgrid[:400, :600] % 16
    part = (row < 8) & (col < 8) & (np.mgrid[:400, :600][1] > 400)
    base = measured_base(clear_film(shape, np.where(part, 0.1, 0.0)), red=np.where(part, contrast, 0.0))
    assert level_of(base, shape)[100:300, 450:550].mean() == pytest.approx(clean, abs=0.03)


def test_dust_on_a_fifth_of_the_film_does_not_pull_the_base_down():
    shape = (400, 600)
    rng = np.random.default_rng(2)
    dust = ndimage.gaussian_filter(rng.standard_normal(shape), 2)
    dust = dust > np.quantile(dust, 0.8)
    base = measured_base(clear_film(shape, np.where(dust, -0.4, 0.0)))
    assert np.abs(level_of(base, shape)).max() < 0.01


def test_a_wide_faint_smear_does_not_pull_the_base_all_the_way_down():
    shape = (400, 600)
    row, col = np.mgrid[:400, :600]
    ridges = (np.hypot(row - 200, col - 300) < 60) & (np.sin(0.7 * row + 0.2 * col) > 0)
    base = measured_base(clear_film(shape, np.where(ridges, -0.1, 0.0)))
    assert level_of(base, shape)[190:210, 290:310].mean() > -0.02


@pytest.mark.parametrize(("cols", "block_px"), [(3000, 16), (4800, 24), (6400, 32)])
def test_a_block_is_a_two_hundredth_of_the_frame(cols, block_px):
    assert measured_base(clear_film((32, cols))).block_px == block_px


def object_level(contrast, density):
    """Base under an object three blocks wide that is darker in red, and less so in the infrared."""
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
def test_what_the_leak_leaves_over_of_an_object_stays_with_the_object_and_dust_does_not(contrast, density, stays):
    assert object_level(contrast, density) == pytest.approx(-density if stays else 0, abs=0.15 * density)


@pytest.mark.parametrize(("grade", "level"), [(5, 0.0), (10, -0.05)], ids=["quiet", "busy"])
def test_the_base_closes_over_ridges_and_keeps_to_the_middle_of_a_busy_picture(grade, level):
    shape = (400, 640)
    col = np.mgrid[:400, :640][1]
    ridges = ((col // 16) % 5 < 3) & (col > 160) & (col < 400)
    residual = clear_film(shape, np.where(ridges, -0.05, 0.0))
    residual.grades[:] = grade
    assert level_of(measured_base(residual), shape)[100:300, 200:360].mean() == pytest.approx(level, abs=0.015)


def test_where_film_spreads_three_times_as_much_as_usual_the_clean_part_lies_above_its_middle():
    shape = (400, 600)
    rng = np.random.default_rng(6)
    noise = np.where(np.arange(600) < 450, 0.004, 0.012)
    residual = Residual(np.rint(4096 * noise * rng.standard_normal(shape)).astype(np.int16), np.zeros(shape, np.uint8))
    level = level_of(measured_base(residual), shape)
    assert level[100:300, 500:560].mean() - level[100:300, 50:400].mean() == pytest.approx(0.009, abs=0.002)


def bare_tiles(density, grade=None):
    """Tiles of clear film of some density above a base at 0, and their residual."""
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
def test_what_is_obviously_dust_is_no_noise_of_clean_film(density, offset):
    rng = np.random.default_rng(7)
    dark = np.zeros((8, 128, 128))
    dark[4:] = density
    grade = np.where(dark > 0, 5, 0).astype(np.uint8)
    found = noise_of(dark + 0.004 * rng.standard_normal(dark.shape), grade).offset[:, 5]
    assert found == pytest.approx([offset] * 2, rel=0.15, abs=1e-3)


def test_how_much_too_dark_a_grade_comes_out_is_believed_by_half_at_five_hundred_pixels():
    rng = np.random.default_rng(8)
    grade = np.zeros((4, 128, 128), np.uint8)
    grade[0, 10:60, 20:40] = 5  # of every second column
    density = np.where(ndimage.maximum_filter(grade, (1, 9, 9)) > 0, 0.03, 0) + 0.002 * rng.standard_normal(grade.shape)
    assert noise_of(density, grade).offset[:, 5] == pytest.approx([0.015] * 2, rel=0.12)


def test_what_few_pixels_of_a_grade_say_is_believed_by_half_at_fifty():
    rng = np.random.default_rng(11)
    grade = np.zeros((4, 128, 128), np.uint8)
    grade[0, 10:35, 20:24] = 9  # 50 of every second column
    wide = ndimage.maximum_filter(grade, (1, 9, 9)) > 0
    density = np.where(wide, 0.032, 0.002) * rng.standard_normal(grade.shape) - 0.2 * wide
    deviation = noise_of(density, grade).deviation[0]
    # Sixteen times as much as the grades below, half believed on a logarithmic scale.
    assert deviation[9] / deviation[0] == pytest.approx(4, rel=0.15)
    assert deviation[15] == deviation[9]


def test_tails_are_what_one_in_a_hundred_and_one_in_a_thousand_pass():
    rng = np.random.default_rng(9)
    tails = noise_of(0.02 * rng.standard_normal((4, 400, 400))).tails
    assert tails == pytest.approx(np.array([[2.58, 3.29]] * 2), abs=0.1)


@pytest.mark.parametrize(("size", "measured_ones"), [(40, False), (50, True)])
def test_a_tail_is_a_gaussians_where_the_sample_is_small(size, measured_ones):
    rng = np.random.default_rng(10)
    tails = noise_of(0.02 * rng.standard_normal((1, size, size))).tails
    assert (tails != np.float32([2.58, 3.29])).all() == measured_ones


def test_the_holder_is_no_part_of_the_base():
    shape = (400, 600)
    holder = no_holder(shape)
    holder[:, :10] = True
    level = np.zeros(shape)
    level[:, :80] = -3.0
    base = measured_base(clear_film(shape, level), holder)
    assert np.abs(level_of(base, shape)).max() < 0.01
    assert base.dark[:, :4].all()
    assert not base.dark[:, 8:].any()


def test_a_frame_that_is_all_holder_has_a_base_of_what_there_is():
    shape = (64, 96)
    base = measured_base(clear_film(shape, -2.0), ~no_holder(shape))
    assert np.isfinite(base.level).all()
    assert np.isfinite(base.spread).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (3, 9), (12, 7)]), st.sampled_from([1, 2]))
def test_blocks_are_compared_with_those_that_may_show_the_same(seed, shape, reach):
    rng = np.random.default_rng(seed)
    grid, density, red = (rng.normal(0, scale, shape).astype(np.float32) for scale in (1, 0.05, 1))
    limits = (np.float32(0.8), np.float32(12))
    for kind, combine in enumerate((np.max, np.min, np.mean, np.median)):
        found = np.empty_like(grid)
        kernels.combine_similar(grid, density, red, limits, reach, kind, found)
        np.testing.assert_allclose(found, twins.combine_similar(grid, density, red, limits, reach, combine), atol=1e-5)


def test_the_base_between_block_centres_is_interpolated():
    level = np.random.default_rng(3).normal(0, 0.1, (12, 15)).astype(np.float32)
    base = base_of(level, 16)
    whole = twins.laid_out(level, 16, (192, 240))
    assert np.abs(base_at(base, 30, 50, 64) - whole[30:94, 50:114]).max() < 1e-5


@cache
def measured(kind, picture):
    """Residual, base and noise of a frame of one pass, and the clean pixels by the truth."""
    frame = simulated(kind, picture)
    photometry, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    leakage = fit_leakage(leakage_samples(tiles, same_grid(400), 0.6), photometry.log_tables)
    fitted = Fitted(leakage, same_grid(400), 0.6)
    residual = residual_density(frame.rgb, frame.infrared, photometry, fitted)
    base = measure_base(residual, no_holder(frame.infrared.shape), BLOCK, picture_of(frame.rgb[..., 0], photometry))
    (together, margin), (apart, _) = (tile_residuals(tiles, photometry, fitted, mixing=m) for m in (False, True))
    noise = measure_noise(base, tiles, together, apart, margin)
    return residual, base, noise, ndimage.binary_erosion(~frame.any_mask, iterations=4)


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
def test_the_noise_of_clean_film_is_that_of_the_truth_for_every_grade_of_activity(kind, picture):
    residual, base, noise, clean = measured(kind, picture)
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
@pytest.mark.parametrize(("kind", "picture"), [("heavy_dirt", "landscape"), ("fingerprint", "smooth_sky")])
def test_neither_dirt_nor_a_fingerprint_moves_the_base_from_the_clean_film(kind, picture):
    residual, base, _, clean = measured(kind, picture)
    plain = twins.density(residual.values, residual.grades, base.level, base.block_px)[0]
    assert abs(np.median(plain[clean])) < 0.003
    smooth = ndimage.gaussian_filter(np.where(clean, plain, 0), 12) / np.maximum(
        ndimage.gaussian_filter(clean.astype(float), 12), 0.05
    )
    assert np.abs(smooth[clean]).max() < 0.03


@compiled
def test_ridges_of_a_fingerprint_are_no_noise():
    """A quarter of a frame lies under ridges ten pixels wide: the noise is there as it is beside them."""
    rng = np.random.default_rng(2)
    values = rng.normal(0, 20, (640, 960))
    values[:, :240] += 80 * np.sign(np.sin(2 * np.pi * np.arange(640) / 21))[:, None]
    residual = Residual(np.rint(values).astype(np.int16), np.zeros(values.shape, np.uint8))
    no_film = np.zeros((80, 120), np.bool_)
    spread = measure_base(residual, no_film, 8, picture_of(np.zeros(values.shape))).spread
    assert np.median(spread[:, 20:]) == pytest.approx(20 / 4096, rel=0.15)
    assert np.median(spread[:, :12]) == pytest.approx(20 / 4096, rel=0.3)


@compiled
def test_noise_that_is_softer_than_a_pixel_is_not_taken_for_less():
    rng = np.random.default_rng(3)
    values = ndimage.gaussian_filter(rng.standard_normal((640, 960)), 2)
    values *= 20 / values.std()
    residual = Residual(np.rint(values).astype(np.int16), np.zeros(values.shape, np.uint8))
    no_film = np.zeros((80, 120), np.bool_)
    spread = measure_base(residual, no_film, 8, picture_of(np.zeros(values.shape))).spread
    assert np.median(spread) == pytest.approx(20 / 4096, rel=0.15)


@compiled
def test_busier_film_is_never_taken_for_quieter():
    _, _, noise, _ = measured("leaky_slide", "lettering")
    assert (np.diff(noise.deviation, axis=1) >= 0).all()
    assert (noise.offset >= 0).all()
    assert (noise.tails[:, 1] > noise.tails[:, 0]).all()
