from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.film.frame import Damage
from filmscand.ir.leakage import _model_kernels as kernels
from filmscand.ir.leakage.focus import leakage_samples
from filmscand.ir.leakage.model import LeakageSamples, fit_leakage, no_leakage
from filmscand.ir.planes.photometry import log_table
from filmscand.ir.registration.registration import same_grid
from filmscand.ir.statistics import BRIGHT_LIMIT, DARK_LIMIT, one_sided_biweight
from support import ir_twins as twins
from support.ir_frames import compiled, photometry_and_tiles, simulated

TILES, PIXELS = 12, 700
TABLES = np.repeat(log_table(100, 50000, 1e-3)[None], 4, 0)
HEAVY_DUST = Damage(dust=8, dirt=8, median_density=0.5)


def film(seed=1, contrast=1.0, tiles=TILES):
    """Logs of pictures with correlated channels, as of photographs, the centres of the tiles, and a generator."""
    rng = np.random.default_rng(seed)
    grey = rng.normal(-1.5, 0.6, (tiles, PIXELS, 1)) + rng.normal(0, 0.3, (tiles, 1, 1))
    logs = contrast * (grey + rng.normal(0, 0.25, (tiles, PIXELS, 3)))
    centres = np.stack(np.meshgrid(np.linspace(-0.8, 0.8, 3), np.linspace(-0.8, 0.8, tiles // 3)), -1).reshape(-1, 2)
    return np.minimum(logs, 0), centres, rng


def samples_of(logs, leaked, centres, rng, dust=0.0, noise=0.004):
    """Samples of the film with dust on a part of the pixels, under a lamp that differs from tile to tile."""
    base = rng.normal(0, 0.1, (len(logs), 1))
    density = rng.lognormal(-0.7, 0.8, leaked.shape) * (rng.random(leaked.shape) < dust)
    infrared = base + leaked - density + noise * rng.standard_normal(leaked.shape)
    seen = logs - 1.2 * density[..., None]
    valid = np.ones(leaked.shape, np.bool_)
    return LeakageSamples(seen.astype(np.float32), infrared.astype(np.float32), valid, valid, centres)


def ordinary_slope(samples):
    """Slope of least squares of infrared on red, each tile about its own mean."""
    red, infrared = (
        plane - plane.mean(axis=1, keepdims=True) for plane in (samples.log_rgb[..., 0], samples.log_infrared)
    )
    return float((red * infrared).sum() / (red * red).sum())


@compiled
@pytest.mark.parametrize("dust", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("slope", [0.03, 0.12, 0.4])
def test_the_slope_of_red_is_found_through_heavy_dust_that_misleads_least_squares(slope, dust):
    logs, centres, rng = film()
    samples = samples_of(logs, slope * logs[..., 0], centres, rng, dust)
    found = fit_leakage(samples, TABLES)
    assert sum(found.slopes) == pytest.approx(slope, rel=0.05, abs=0.004)
    assert found.noise == pytest.approx(0.004, rel=0.45)
    if dust:
        assert abs(ordinary_slope(samples) - slope) > 8 * abs(sum(found.slopes) - slope)


@compiled
def test_other_channels_are_added_only_where_they_leak():
    logs, centres, rng = film()
    red_alone = fit_leakage(samples_of(logs, 0.2 * logs[..., 0], centres, rng), TABLES)
    three = fit_leakage(samples_of(logs, logs @ [0.2, 0.06, 0.02], centres, rng), TABLES)
    assert red_alone.channels == 1
    assert not red_alone.tables[1:].any()
    assert three.channels == 3
    assert three.slopes == pytest.approx((0.2, 0.06, 0.02), abs=0.01)


@compiled
@pytest.mark.parametrize(("green", "tiles", "channels"), [(0.001, 12, 1), (0.0015, 60, 3), (0.0027, 12, 3)])
def test_a_channel_is_added_when_it_explains_a_hundredth_of_the_variance(green, tiles, channels):
    logs, centres, rng = film(tiles=tiles)
    samples = samples_of(logs, logs @ [0.2, green, 0.0], centres, rng)
    assert fit_leakage(samples, TABLES).channels == channels


@compiled
@pytest.mark.parametrize("curvature", [-0.02, 0.03])
def test_a_curved_leak_is_fitted(curvature):
    logs, centres, rng = film()
    red = logs[..., 0]
    found = fit_leakage(samples_of(logs, 0.2 * red + curvature * red**2, centres, rng, 0.1), TABLES)
    assert found.curvature == pytest.approx(curvature, rel=0.2)
    counts = np.searchsorted(TABLES[0], np.array([-2.5, -1.5, -0.7]))
    at = TABLES[0][counts]
    truth = 0.2 * at + curvature * at**2
    assert np.diff(found.tables[0][counts]) == pytest.approx(np.diff(truth), rel=0.1)


@compiled
def test_more_red_never_leaks_less():
    logs, centres, rng = film()
    red = logs[..., 0]
    found = fit_leakage(samples_of(logs, 0.1 * red + 0.05 * red**2, centres, rng), TABLES)
    assert (np.diff(found.tables[0]) >= -1e-6).all()


@compiled
def test_the_field_follows_a_leak_that_grows_over_the_frame_and_is_flat_otherwise():
    logs, centres, rng = film(tiles=30)
    growing = (1 + 0.4 * centres[:, 1])[:, None]
    place = (np.array([100, 100]), np.array([50, 350]))
    even, uneven = (
        fit_leakage(samples_of(logs, factor * 0.2 * logs[..., 0], centres, rng), TABLES) for factor in (1.0, growing)
    )
    assert even.field_at(*place, (200, 400)) == pytest.approx([1, 1])
    left, right = uneven.field_at(*place, (200, 400))
    assert right / left == pytest.approx(1.3 / 0.7, rel=0.15)


@compiled
@pytest.mark.parametrize(("growth", "flat"), [(0.01, True), (0.016, False), (0.15, False)])
def test_the_field_varies_only_where_held_out_tiles_fit_better(growth, flat):
    logs, centres, rng = film(tiles=30)
    factor = (1 + growth * centres[:, 1])[:, None]
    found = fit_leakage(samples_of(logs, factor * 0.2 * logs[..., 0], centres, rng), TABLES)
    assert (found.field[1:] == (0.0,) * 15) == flat


@compiled
def test_under_much_noise_the_field_has_slow_waves_and_no_fast_ones():
    fields = []
    for waves in (1, 3):
        logs, centres, rng = film(tiles=30)
        factor = 1 + 0.8 * np.cos(np.pi / 2 * waves * (centres[:, 1] + 1))
        samples = samples_of(logs, 0.2 * factor[:, None] * logs[..., 0], centres, rng, noise=0.2)
        fields.append(fit_leakage(samples, TABLES).field)
    slow, quick = fields
    assert slow[1] == pytest.approx(0.77, abs=0.04)
    assert quick[1:] == (0.0,) * 15


@compiled
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1e-5))
def test_a_flat_frame_has_no_leak(seed, contrast):
    logs, centres, rng = film(seed, contrast)
    found = fit_leakage(samples_of(logs, np.zeros(logs.shape[:2]), centres, rng), TABLES)
    assert sum(found.slopes) < 0.2
    assert found.explained < 0.2


@compiled
def test_the_slope_of_a_nearly_flat_picture_is_drawn_to_0():
    found = []
    for seed in range(15):
        logs, centres, rng = film(seed, contrast=1e-4)
        found.append(sum(fit_leakage(samples_of(logs, 0.5 * logs[..., 0], centres, rng), TABLES).slopes))
    assert 0.06 < np.mean(found) < 0.2


@compiled
def test_heavy_dust_on_film_without_leakage_gives_none():
    logs, centres, rng = film()
    samples = samples_of(logs, np.zeros(logs.shape[:2]), centres, rng, 0.3)
    assert ordinary_slope(samples) > 0.1
    assert sum(fit_leakage(samples, TABLES).slopes) == pytest.approx(0, abs=0.004)


@compiled
def test_dye_does_not_brighten_infrared():
    logs, centres, rng = film()
    found = fit_leakage(samples_of(logs, -0.2 * logs[..., 0], centres, rng), TABLES)
    assert found.slopes == (0.0, 0.0, 0.0)
    assert not found.tables.any()


@compiled
def test_with_few_valid_pixels_there_is_no_leakage():
    logs, centres, rng = film()
    samples = samples_of(logs, 0.2 * logs[..., 0], centres, rng)
    samples.valid[:] = False
    samples.valid[0, :400] = True
    assert fit_leakage(samples, TABLES).slopes == (0.0, 0.0, 0.0)


@compiled
def test_pixels_that_are_not_valid_do_not_count():
    logs, centres, rng = film()
    samples = samples_of(logs, 0.2 * logs[..., 0], centres, rng)
    samples.valid[:, ::3] = False
    samples.log_infrared[:, ::3] = 5.0
    assert sum(fit_leakage(samples, TABLES).slopes) == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(("slope", "gain"), [(0.0, 1.0), (0.2, 1.25), (0.5, 2.0), (3.0, 10.0)])
def test_the_gain_restores_the_density_that_the_model_takes_from_dust(slope, gain):
    red = np.zeros((3, 65536), np.float32)
    leakage = no_leakage()
    assert type(leakage)(red, 1, (slope, 0.0, 0.0), 0.0, 0.0, 0.0).defect_gain == pytest.approx(gain)


@cache
def fit_on_frame(kind, picture, clean):
    frame = simulated(kind, picture, (400, 600), damage=HEAVY_DUST)
    planes = (frame.clean_rgb, frame.clean_infrared) if clean else (frame.rgb, frame.infrared)
    photometry, tiles = photometry_and_tiles(*planes)
    samples = leakage_samples(tiles, same_grid(400), 0.0)
    return fit_leakage(samples, photometry.log_tables), ordinary_slope(samples)


@compiled
@pytest.mark.parametrize(
    ("kind", "picture"), [("leaky_slide", "landscape"), ("strong_leak", "smooth_sky"), ("negative", "landscape")]
)
def test_heavy_dust_on_a_simulated_frame_changes_least_squares_and_hardly_the_fit(kind, picture):
    (truth, ordinary_truth), (found, ordinary) = (fit_on_frame(kind, picture, clean) for clean in (True, False))
    assert sum(found.slopes) == pytest.approx(sum(truth.slopes), rel=0.1)
    assert abs(ordinary - ordinary_truth) > 0.2 * ordinary_truth


@compiled
@pytest.mark.parametrize(("kind", "least", "most"), [("leaky_slide", 0.11, 0.15), ("strong_leak", 0.24, 0.31)])
def test_the_slopes_of_a_simulated_film_are_found(kind, least, most):
    # Slightly less than the sum of the dyes' own slopes, since stray light lowers the density of the infrared.
    found, _ = fit_on_frame(kind, "landscape", True)
    assert least < sum(found.slopes) < most
    assert found.slopes[0] > 4 * found.slopes[2]
    assert found.explained > 0.9


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (3, 40), (5, 7)]), st.sampled_from([(0,), (0, 3), (0, 1, 2)])
)
def test_the_sums_of_the_kernels_are_those_of_centred_planes(seed, shape, terms):
    rng = np.random.default_rng(seed)
    target, design = rng.normal(0, 1, shape), rng.normal(0, 1, (*shape, 6))
    weights = rng.uniform(0, 1, shape) * (rng.random(shape) < 0.8)
    indices, coefficients = np.array(terms), rng.normal(0, 1, len(terms))
    residual, normals = np.empty(shape), np.empty((shape[0], len(terms), len(terms) + 1))
    kernels.centred_residual(target, design, indices, coefficients, weights, residual)
    kernels.tile_normals(target, design, indices, weights, normals)
    misfit = target - design[..., indices] @ coefficients
    np.testing.assert_allclose(residual, twins.centred(misfit, weights), atol=1e-6)
    np.testing.assert_allclose(normals, twins.tile_normals(target, design[..., indices], weights), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (3, 40), (5, 7)]), st.floats(1e-3, 3))
def test_the_weights_of_the_kernel_are_the_biweight_of_valid_pixels(seed, shape, scale):
    rng = np.random.default_rng(seed)
    residual, valid = rng.normal(0, 2, shape), (rng.random(shape) < 0.8).astype(float)
    weights = np.empty(shape)
    kernels.biweights(residual, valid, scale, (DARK_LIMIT, BRIGHT_LIMIT), weights)
    np.testing.assert_allclose(weights, valid * one_sided_biweight(residual / scale), atol=1e-12)
