from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.decision.slopes import DefectSample
from filmscand.ir.healing.absorption import DEEPEST, InfraredResponse, fit_absorption
from support import ir_twins as twins
from support.ir_defects import regions_of, with_edges

REGIONS, PIXELS = 40, 60
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


def fit(sample, gain=1.0, blur_px=0.0, noise=NOISE, unknown=None):
    unknown = np.zeros(len(sample.density), np.bool_) if unknown is None else unknown
    return fit_absorption(sample, np.arange(len(sample.areas)), unknown, InfraredResponse(gain, noise, blur_px))


def neutral(factors):
    return np.repeat(np.asarray(factors)[:, None], 3, 1)


@pytest.mark.parametrize("exponent", [0.9, 1.2, 2.5])
def test_the_exponent_of_the_frames_dust_is_found(exponent):
    sample = specks(np.random.default_rng(1), neutral(np.full(REGIONS, exponent)))
    found = fit(sample)
    # Stray light steepens what little light is left.
    assert np.median(found.exponents) == pytest.approx(exponent, rel=0.1)
    assert np.median(found.misfit) < 0.25


def test_where_the_frames_dust_is_mixed_each_region_keeps_its_exponent():
    exponents = np.tile([0.9, 1.2, 1.5, 1.9], REGIONS // 4)
    found = fit(specks(np.random.default_rng(2), neutral(exponents))).exponents.mean(axis=1)
    mixed = [found[exponents == each].mean() for each in (0.9, 1.2, 1.5, 1.9)]
    assert mixed == pytest.approx([0.9, 1.2, 1.5, 1.9], rel=0.15)


def test_an_outlying_exponent_counts_by_half_and_more_where_edges_confirm_it():
    exponents = np.full(REGIONS, 1.2)
    exponents[7] = 2.1
    sample = specks(np.random.default_rng(2), neutral(exponents))
    samples = (with_edges(sample, np.where(exponents > 2, slope, np.nan)) for slope in (1.2, np.nan, 2.1))
    denied, alone, confirmed = (fit(each).exponents[7].mean() for each in samples)
    assert 1.25 < denied < alone < confirmed < 2.1
    assert alone == pytest.approx(1.6, abs=0.15)
    assert confirmed - denied > 0.04


@pytest.mark.parametrize(
    ("usual", "exponent", "edges", "believed"),
    [
        (2.4, 5.6, 5.6, True),
        (2.4, 3.3, 3.3, False),
        (2.4, 5.6, 2.4, False),
        (2.4, 5.6, np.nan, False),
        (1.2, 2.8, 2.8, False),
    ],
    ids=["far off", "within the usual", "edges deny it", "edges are silent", "strong infrared"],
)
def test_where_infrared_is_weak_an_exponent_is_believed_if_unsure_fill_and_edges_agree(
    usual, exponent, edges, believed
):
    exponents = np.full(REGIONS, usual)
    exponents[7] = exponent
    sample = specks(np.random.default_rng(2), neutral(exponents), error=0.2)
    told = with_edges(sample, np.where(np.arange(REGIONS) == 7, edges, np.nan))
    found = fit(told).exponents
    assert (found[7].mean() - np.median(found) > 0.9 * (exponent - usual)) == believed


def test_an_uncertain_region_is_shrunk_to_the_frames_exponent():
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


def test_where_hardly_a_region_is_known_the_usual_exponent_counts():
    sample = specks(np.random.default_rng(8), neutral([1.2, 1.2]), error=2.0)
    found = fit(sample)
    assert found.exponents == pytest.approx(np.full((2, 3), 1.2), abs=0.35)


def test_the_exponent_absorbs_the_gain_of_the_leakage():
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
def test_stray_light_around_opaque_dust_is_measured_on_the_darkest_pixels(stray):
    assert fit(opaque(stray)).stray == pytest.approx(stray, rel=0.2)


def test_where_no_dust_is_opaque_stray_light_is_assumed_small():
    sample = specks(np.random.default_rng(11), neutral(np.full(REGIONS, 1.2)))
    assert 0.02 < fit(sample).stray < 0.05


def test_lost_detail_is_restored_where_enough_pixels_tell_how_much():
    rng = np.random.default_rng(12)
    sharp = 0.5 + 0.3 * np.sin(np.arange(REGIONS * 80) * 0.9)
    blurred, wider = 0.5 + 0.6 * (sharp - 0.5), 0.5 + 0.3 * (sharp - 0.5)
    density = np.stack([blurred, wider, np.full_like(wider, 0.5)], -1)
    ratio = np.repeat(sharp[:, None], 3, 1) + 0.01 * rng.standard_normal((len(sharp), 3))
    variance = np.full(ratio.shape, 1e-4)
    found = fit(sample_of(REGIONS, density, ratio, variance))
    assert np.corrcoef(found.shape, sharp)[0, 1] > 0.97
    assert np.std(found.shape) > 1.3 * np.std(blurred)
    assert found.lift.min() > 1.3
    for regions, told in ((12, False), (25, True)):
        few = slice(0, 80 * regions)
        lift = fit(sample_of(regions, density[few], ratio[few], variance[few]), noise=0.0).lift
        assert (lift.min() > 1.01, lift.max() > 1.01) == (told, told)


def patches(detail, noise, count=12, side=10):
    """Regions cut out of a plane with real detail, and noise; and the density that they have without the noise.

    So few pixels tell of no detail that the infrared lost.
    """
    rows, cols = side * np.array([1, count]) + 8
    wave = np.sin(2.2 * np.arange(rows))[:, None] * np.sin(2.2 * np.arange(cols))
    truth = 0.3 + detail * wave
    seen = truth + noise * np.random.default_rng(14).standard_normal(truth.shape)
    inside = np.s_[4:-4, 4:-4]

    def placed(plane):
        return plane[inside].reshape(side, count, side).swapaxes(0, 1).ravel()

    taps = (twins.BINOMIALS[5], twins.SPREAD_BINOMIAL)
    smoothed = [ndimage.correlate1d(ndimage.correlate1d(seen, each, 0), each, 1) for each in taps]
    density = np.stack([placed(plane) for plane in (seen, *smoothed)], -1)
    ratio = np.repeat(1.2 * placed(truth)[:, None], 3, 1)
    return sample_of(count, density, ratio, np.full(ratio.shape, 1e-4)), placed(truth)


def left_over(detail, noise):
    """Error of the shape, and mean of the expected one, as parts of the infrared's noise."""
    sample, truth = patches(detail, noise)
    found = fit(sample, noise=noise)
    error = found.shape - twins.without_stray(truth, found.stray, DEEPEST)
    return np.sqrt(np.square(error).mean()) / noise, found.lift.mean()


def test_detail_that_is_only_noise_is_smoothed_away_and_its_error_is_known():
    error, told = left_over(detail=0.0, noise=0.02)
    assert error == pytest.approx(0.28, abs=0.05)
    assert told == pytest.approx(0.28, abs=0.03)


def test_detail_that_stands_above_the_noise_stays_with_the_noise():
    error, told = left_over(detail=0.2, noise=0.004)
    assert error == pytest.approx(1.0, abs=0.1)
    assert told == pytest.approx(1.0, abs=0.01)


def test_detail_as_strong_as_the_noise_stays_by_half():
    _, told = left_over(detail=1.78 * 0.02, noise=0.02)
    assert told == pytest.approx(0.553, abs=0.08)


def detailed(mean, detail, sharpness, pixels=4000):
    """Regions whose density has detail about its mean, which is stronger in the picture by a factor more."""
    wave = detail * np.sin(np.arange(pixels) * 0.9)
    plain = mean + wave
    density = np.stack([plain, np.full(pixels, mean), plain], -1)
    ratio = np.repeat((plain + sharpness * wave)[:, None], 3, 1)
    return sample_of(40, density, ratio, np.full(ratio.shape, 1e-6))


@pytest.mark.parametrize(("density", "told"), [(0.021, False), (0.045, True)])
def test_lost_detail_is_measured_on_pixels_that_are_dense_enough(density, told):
    assert (fit(detailed(density, 0.2 * density, 1.0), noise=0.0).lift > 1.01).all() == told


def test_detail_that_hardly_shows_is_restored_by_half():
    faint, strong = (fit(detailed(0.5, detail, 0.8), noise=0.0).lift for detail in (0.0316, 0.3))
    assert strong == pytest.approx(np.full(REGIONS, 1.8), abs=0.1)
    assert faint == pytest.approx(np.full(REGIONS, 1.4), abs=0.06)


@pytest.mark.parametrize(("blur_px", "most"), [(0.3, 0.19), (1.0, 1.1), (2.5, 4.0), (0.0, 4.0)], ids=str)
def test_no_more_detail_is_restored_than_a_wider_focus_loses(blur_px, most):
    lift = fit(detailed(0.5, 0.05, 6.0), blur_px=blur_px, noise=0.0).lift
    assert lift == pytest.approx(np.full(REGIONS, 1 + most), abs=0.03)


def test_dust_that_leaves_an_eighth_of_the_light_is_not_opaque_but_translucent():
    assert fit(opaque(0.12)).stray == pytest.approx(0.03, abs=0.005)


def test_a_thirtieth_of_the_light_is_the_largest_density_that_is_told_apart():
    assert fit(opaque(0.05)).shape.max() == pytest.approx(3.5, abs=0.1)


def beside_dust(slope, edge_slope):
    """A frame of dust that its edges confirm, and one more region with these slopes of fill and edges."""
    exponents = np.append(np.full(REGIONS, 1.2), slope)
    sample = regions_of(np.full(REGIONS + 1, PIXELS), depth=0.5, ratio=0.5 * exponents)
    return fit(with_edges(sample, np.append(np.full(REGIONS, 1.2), edge_slope)))


@pytest.mark.parametrize("fill_slope", [0.0, 0.5, 2.5, 3.0])
def test_dust_on_rough_texture_is_divided_by_its_edges_though_its_fill_is_wrong(fill_slope):
    found = beside_dust(fill_slope, 1.2)
    assert found.exponents[-1] == pytest.approx([1.2] * 3, abs=0.4)
    assert found.roughness[-1] > 20 * found.roughness[0] >= 20
    assert found.misfit[-1] < 0.25


def test_the_misfit_lies_between_six_hundredths_and_a_half():
    large = np.array([20_000, 20_000])
    told = np.concatenate([np.full(20_000, 0.6), np.tile([3.0, -1.8], 10_000)])
    found = fit(regions_of(large, depth=0.5, ratio=told, deviation=0.005))
    assert found.misfit == pytest.approx([0.06, 0.5], rel=0.02)


def test_an_uncertain_tint_is_shrunk_to_grey():
    sample = specks(np.random.default_rng(4), neutral(np.full(REGIONS, 1.2)))
    own = sample.ratio[pixels_of(7)]
    own *= np.array([0.8, 1.0, 1.2], np.float32)
    tints = []
    for deviation in (0.02, 0.24, 2.0):
        sample.variance[pixels_of(7)] = deviation**2
        red, green, blue = fit(sample).exponents[7]
        tints.append((blue - red) / green)
    assert tints == pytest.approx([0.34, 0.1, 0.0], abs=0.03)


@pytest.mark.parametrize("exponent", [5.0, 7.0])
def test_the_exponent_of_weak_infrared_is_measured_on_the_frame(exponent):
    found = fit(specks(np.random.default_rng(1), neutral(np.full(REGIONS, exponent)), peak=0.1))
    assert found.usual == pytest.approx(exponent, rel=0.25)


def test_an_exponent_above_eight_is_noise():
    assert fit(specks(np.random.default_rng(1), neutral(np.full(REGIONS, 30.0)), peak=0.05)).usual < 8


@pytest.mark.parametrize(
    ("fill_slope", "edge_slope", "bright"),
    [(-1.5, -1.5, True), (-1.5, 1.2, False), (-1.5, np.nan, False), (1.2, -1.5, False)],
    ids=["both", "edges deny it", "edges are silent", "the fill denies it"],
)
def test_a_scratch_without_dye_is_bright_by_fill_and_edges_and_anything_else_darkens(fill_slope, edge_slope, bright):
    found = beside_dust(fill_slope, edge_slope)
    assert found.bright.tolist() == [False] * REGIONS + [bright]
    assert (found.exponents[-1] < 0).all() == bright
    assert (found.exponents[-1] >= 0).all() != bright


def test_a_fill_darker_than_the_dust_says_nothing_against_the_infrared():
    right, wrong = beside_dust(1.2, 1.2), beside_dust(-3.0, 1.2)
    assert wrong.misfit[-1] < 1.5 * right.misfit[-1]


def test_pixels_without_infrared_tell_nothing():
    sample = specks(np.random.default_rng(4), neutral(np.full(REGIONS, 1.2)))
    unknown = np.arange(len(sample.density)) % 3 == 0
    sample.ratio[unknown] = 9.0
    assert np.median(fit(sample, unknown=unknown).exponents) == pytest.approx(1.2, rel=0.1)


def test_the_cells_of_one_defect_have_one_vote_on_the_frames_exponent():
    exponents = np.append(np.full(REGIONS, 1.2), np.full(3 * REGIONS, 3.0))
    sample = specks(np.random.default_rng(2), neutral(exponents))
    parents = np.append(np.arange(REGIONS), np.full(3 * REGIONS, REGIONS))
    found = fit_absorption(sample, parents, np.zeros(len(sample.density), np.bool_), InfraredResponse(1.0, NOISE))
    assert found.usual == pytest.approx(1.2, rel=0.1)
