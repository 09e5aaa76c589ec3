from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.evidence import (
    depth_evidence,
    edge_evidence,
    find_stripped_scratches,
    frame_odds,
    is_neutral,
    is_unexplained,
    neighbour_changes,
    neighbours_evidence,
    shared_evidence,
    shown_evidence,
)
from filmscand.ir.decision.slopes import Prior
from support import ir_twins as twins
from support.ir_defects import edges_of, regions_of, slopes_of, whole

DUST = Prior(1.2, 0.3, np.ones(3), 0.5)
TRIED = np.linspace(-1, 12, 2601)


def zeros_of(odds):
    """The slopes at which odds change sign."""
    return TRIED[1:][np.diff(np.sign(odds)) != 0]


def test_from_half_to_four_thresholds_each_one_is_worth_a_factor_of_fifty():
    found = depth_evidence(np.array([0.1, 0.5, 1.5, 2.5, 4.0, 9.0]), np.full(6, 100.0))
    assert found == pytest.approx([-4, -4, 0, 4, 10, 10], abs=0.2)


def test_the_smaller_a_region_is_than_the_lens_spreads_a_speck_the_less_likely_it_is_a_defect():
    twenty, thirteen, nine, five = depth_evidence(np.full(4, 2.5), np.array([20.0, 13.0, 9.0, 5.0]))
    assert twenty == thirteen
    assert twenty - nine == pytest.approx(2.3, abs=0.3)
    assert twenty - five == pytest.approx(7, abs=0.5)


def test_a_region_wider_than_dirt_is_a_little_less_likely_a_defect():
    usual, speck, wider, wide = depth_evidence(np.full(4, 2.5), np.array([450.0, 50.0, 750.0, 5000.0]))
    assert usual == speck
    assert 0.1 < usual - wider < 0.3
    assert usual - wide == pytest.approx(1.15, abs=0.1)


def test_edges_support_slopes_from_a_third_to_three_and_a_half_times_the_usual_one():
    least, most = zeros_of(edge_evidence(edges_of(TRIED, 0.05), DUST)) / DUST.mean
    assert least == pytest.approx(0.31, abs=0.03)
    assert most == pytest.approx(3.45, abs=0.25)


def test_edges_with_an_error_as_large_as_the_slope_say_little():
    sure, unsure = (float(edge_evidence(edges_of(1.2, error), DUST)[0]) for error in (0.1, 1.2))
    assert sure > 2.5
    assert 0 < unsure < sure / 2


def test_a_fill_supports_the_usual_slope_and_more_so_the_deeper_the_defect():
    shallow, deep = shown_evidence(slopes_of(1.2, depths=[0.05, 0.5]), DUST)
    assert shallow == pytest.approx(2.78, abs=0.12)
    assert deep == pytest.approx(3.01, abs=0.12)


def test_a_slope_of_zero_counts_against_a_defect_by_fill_and_by_edges():
    assert (shown_evidence(slopes_of([0.0, 0.3], 0.05), DUST) < -1).all()
    assert (edge_evidence(edges_of([0.0, 0.25], 0.05), DUST) < -0.5).all()


def test_the_odds_of_a_frame_come_from_its_deep_regions():
    shown, evidence = np.repeat([3.0, -3.0], 20), np.repeat([5.0, 3.0], 20)
    assert frame_odds(shown, evidence, whole(40)) > 2
    assert frame_odds(-shown, evidence, whole(40)) < -2
    assert frame_odds(shown, evidence - 5, whole(40)) == frame_odds(*3 * (np.zeros(1, int),))


def test_a_frame_without_informative_regions_is_rather_spotless():
    untold = frame_odds(np.full(3000, 0.6), np.full(3000, 9.0), whole(3000))
    assert untold == pytest.approx(-2.9, abs=0.5)
    assert frame_odds(np.full(3000, 1.6), np.full(3000, 9.0), whole(3000)) > 3


def test_many_regions_count_but_do_not_make_one_another_certain():
    assert frame_odds(np.full(3000, 1.2), np.full(3000, 9.0), whole(3000)) == pytest.approx(4.7, abs=0.5)


def test_a_girder_cut_into_a_hundred_cells_has_one_vote():
    shown = np.concatenate([np.full(100, -3.0), np.full(10, 3.0)])
    parents = np.concatenate([np.zeros(100, int), np.arange(1, 11)])
    evidence = np.full(110, 9.0)
    assert frame_odds(shown, evidence, parents) > 1
    assert frame_odds(shown, evidence, whole(110)) < -1


def test_the_cells_of_one_hair_support_one_another_and_never_weaken():
    hair, doubted = np.full(26, 1.0), np.full(26, -1.0)
    parents = np.repeat([0, 1], 26)
    found = shared_evidence(np.concatenate([hair, doubted]), parents)
    # The other 25 cells would add five; a cell gains four at most.
    assert found == pytest.approx(np.repeat([5.0, -1.0], 26))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_neighbours_are_the_other_doubtful_regions_of_nine_places(seed):
    rng = np.random.default_rng(seed)
    places, doubtful = rng.integers(0, 144, 60), rng.random(60) < 0.7
    changes = rng.uniform(0, 1, (60, 8))
    found = neighbour_changes(changes, doubtful, places)
    rows, cols = places // 12, places % 12
    for region in np.flatnonzero(doubtful):
        near = doubtful & (abs(rows - rows[region]) <= 1) & (abs(cols - cols[region]) <= 1)
        near[region] = False
        assert found[region, :8] == pytest.approx(changes[near].sum(0), abs=1e-9)
        assert found[region, 8] == near.sum()


