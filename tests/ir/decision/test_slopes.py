from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.slopes import (
    DefectSample,
    Prior,
    edge_slopes,
    independent_votes,
    region_slopes,
    sharpened,
    softness,
)
from support import ir_twins as twins
from support.ir_defects import edges_of, regions_of, slopes_of, whole

DUST = Prior(1.2, 0.3, np.ones(3))


def none_left_out(sample):
    return np.zeros(len(sample.density), np.bool_)


def test_the_slope_of_a_region_is_its_density_in_the_picture_for_one_in_infrared():
    sample = regions_of([40, 40], depth=[0.5, 1.0], ratio=[0.6, 0.8], deviation=0.05)
    found = region_slopes(sample.density[:, 0], sample, none_left_out(sample))
    assert found.pooled == pytest.approx([1.2, 0.8], rel=1e-3)
    assert found.channels == pytest.approx(np.repeat(found.pooled[:, None], 3, 1))
    assert found.depths == pytest.approx([0.5, 1.0], abs=2e-3)


def test_pixels_that_are_left_out_do_not_count():
    sample = regions_of([40], depth=0.5, ratio=np.where(np.arange(40) < 10, -3.0, 0.6))
    found = region_slopes(sample.density[:, 0], sample, np.arange(40) < 10)
    assert found.pooled == pytest.approx([1.2], rel=1e-3)


def test_the_error_of_a_slope_is_at_least_a_seventh_per_observation_however_sure_the_fill():
    sample = regions_of([6, 24], depth=2.0, ratio=2.4, deviation=1e-3)
    errors = region_slopes(sample.density[:, 0], sample, none_left_out(sample)).errors
    assert errors == pytest.approx([0.15, 0.075], rel=0.05)


def test_six_pixels_of_a_fill_are_one_observation_and_a_large_region_has_hardly_more():
    assert independent_votes(np.array([3.0, 6.0, 24.0, 60.0, 600.0])) == pytest.approx([0.5, 1, 4, 7, 16])


@pytest.mark.parametrize(("spread", "most"), [(0.12, 3.0), (0.35, 3.9), (1.0, 6.0)])
def test_the_largest_exponent_lies_above_the_frames_by_its_scatter_between_three_and_six_times(spread, most):
    assert Prior(1.3, 1.3 * spread, np.ones(3)).most == pytest.approx(1.3 * most, rel=0.06)


def changes_of(rng, slope, error, noise, count=4000, depth=0.05):
    """A region of changes of the infrared, those of the picture, and the noise of either."""
    truth = depth * rng.standard_normal(count)
    seen = truth + np.sqrt(2) * noise * rng.standard_normal(count)
    taken = slope * truth[:, None] + error * rng.standard_normal((count, 3))
    return [(seen**2).sum(), *(seen[:, None] * taken).sum(0), *np.square(taken).sum(0), count]


def edge_sample(*changes):
    sample = regions_of([4] * len(changes))
    return DefectSample(sample.starts, sample.density, sample.ratio, sample.variance, np.array(changes))


def test_the_edges_of_a_defect_tell_its_slope_whatever_the_infrareds_noise():
    rng = np.random.default_rng(1)
    sample = edge_sample(*(changes_of(rng, 1.3, 0.02, noise) for noise in (0.0, 0.02, 0.05)))
    plain, less, more = (
        edge_slopes(sample.changes, 1.0, noise).slopes[at] for at, noise in enumerate((0.0, 0.02, 0.05))
    )
    assert [plain, less, more] == pytest.approx([1.3] * 3, rel=0.1)
    assert edge_slopes(sample.changes, 2.0, 0.0).slopes[0] == pytest.approx(plain / 2)


def test_where_all_changes_are_noise_a_slope_is_amplified_tenfold_at_most():
    sample = edge_sample([1.0, 0.05, 0.05, 0.05, 0.1, 0.1, 0.1, 100.0])
    assert edge_slopes(sample.changes, 1.0, 1.0).slopes == pytest.approx([0.5])


def test_the_error_of_edges_is_four_times_what_independent_changes_would_scatter_by():
    rng = np.random.default_rng(2)
    sample = edge_sample(*(changes_of(rng, 1.2, 0.03, 0.0, 300) for _ in range(200)))
    found = edge_slopes(sample.changes, 1.0, 0.0)
    assert np.std(found.channels) < 0.05
    assert np.median(found.errors) / np.std(found.channels) == pytest.approx(4.3, rel=0.2)


def test_flat_edges_have_a_slope_of_unbounded_error():
    sample = regions_of([30])
    assert edge_slopes(sample.changes, 1.0, 0.01).errors[0] > 50


@pytest.mark.parametrize(("error", "taken_off"), [(0.3, True), (0.5, False)])
def test_the_factor_of_a_softer_infrared_is_taken_off_all_edges(error, taken_off):
    edges = edges_of(np.full(12, 1.8), error)
    found = sharpened(edges, softness(edges, slopes_of(np.full(12, 1.2)), DUST, whole(12)))
    assert found.slopes == pytest.approx(np.full(12, 1.2 if taken_off else 1.8))
    assert found.errors == pytest.approx(edges.errors * found.slopes / edges.slopes)


def test_a_few_steep_edges_or_the_cells_of_one_defect_do_not_make_a_factor():
    for count, parents in ((4, whole(4)), (40, np.zeros(40, int))):
        edges = edges_of(np.full(count, 1.8))
        assert softness(edges, slopes_of(np.full(count, 1.2)), DUST, parents) == 1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (6, 9), (14, 3)]))
def test_sums_of_changes_are_those_of_pixels_four_apart_along_rows_and_columns(seed, shape):
    rng = np.random.default_rng(seed)
    values = rng.integers(-3000, 3000, shape).astype(np.int16)
    rgb = rng.integers(0, 65536, (*shape, 3)).astype(np.uint16)
    tables = np.log((np.arange(65536) + 1) / 65536)[None].repeat(3, 0).astype(np.float32)
    places = rng.permutation(values.size)[: max(1, values.size // 2)]
    rows, cols = (axis.astype(np.int32) for axis in np.unravel_index(places, shape))
    starts = np.unique([0, len(rows) // 3, len(rows)]).astype(np.int64)
    sums = np.empty((len(starts) - 1, 8))
    kernels.sum_changes(starts, rows, cols, rgb, tables, values, sums)
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    densities = np.stack([tables[channel][rgb[..., channel]] for channel in range(3)], -1).astype(float)
    expected = twins.change_sums(owners, np.stack([rows, cols], -1), densities, values / 4096, 2)
    np.testing.assert_allclose(sums, expected, rtol=1e-5, atol=1e-5)
