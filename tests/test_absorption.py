from __future__ import annotations

from dataclasses import replace

import ir_twins as twins
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ir import _defect_kernels as kernels
from ir.absorption import DEEPEST, fit_absorption
from ir.slopes import DefectSample

REGIONS, PIXELS = 40, 60
SURELY_DEFECTS = 8.0
NOISE = 0.004


def specks(rng, exponents, peak=0.6, error=0.02):
    """Regions whose density in the picture is the exponent times that in infrared; fills err together by region."""
    regions = len(exponents)
    depth = peak * np.sin(np.linspace(0.1, 3.0, PIXELS)) * rng.uniform(0.6, 1.4, (regions, 1))
    ratio = exponents[:, None] * depth[..., None] + error * rng.standard_normal((regions, 1, 3))
    ratio += 0.3 * error * rng.standard_normal(ratio.shape)
    planes = (np.repeat(depth[..., None], 3, -1), ratio, np.full(ratio.shape, error**2))
    return sample_of(regions, *planes)


def sample_of(regions, *planes):
    planes = [plane.reshape(-1, 3).astype(np.float32) for plane in planes]
    silent_edges = np.tile([0.0] * 7 + [1.0], (regions, 1))
    return DefectSample(np.arange(regions + 1) * (len(planes[0]) // regions), *planes, silent_edges)


def pixels_of(region):
    return slice(region * PIXELS, (region + 1) * PIXELS)


def fit(sample, evidence=SURELY_DEFECTS, gain=1.0):
    regions = len(sample.areas)
    return fit_absorption(sample, np.arange(regions), np.full(regions, evidence), gain, NOISE)


def neutral(factors):
    return np.repeat(np.asarray(factors)[:, None], 3, 1)


@pytest.mark.parametrize("exponent", [0.9, 1.2, 2.5])
def test_the_exponent_of_the_frames_dust_is_found_and_all_of_it_shows(exponent):
    sample = specks(np.random.default_rng(1), neutral(np.full(REGIONS, exponent)))
    found = fit(sample)
    # Stray light steepens what little light is left.
    assert np.median(found.exponents) == pytest.approx(exponent, rel=0.1)
    assert found.visible.all()
    assert np.median(found.misfit) < 0.25


def with_edges(sample, region, slope, error=0.02, count=400, depth=0.3):
    """The sample with edges of one region that change the picture by a multiple of the infrared's changes."""
    power, left = count * depth**2, count * error**2
    changes = sample.changes.copy()
    changes[region] = [power, *(slope * power,) * 3, *(slope**2 * power + left,) * 3, count]
    return replace(sample, changes=changes)


def test_where_the_frames_dust_is_mixed_each_region_keeps_its_exponent():
    exponents = np.tile([0.9, 1.2, 1.5, 1.9], REGIONS // 4)
    found = fit(specks(np.random.default_rng(2), neutral(exponents))).exponents.mean(axis=1)
    mixed = [found[exponents == each].mean() for each in (0.9, 1.2, 1.5, 1.9)]
    assert mixed == pytest.approx([0.9, 1.2, 1.5, 1.9], rel=0.15)


def test_a_region_that_differs_from_all_others_is_believed_by_half_and_more_where_its_edges_confirm_it():
    exponents = np.full(REGIONS, 1.2)
    exponents[7] = 2.1
    sample = specks(np.random.default_rng(2), neutral(exponents))
    denied, alone, confirmed = (
        fit(each).exponents[7].mean() for each in (with_edges(sample, 7, 1.2), sample, with_edges(sample, 7, 2.1))
    )
    assert 1.25 < denied < alone < confirmed < 2.1
    assert alone == pytest.approx(1.6, abs=0.15)
    assert confirmed - denied > 0.04


def test_a_region_that_says_little_is_drawn_to_the_frames_exponent():
    rng = np.random.default_rng(3)
    exponents = np.full(REGIONS, 1.2)
    exponents[7] = 1.9
    sample = specks(rng, neutral(exponents))
    sample.variance[pixels_of(7)] = 2.0
    found = fit(sample)
    assert found.exponents[7].mean() / np.median(found.exponents) < 1.2


def test_dust_that_takes_one_colour_more_keeps_its_tint():
    sample = specks(np.random.default_rng(4), np.tile([1.1, 1.2, 1.35], (REGIONS, 1)), error=0.01)
    found = fit(sample)
    red, green, blue = np.median(found.exponents, axis=0)
    assert blue / red == pytest.approx(1.35 / 1.1, rel=0.05)
    assert green / red == pytest.approx(1.2 / 1.1, rel=0.05)


def test_what_only_the_infrared_saw_does_not_show():
    exponents = np.full(REGIONS, 1.2)
    exponents[::4] = 0.0
    sample = specks(np.random.default_rng(5), neutral(exponents))
    found = fit(sample)
    assert not found.visible[::4].any()
    assert found.visible[1::4].all()


def test_a_scratch_that_took_dye_away_shows():
    exponents = np.full(REGIONS, 1.2)
    exponents[3] = -1.5
    sample = specks(np.random.default_rng(6), neutral(exponents))
    assert fit(sample).visible[3]


def test_what_takes_ten_times_the_light_of_its_density_is_the_pictures_own():
    exponents = np.full(REGIONS, 1.2)
    exponents[3] = 12.0
    sample = specks(np.random.default_rng(7), neutral(exponents), peak=0.08)
    assert not fit(sample).visible[3]


def test_where_hardly_a_region_is_known_the_usual_exponent_serves():
    sample = specks(np.random.default_rng(8), neutral([1.2, 1.2]), error=2.0)
    found = fit(sample)
    assert found.exponents == pytest.approx(np.full((2, 3), 1.2), abs=0.35)


def test_the_gain_of_the_leak_is_taken_up_by_the_exponent():
    sample = specks(np.random.default_rng(9), neutral(np.full(REGIONS, 2.0)))
    once, twice = fit(sample, gain=1.0), fit(sample, gain=2.0)
    assert np.median(once.exponents) / np.median(twice.exponents) == pytest.approx(2.0, rel=0.1)


def opaque(light_left, regions=30):
    """Dust of which the opaque middle leaves some stray light."""
    rng = np.random.default_rng(10)
    through = np.exp(-rng.uniform(0.05, 5.0, (regions * PIXELS, 1)))
    density = -np.log(through * (1 - light_left) + light_left)
    ratio = np.repeat(np.minimum(-np.log(through), 4.0), 3, 1)
    variance = np.full(ratio.shape, 1e-3)
    return sample_of(regions, np.repeat(density, 3, 1), ratio, variance)


@pytest.mark.parametrize("stray", [0.02, 0.05])
def test_light_that_strays_round_opaque_dust_is_read_off_the_darkest_pixels(stray):
    assert fit(opaque(stray)).stray == pytest.approx(stray, rel=0.2)


def test_where_no_dust_is_opaque_stray_light_is_supposed_small():
    sample = specks(np.random.default_rng(11), neutral(np.full(REGIONS, 1.2)))
    assert 0.02 < fit(sample).stray < 0.05


def test_detail_that_the_infrared_lost_is_put_back_where_many_pixels_say_how_much():
    rng = np.random.default_rng(12)
    sharp = 0.5 + 0.3 * np.sin(np.arange(REGIONS * 80) * 0.9)
    blurred, wider = 0.5 + 0.6 * (sharp - 0.5), 0.5 + 0.3 * (sharp - 0.5)
    density = np.stack([blurred, wider, np.full_like(wider, 0.5)], -1)
    ratio = np.repeat(sharp[:, None], 3, 1) + 0.01 * rng.standard_normal((len(sharp), 3))
    variance = np.full(ratio.shape, 1e-4)
    found = fit(sample_of(REGIONS, density, ratio, variance))
    assert np.corrcoef(found.shape, sharp)[0, 1] > 0.97
    assert np.std(found.shape) > 1.3 * np.std(blurred)
    assert found.lift > 1.3
    few = slice(0, 80 * 8)
    assert fit(sample_of(8, density[few], ratio[few], variance[few])).lift == 1


@st.composite
def regions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    areas = rng.integers(1, 12, draw(st.integers(1, 7)))
    starts = np.concatenate([[0], np.cumsum(areas)]).astype(np.int64)
    planes = [rng.uniform(low, high, (starts[-1], 3)) for low, high in ((-0.1, 5), (-1, 3), (1e-3, 0.5))]
    return rng, DefectSample(starts, *(plane.astype(np.float32) for plane in planes), np.zeros((len(areas), 8)))


@settings(max_examples=20, deadline=None)
@given(regions(), st.floats(0, 0.08), st.sampled_from([(0.0, 0.0), (0.4, 0.0), (0.3, 1.5)]), st.floats(1, 5))
def test_the_shape_of_a_defect_is_its_density_without_stray_light_and_with_its_detail(drawn, stray, sharpness, gain):
    _, sample = drawn
    shape = np.empty(len(sample.density), np.float32)
    constants = (np.float32(stray), np.array(sharpness, np.float32), np.float32(gain), np.float32(np.exp(-DEEPEST)))
    kernels.shape_pixels(sample.density, *constants, shape)
    expected = twins.shape(sample.density.astype(float), stray, sharpness, gain, DEEPEST)
    # Near the depth at which nothing comes through, single precision has few digits left.
    np.testing.assert_allclose(shape, expected, rtol=2e-3, atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(regions(), st.floats(0.05, 0.3))
def test_sums_over_regions_are_those_of_the_whole_planes_cut_by_region(drawn, usual_misfit):
    rng, sample = drawn
    count = len(sample.areas)
    shape = rng.uniform(0, 3, len(sample.density)).astype(np.float32)
    exponents, depths = rng.uniform(-1, 3, (count, 3)), rng.uniform(0.5, 4, count)
    parts = (sample.starts, shape, sample.ratio, sample.variance)
    left_out = rng.random(len(shape)) < 0.2
    slopes, checks = np.empty((count, 7)), np.empty((count, 6))
    kernels.sum_slopes(*parts, left_out, usual_misfit, slopes)
    kernels.sum_checks(*parts, left_out, exponents, depths, checks)
    exact = (sample.starts, *(plane.astype(float) for plane in parts[1:]), ~left_out)
    np.testing.assert_allclose(slopes, twins.slope_sums(*exact, usual_misfit), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(checks, twins.check_sums(*exact, (exponents, depths)), rtol=1e-4, atol=1e-4)


def test_on_a_frame_without_a_sure_defect_the_doubtful_ones_stay():
    sample = specks(np.random.default_rng(13), neutral(np.full(REGIONS, 1.2)))
    assert fit(sample, evidence=2.0).visible.sum() == 0
    assert fit(sample, evidence=6.0).visible.all()
    sure = np.full(REGIONS, 2.0)
    sure[:5] = 20.0
    assert fit_absorption(sample, np.arange(REGIONS), sure, 1.0, NOISE).visible.all()