@pytest.mark.parametrize("place", [(0, 0), (0, 11), (11, 0), (11, 11)])
def test_at_the_rim_of_the_frame_there_are_fewer_neighbours(place):
    places = np.array([12 * place[0] + place[1]] * 2)
    assert neighbour_changes(np.ones((2, 8)), np.ones(2, np.bool_), places)[:, 8].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("slope", "error", "count", "heard"),
    [
        (1.2, 0.1, 13, True),
        (1.2, 0.1, 12, False),
        (1.2, 0.3, 40, True),
        (1.2, 0.42, 40, False),
        (0.1, 0.1, 40, False),
        (6.0, 0.1, 40, False),
    ],
    ids=["dust", "too few", "nearly unsure", "unsure", "a dip that does not show", "a misfit of the leak"],
)
def test_neighbours_support_a_region_if_together_they_surely_have_the_slope_of_dust(slope, error, count, heard):
    found = neighbours_evidence(edges_of(slope, error), np.array([float(count)]), DUST)
    assert (found > 1).all() == heard
    assert (found >= 0).all()
    assert (found <= 4).all()


def scratched_of(sample, slopes, edges, evidence=9.0):
    """The scratches found in one wide defect: all regions are its cells, and `shape` is the infrared density."""
    count = len(sample.areas)
    shape = sample.density[:, 0].copy()
    return find_stripped_scratches(shape, sample, slopes, edges, np.full(count, evidence), np.zeros(count, int))


@pytest.mark.parametrize(
    ("cells", "depth_odds", "scratched"),
    [(16, 2.0, True), (16, 1.2, False), (14, 9.0, True), (10, 9.0, False)],
    ids=["a long scratch", "a doubtful one", "a shorter one", "a few bright cells"],
)
def test_a_scratch_without_dye_is_bright_in_many_cells_of_one_deep_region(cells, depth_odds, scratched):
    sample = regions_of(np.full(cells, 20), ratio=-0.3, deviation=0.02)
    slopes, edges = slopes_of(np.full(cells, -0.6)), edges_of(np.zeros(cells), 9.0)
    bright, crossed, bare = scratched_of(sample, slopes, edges, depth_odds)
    assert bright.all() == bright.any() == scratched
    assert not crossed.any()
    assert not bare.any()


@pytest.mark.parametrize(
    ("cells", "edge_slope", "scratched"),
    [(5, -0.6, True), (5, -0.35, True), (5, -0.2, False), (3, -0.6, False)],
    ids=["alike", "nearly alike", "edges that say less", "too few cells"],
)
def test_a_shallow_scratch_is_found_by_cells_whose_fills_and_edges_agree(cells, edge_slope, scratched):
    sample = regions_of(np.full(cells, 20), ratio=-0.3, deviation=0.02)
    slopes, edges = slopes_of(np.full(cells, -0.6)), edges_of(np.full(cells, edge_slope), 0.1)
    bright, _, _ = scratched_of(sample, slopes, edges, -4.0)
    assert bright.all() == bright.any() == scratched


@pytest.mark.parametrize(
    ("slope", "bright_cells", "found"),
    [(-0.9, 4, True), (-0.3, 4, False), (0.9, 4, False), (-0.9, 2, False), (-0.9, 0, False)],
    ids=["brighter", "not surely", "darker", "two bright cells", "none: chance on a rough ground"],
)
def test_edges_that_brighten_belong_to_a_scratch_that_is_bright_throughout_in_places(slope, bright_cells, found):
    bright = np.arange(24) < bright_cells
    ratio = np.repeat(np.where(bright, -0.3, -0.01), 20)
    # Here and there a pixel is bright in any cell.
    ratio[::20] = -0.3
    sample = regions_of(np.full(24, 20), ratio=ratio, deviation=0.02)
    slopes = slopes_of(np.where(bright, -0.6, -0.05), np.where(bright, 0.05, 0.5))
    edges = edges_of(np.where(bright, 0.0, slope), np.where(bright, 9.0, 0.5))
    scratched, _, _ = scratched_of(sample, slopes, edges)
    assert (scratched & ~bright).any() == found
    assert not found or scratched.all()


def partly_bright(share, deviations, rest):
    """A scratch of 14 cells, and one more that is bright in a part of its hundred pixels, by so many deviations."""
    pixels = np.full(14 * 20 + 100, -0.3)
    pixels[14 * 20 :] = np.where(np.arange(100) < 100 * share, -0.02 * deviations, rest)
    return regions_of([20] * 14 + [100], ratio=pixels, deviation=0.02)


