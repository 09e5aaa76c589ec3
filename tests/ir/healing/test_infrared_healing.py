from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision import _defect_kernels as defect_kernels
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import _healing_kernels as kernels
from filmscand.ir.healing.absorption import InfraredResponse
from filmscand.ir.healing.infrared_healing import Measured, heal
from filmscand.ir.leakage.residual import Residual
from support import ir_twins as twins
from support.ir_frames import base_of, plain_photometry

COUNTS = 65536
LATTICE_PX = 40
DISPLAY = np.repeat(((np.arange(COUNTS) + 1) / COUNTS)[None], 3, 0).astype(np.float32)


def healed_film(picture, density, noise=0.004, least=0.001, exponent=1.2, dark_noise=0.0, clipped=False):
    """Heal a picture of display values under a density that takes 1.2 times as much from it as from the infrared.

    The infrared's noise is the same around each speck of a lattice.
    """
    rows, cols = density.shape
    light = (picture**2.2 * np.exp(-exponent * density))[..., None] * np.ones(3)
    light += dark_noise * np.random.default_rng(1).standard_normal(light.shape)
    rgb = np.clip(np.rint(60000 * light), 1, COUNTS - 1).astype(np.uint16)
    tile = np.random.default_rng(2).standard_normal((LATTICE_PX, LATTICE_PX))
    seen = density + noise * np.tile(tile, (-(-rows // LATTICE_PX), -(-cols // LATTICE_PX)))[:rows, :cols]
    residual = Residual(np.rint(-4096 * seen).astype(np.int16), np.full(density.shape, 128 * clipped, np.uint8))
    base = base_of(np.zeros((-(-rows // 16), -(-cols // 16))), 16)
    regions = connected_regions((2 * (density > least)).astype(np.uint8))
    photometry = plain_photometry(dark_noise or 1e-4)
    return rgb, heal(rgb, regions, Measured(photometry, residual, base, InfraredResponse(1.0, noise)))


def specks_of(depth, ring=0.0, shape=(160, 200)):
    """A lattice of specks of a density, with a fainter ring around each."""
    row, col = (axis % LATTICE_PX - LATTICE_PX // 2 for axis in np.mgrid[: shape[0], : shape[1]])
    away = np.hypot(row, col)
    return np.where(away < 3.5, depth, np.where(away < 6.5, ring, 0.0))


@pytest.mark.parametrize(("ring", "changed"), [(0.0035, False), (0.0075, True)])
def test_an_invisible_change_is_not_made(ring, changed):
    density = specks_of(0.6, ring)
    _, found = healed_film(np.full(density.shape, 0.6), density, noise=1e-4)
    assert found.mask[density == 0.6].all()
    assert found.mask[density == ring].mean() == float(changed)


def outcome(picture, density, noise=0.004, **film):
    """Regions divided, filled and left."""
    _, found = healed_film(picture, density, noise, **film)
    return found.divided, found.filled, found.left


@pytest.mark.parametrize(("noise", "expected"), [(0.023, (20, 0, 0)), (0.036, (0, 20, 0))])
def test_on_even_film_dust_is_divided_while_infrared_is_surer_than_a_fill_in_grain(noise, expected):
    assert outcome(np.full((160, 200), 0.7), specks_of(0.1), noise) == expected


@pytest.mark.parametrize(("noise", "way"), [(0.28, 0), (0.48, 1)], ids=["divided", "filled"])
def test_in_texture_dust_is_divided_up_to_more_noise_of_the_infrared(noise, way):
    texture = 0.6 + 0.048 * np.random.default_rng(3).standard_normal((160, 200))
    assert outcome(texture, specks_of(0.3), noise)[way] >= 16


@pytest.mark.parametrize("noise", [0.6, 3.0])
def test_a_defect_is_healed_whole_however_little_the_infrared_and_the_texture_promise(noise):
    rough = np.clip(0.6 + 0.2 * np.random.default_rng(3).standard_normal((160, 200)), 0.1, 1.2)
    density = specks_of(0.5)
    rgb, found = healed_film(rough, density, noise)
    assert found.left == 0
    moved = (found.rgb != rgb).any(-1)
    assert np.array_equal(moved & (density > 0), moved)
    assert moved[density > 0].mean() > 0.8


def test_a_defect_without_infrared_is_filled():
    density = specks_of(0.6)
    _, found = healed_film(np.full(density.shape, 0.6), density, clipped=True)
    assert (found.divided, found.filled, found.left) == (0, 20, 0)
    assert np.abs(found.rgb / (60000 * 0.6**2.2) - 1).max() < 0.02


def test_dust_is_never_darkened_by_a_dark_line_across_which_it_is_filled():
    row = np.mgrid[:160, :200][0]
    density = specks_of(0.4)
    picture = np.where(np.abs(row % LATTICE_PX - LATTICE_PX // 2) < 6, 0.6, 0.2) * np.ones_like(density)
    rgb, found = healed_film(picture, density)
    assert (found.rgb >= rgb).all()
    assert np.abs(np.log(found.rgb[density > 0] / (60000 * 0.6**2.2))).max() < 0.15


@pytest.mark.parametrize(("density", "expected"), [(1.1, (20, 0, 0)), (1.27, (0, 20, 0))], ids=["divided", "filled"])
def test_under_opaque_dust_the_noise_of_full_light_makes_dividing_worse_than_filling_in_the_dark(density, expected):
    dark = np.full((160, 200), 0.002 ** (1 / 2.2))
    assert outcome(dark, specks_of(density), 0.001, dark_noise=1e-6) == expected


@pytest.mark.parametrize(("density", "expected"), [(0.135, (20, 0, 0)), (0.16, (0, 20, 0))])
def test_the_sharper_a_speck_the_less_the_infrareds_detail_counts(density, expected):
    row, col = (axis % 40 - 20 for axis in np.mgrid[:160, :200])
    tiny = np.hypot(row, col) < 1.5
    assert outcome(np.full((160, 200), 0.7), density * tiny, 0.001) == expected


def test_a_healed_speck_shows_the_picture_that_it_hid():
    col = np.mgrid[:160, :200][1]
    picture, density = 0.5 + 0.1 * np.sin(col / 9), specks_of(0.6)
    rgb, found = healed_film(picture, density)
    error = found.rgb / (60000 * picture[..., None] ** 2.2) - 1
    assert np.abs(error[density > 0]).max() < 0.07
    assert np.array_equal(found.rgb[~found.mask], rgb[~found.mask])


def scratched_film(shape=(200, 400)):
    """Density and exponents of scratches that took dye away, with specks on and off them; the scratches."""
    row, col = np.mgrid[: shape[0], : shape[1]] % np.array([LATTICE_PX, 2 * LATTICE_PX])[:, None, None]
    beside, lone = np.hypot(row - 24, col - 20) < 3.5, np.hypot(row, col - 60) < 3.5
    scratch = (np.abs(row - 19.5) < 2) & ~beside
    density = np.where(beside | lone, 0.6, np.where(scratch, 0.3, 0))
    return density, np.where(scratch, -1.0, 1.2), beside


def test_dust_beside_a_scratch_that_took_dye_away_is_healed_and_not_darkened_with_it():
    density, exponent, beside = scratched_film()
    _, found = healed_film(np.full(density.shape, 0.5), density, exponent=exponent)
    left = np.log(found.rgb / (60000 * 0.5**2.2))
    assert np.abs(left[density > 0]).max() < 0.02
    assert found.mask[beside].all()
    assert found.left == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (5, 40), (34, 23)]), st.sampled_from([16, 24]))
def test_densities_at_pixels_are_those_of_the_smoothed_planes(seed, shape, block):
    rng = np.random.default_rng(seed)
    values = rng.integers(-8000, 8000, shape).astype(np.int16)
    grades = rng.choice([3, 131], shape, p=[0.8, 0.2]).astype(np.uint8)
    base = rng.normal(0, 0.3, (-(-shape[0] // block), -(-shape[1] // block))).astype(np.float32)
    rows, cols = (rng.integers(0, size, 12).astype(np.int32) for size in shape)
    found = np.empty((12, 3), np.float32)
    one_grid = np.zeros((0, 0, 2), np.float32)
    kernels.densities_at(values, grades, one_grid, block, base, rows, cols, found)
    assert found == pytest.approx(twins.densities_at(values, grades, base, block, rows, cols), abs=2e-5)


@st.composite
def defects(draw):
    """Regions of a few pixels, and what is known of each pixel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    areas = rng.integers(1, 9, draw(st.integers(1, 6)))
    starts = np.concatenate([[0], np.cumsum(areas)]).astype(np.int64)
    planes = {
        "raw": rng.uniform(0.1, 0.9, (starts[-1], 3)),
        "fill": rng.uniform(0.1, 0.9, (starts[-1], 3)),
        "variance": rng.uniform(1e-4, 1e-2, (starts[-1], 3)),
        "noise": rng.uniform(1e-4, 1e-1, (starts[-1], 3)),
        "density": rng.uniform(-0.1, 3.5, (starts[-1], 3)),
        "shape": rng.uniform(0, 3, starts[-1]),
    }
    return rng, starts, {name: plane.astype(np.float32) for name, plane in planes.items()}


@settings(max_examples=15, deadline=None)
@given(defects(), st.booleans())
def test_samples_of_defect_pixels_are_as_defined(drawn, filled):
    rng, _, planes = drawn
    count = len(planes["raw"])
    rgb = rng.integers(0, COUNTS, (5, 7, 3)).astype(np.uint16)
    rows, cols = (rng.integers(0, size, count).astype(np.int32) for size in (5, 7))
    relative_noise = rng.uniform(0.01, 0.5, (3, COUNTS)).astype(np.float32)
    fill = planes["fill"].copy() if filled else np.full((count, 3), -1, np.float32)
    error = rng.uniform(1e-4, 1e-2, (count, 4)).astype(np.float32)
    spread, doubt = error[:, :3].astype(float) * filled, error[:, 3:].astype(float)
    weights = np.array([2.0, 0.3, 1e-4, 1.5], np.float32)
    found = [np.empty((count, 3), np.float32) for _ in range(4)]
    defect_kernels.sample_pixels(rgb, rows, cols, DISPLAY, relative_noise, weights, fill, error, *found)
    raw = DISPLAY[0][rgb[rows, cols]].astype(float)
    noise = np.stack([relative_noise[c][rgb[rows, cols, c]] for c in range(3)], -1)
    expected_fill = planes["fill"] if filled else raw
    variance = 2.0 * spread + 0.3 * doubt + 1e-4
    ratio_variance = 2.2**2 * variance / (raw * np.maximum(raw, expected_fill)) + (1.5 * noise) ** 2
    expected = (raw, noise, 2.2 * np.log(expected_fill / raw), ratio_variance)
    for plane, truth in zip((*found, fill, error[:, :3]), (*expected, expected_fill, variance), strict=True):
        np.testing.assert_allclose(plane, truth, rtol=2e-4, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(defects(), st.floats(0, 0.08), st.floats(1, 5), st.floats(1, 5))
def test_dividing_and_filling_are_weighted_by_their_errors(drawn, stray, gain, most):
    rng, starts, planes = drawn
    regions, owners = len(starts) - 1, np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    samples = tuple(planes[name] for name in ("raw", "fill", "variance", "noise"))
    bounds = ((0.06, 0.5), (1, 9), (0.001, 0.02))
    fitted = (rng.uniform(-0.5, 2, (regions, 3)), *(rng.uniform(*each, regions) for each in bounds))
    fitted = (*fitted, rng.random(regions) < 0.3)
    told = rng.choice([0, 1, 2], len(owners), p=[0.6, 0.2, 0.2]).astype(np.uint8)
    constants = (stray, 0.004 * gain, most, 0.3, 1e-3)
    value, shares = np.empty_like(planes["raw"]), np.empty(regions)
    filled = np.empty(len(owners), np.float32)
    parts = (planes["shape"], planes["density"])
    defect_kernels.blend_regions(starts, *parts, samples, fitted, constants, told, value, filled, shares)
    expected, weight = twins.blend(owners, *parts, (*samples, told), fitted, constants)
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(filled, 1 - weight.mean(1), atol=1e-4)
    np.testing.assert_allclose(shares, np.bincount(owners, weight.mean(1)) / np.diff(starts), atol=1e-4)


def written(value, raw, chosen=True):
    """Counts written for one pixel of 20000 counts, with black 1000, span 50000 and hardly a bend."""
    rgb, mask = np.full((1, 1, 3), 20000, np.uint16), np.zeros((1, 1), np.bool_)
    at, raw_value = np.zeros(1, np.int32), np.full((1, 3), raw, np.float32)
    levels = np.array([[1000.0] * 3, [50000.0] * 3, [1e-4] * 3])
    starts, values = np.array([0, 1]), np.full((1, 3), value, np.float32)
    defect_kernels.write_regions(starts, at, at, np.array([chosen]), raw_value, values, levels, 0.006, rgb, mask)
    return int(rgb[0, 0, 0]), bool(mask[0, 0])


def test_a_healed_value_becomes_the_counts_of_its_light():
    light = 0.6
    assert written(light ** (1 / 2.2), 0.7) == (31000, True)
    assert written(2.0, 0.7) == (65535, True)
    assert written(0.01, 0.7)[0] == pytest.approx(1000, abs=20)


def test_a_pixel_of_a_region_that_is_left_or_that_changes_invisibly_stays():
    assert written(0.8, 0.7, chosen=False) == (20000, False)
    assert written(0.7 * (1 + 0.004 / 2.2), 0.7) == (20000, False)
    assert written(0.7 * (1 + 0.01 / 2.2), 0.7)[1]


def test_a_density_between_pixels_is_read_where_the_film_lies():
    rows, cols = np.mgrid[0:40, 0:70].astype(float)
    plane = np.sin(rows / 5) + np.cos(cols / 6)
    values = np.round(plane * 2000).astype(np.int16)
    fractions = np.tile(np.array([0.4, -0.3], np.float32), (40, 2, 1))
    at_rows, at_cols = np.array([10, 20, 30], np.int32), np.array([12, 35, 66], np.int32)
    found = np.empty((3, 3), np.float32)
    base = np.zeros((2, 3), np.float32)
    kernels.densities_at(values, np.zeros((40, 70), np.uint8), fractions, 32, base, at_rows, at_cols, found)
    there = np.sin((at_rows + 0.4) / 5) + np.cos((at_cols - 0.3) / 6)
    assert found[:, 0] == pytest.approx(-there * 2000 / 4096, abs=1e-3)