UNTOLD, DARK = 0.0, 0.5


@pytest.mark.parametrize(
    ("share", "deviations", "rest", "kind"),
    [
        (0.75, 15, UNTOLD, "scratch"),
        (0.5, 15, UNTOLD, "crossed"),
        (0.75, 15, DARK, "crossed"),
        (0.15, 15, DARK, "crossed"),
        (0.07, 15, DARK, "dust"),
        (0.5, 4, DARK, "crossed"),
        (0.5, 2, DARK, "dust"),
    ],
)
def test_where_a_hair_crosses_a_scratch_the_bright_pixels_are_bare(share, deviations, rest, kind):
    sample = partly_bright(share, deviations, rest)
    bright, crossed, bare = scratched_of(sample, slopes_of(np.full(15, -0.6)), edges_of(np.zeros(15), 9.0))
    assert bright[:14].all()
    assert (bright[14], crossed[14]) == (kind == "scratch", kind == "crossed")
    expected = np.zeros(len(bare), np.bool_)
    expected[14 * 20 : 14 * 20 + round(100 * share)] = kind == "crossed"
    assert np.array_equal(bare, expected)


def speck_on_a_scratch(pixels, darkness=0.0, times_as_dense=1.0):
    """Whether a cell of a hundred pixels counts as a scratch of which some pixels are dark or dense, and its bare ones.

    darkness: deviations by which they are darker than their fill; where it is 0 they are as bright as the scratch.
    """
    cells = np.append(np.full(14, 20), 100)
    speck = np.arange(cells.sum()) >= cells.sum() - pixels
    ratio = np.where(speck & (darkness != 0), 0.02 * darkness, -0.3)
    depth = np.where(speck, 0.5 * times_as_dense, 0.5)
    sample = regions_of(cells, depth, ratio, deviation=0.02)
    bright, crossed, bare = scratched_of(sample, slopes_of(np.full(15, -0.6)), edges_of(np.zeros(15), 9.0))
    assert bright[:14].all()
    assert bright[14] != crossed[14]
    assert np.array_equal(bare, crossed[14] & (ratio < 0) & (np.arange(len(bare)) >= 14 * 20))
    return bool(bright[14])


@pytest.mark.parametrize(("dark_px", "scratch"), [(1, True), (3, False)], ids=["one pixel", "three of a hundred"])
def test_a_scratch_with_dust_beside_it_is_not_a_scratch_throughout(dark_px, scratch):
    assert speck_on_a_scratch(dark_px, darkness=15) == scratch
    assert speck_on_a_scratch(dark_px, darkness=2)


@pytest.mark.parametrize(("times_as_dense", "scratch"), [(2.1, True), (4.0, False)])
def test_dust_on_a_scratch_is_found_by_its_density_where_it_looks_no_darker_than_the_film(times_as_dense, scratch):
    assert speck_on_a_scratch(9, times_as_dense=times_as_dense) == scratch
    assert speck_on_a_scratch(1, times_as_dense=times_as_dense)


def test_a_region_that_takes_twice_the_usual_light_has_to_be_grey():
    pooled, colours = [2.2, 2.6, 3.0, 3.0], [4.0, 4.0, 0.6, 1.0]
    assert is_neutral(slopes_of(pooled, 0.02, colours=colours)).tolist() == [True, False, True, False]
    assert is_neutral(slopes_of(3.0, 0.5, colours=1.5))[0]


def test_a_change_that_no_density_explains_is_found_in_smooth_surroundings():
    pixels = 50.0

    def told(slope, change, error):
        checks = np.array([[0.0, 0.0, 0.0, pixels, change * pixels, error * pixels]])
        return bool(is_unexplained(checks, slopes_of(slope))[0])

    assert told(0.3, 15.0, 0.004)
    assert not told(0.6, 15.0, 0.004)
    assert not told(0.3, 5.0, 0.004)
    assert not told(0.3, 15.0, 0.012)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_bright_and_other_pixels_are_counted_as_their_definition_says(seed, count):
    rng = np.random.default_rng(seed)
    areas = rng.integers(1, 9, count)
    starts = np.concatenate([[0], np.cumsum(areas)]).astype(np.int64)
    ratio = rng.normal(-0.3, 0.4, (starts[-1], 3)).astype(np.float32)
    variance = rng.uniform(1e-3, 0.1, ratio.shape).astype(np.float32)
    shape = rng.uniform(0, 2, starts[-1]).astype(np.float32)
    bright, shares = np.empty(len(ratio), np.bool_), np.empty((count, 2))
    kernels.mark_bright(starts, shape, ratio, variance, (2.0, 1.5), bright, shares)
    planes = (ratio.astype(float), variance.astype(float))
    expected = twins.bright_pixels(*planes, 2.0)
    others = twins.other_pixels(np.repeat(np.arange(count), areas), shape.astype(float), *planes, (2.0, 1.5))
    assert np.array_equal(bright, expected)
    both = np.stack([expected, others], axis=1)
    assert shares == pytest.approx(np.add.reduceat(both, starts[:-1], dtype=float) / areas[:, None])
