from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from filmscand.ir.decision import _defect_kernels as defect_kernels
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import _healing_kernels as kernels
from filmscand.ir.healing.cells import split_into_cells
from filmscand.ir.healing.filling import GRAIN_VARIANCE
from support import ir_twins as twins

COUNTS = 65536
DISPLAY = np.repeat(((np.arange(COUNTS) + 1) / COUNTS)[None], 3, 0).astype(np.float32)
SIZE = 41
GRAIN = np.float32(GRAIN_VARIANCE)
RULES = twins.FillRules(GRAIN_VARIANCE, kernels.REACH_PX, float(kernels.LONGEST_GAP), float(kernels.LONE_END))


def counts_of(picture):
    """Counts of a picture in display values, (rows, cols) or (rows, cols, 3)."""
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, -1)
    return np.rint(picture * COUNTS - 1).astype(np.uint16)


def filled(rgb, defects):
    """Fill of each defect pixel and its errors, laid out as planes; NaN where there was nothing to fill from."""
    rows, cols = (axis.astype(np.int32) for axis in np.nonzero(defects))
    marks = defects.astype(np.uint8) * kernels.DEFECT
    kernels.mark_rims(marks, rows, cols)
    fill, error = np.full((len(rows), 3), -1, np.float32), np.zeros((len(rows), 4), np.float32)
    kernels.fill_pixels(rgb, DISPLAY, marks, np.array([0, len(rows)]), rows, cols, GRAIN, fill, error)
    plane, errors = np.full(rgb.shape, np.nan), np.full((*rgb.shape[:2], 4), np.nan)
    plane[rows, cols] = np.where(fill[:, :1] < 0, np.nan, fill)
    errors[rows, cols] = error
    return plane, errors


def speck(radius_px=3):
    row, col = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    return row**2 + col**2 <= radius_px**2


def hair(width_px=3):
    defects = np.zeros((SIZE, SIZE), np.bool_)
    defects[:, SIZE // 2 : SIZE // 2 + width_px] = True
    return defects


def spread_defects(rng, shape, crowd):
    """Specks, a hair across and a corner, of a random picture."""
    defects = ndimage.binary_dilation(rng.random(shape) < crowd, np.ones((2, 3)))
    defects[shape[0] // 2, : shape[1] // 2] = True
    defects[:2, :2] = True
    return defects


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 9), (20, 1), (14, 31)]), st.floats(0, 0.3))
def test_rims_are_the_free_neighbours_of_defects(seed, shape, crowd):
    defects = np.random.default_rng(seed).random(shape) < crowd
    marks = defects.astype(np.uint8) * kernels.DEFECT
    kernels.mark_rims(marks, *(axis.astype(np.int32) for axis in np.nonzero(defects)))
    near = ndimage.binary_dilation(defects, np.ones((3, 3)))
    expected = np.where(defects, kernels.DEFECT, np.where(near, kernels.RIM, kernels.FREE))
    assert np.array_equal(marks, expected)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(9, 14), (16, 16), (1, 30)]), st.floats(0, 0.06))
def test_a_fill_is_what_its_twin_computes(seed, shape, crowd):
    rng = np.random.default_rng(seed)
    rgb = counts_of(ndimage.gaussian_filter(rng.uniform(0.1, 0.9, (*shape, 3)), (1, 1, 0)))
    defects = spread_defects(rng, shape, crowd)
    fill, error = filled(rgb, defects)
    near = ndimage.binary_dilation(defects, np.ones((3, 3)))
    display = DISPLAY[0][rgb].astype(float)
    for at in np.argwhere(defects)[::3]:
        expected = twins.fill_by_eyes(display, near, at, RULES)
        if expected is None:
            assert np.isnan(fill[tuple(at)]).all()
            continue
        assert fill[tuple(at)] == pytest.approx(expected[0], abs=1e-5)
        assert error[tuple(at)] == pytest.approx([*expected[1], expected[2]], abs=1e-5)


@pytest.mark.parametrize("defects", [speck(), hair(), speck(8)], ids=["speck", "hair", "wide speck"])
def test_in_a_plain_the_fill_is_the_plain_and_sure(defects):
    fill, error = filled(counts_of(np.full((SIZE, SIZE), 0.4)), defects)
    assert fill[defects] == pytest.approx(0.4, abs=2e-5)
    assert error[defects][:, :3] == pytest.approx(0, abs=1e-8)
    assert error[SIZE // 2, SIZE // 2, 3] < 1e-4


@pytest.mark.parametrize("turned", [False, True], ids=["along", "across"])
@pytest.mark.parametrize("defects", [speck(), hair()], ids=["speck", "hair"])
def test_a_ramp_goes_on_under_a_defect(defects, turned):
    step = 0.01
    ramp = np.tile(0.3 + step * np.arange(SIZE), (SIZE, 1))
    ramp = ramp.T if turned else ramp
    fill, _ = filled(counts_of(ramp), defects)
    assert np.abs(fill - ramp[..., None])[defects].max() < step


@pytest.mark.parametrize(("slope", "most"), [(0, 0.05), (0.5, 0.05), (-0.5, 0.05), (1, 0.2), (-1, 0.2)])
def test_an_edge_that_a_hair_crosses_goes_on_through_it(slope, most):
    row, col = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    picture = np.where(row > slope * col, 0.7, 0.2)
    defects = hair()
    fill, _ = filled(counts_of(picture), defects)
    off_the_edge = defects & (np.abs(row - slope * col) > 1.5)
    # At the frame's first and last rows a defect has ends on fewer sides.
    off_the_edge[:8] = off_the_edge[-8:] = False
    assert np.abs(fill - picture[..., None])[off_the_edge].max() < most


def test_lines_that_run_into_a_speck_come_out_of_it():
    row = np.arange(SIZE)[:, None] - SIZE // 2
    picture = np.where(np.abs(row) <= 1, 0.15, 0.6) * np.ones(SIZE)
    fill, _ = filled(counts_of(picture), speck())
    assert fill[SIZE // 2, SIZE // 2].max() < 0.25
    assert fill[SIZE // 2 - 3, SIZE // 2].min() > 0.45


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.08))
def test_a_fill_lies_among_the_sound_pixels_and_takes_nothing_from_defects_or_their_rims(seed, crowd):
    rng = np.random.default_rng(seed)
    picture = rng.uniform(0.2, 0.8, (24, 31, 3))
    defects = spread_defects(rng, (24, 31), crowd)
    fill, _ = filled(counts_of(picture), defects)
    sound = ~ndimage.binary_dilation(defects, np.ones((3, 3)))
    ruined = picture.copy()
    ruined[~sound] = rng.uniform(0.01, 1, ((~sound).sum(), 3))
    assert np.array_equal(filled(counts_of(ruined), defects)[0], fill, equal_nan=True)
    known = ~np.isnan(fill[..., 0]) & defects
    assert (fill[known] >= picture[sound].min(axis=0) - 1e-4).all()
    assert (fill[known] <= picture[sound].max(axis=0) + 1e-4).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_or_turned_picture_is_filled_mirrored_or_turned(seed):
    rng = np.random.default_rng(seed)
    rgb = counts_of(rng.uniform(0.2, 0.8, (24, 31, 3)))
    defects = spread_defects(rng, (24, 31), 0.03)
    fill, error = filled(rgb, defects)
    for change in (np.fliplr, np.flipud, lambda plane: plane.swapaxes(0, 1)):
        there, there_error = (change(plane) for plane in (fill, error))
        changed, changed_error = filled(np.ascontiguousarray(change(rgb)), np.ascontiguousarray(change(defects)))
        np.testing.assert_allclose(changed, there, atol=1e-5)
        np.testing.assert_allclose(changed_error, there_error, atol=1e-5)


def test_a_defect_without_a_sound_pixel_in_reach_is_not_filled():
    defects = np.ones((SIZE, SIZE), np.bool_)
    assert np.isnan(filled(counts_of(np.full((SIZE, SIZE), 0.5)), defects)[0]).all()


def test_a_fill_doubts_itself_more_in_texture_than_in_a_plain():
    rng = np.random.default_rng(8)
    plain, rough = (0.5 + spread * rng.standard_normal((SIZE, SIZE)) for spread in (0.002, 0.1))
    doubts = [filled(counts_of(np.clip(picture, 0.1, 0.9)), speck())[1][speck()].mean() for picture in (plain, rough)]
    assert doubts[1] > 100 * doubts[0]


@pytest.mark.parametrize(("width_px", "reached"), [(119, True), (139, False)])
def test_a_fill_reaches_sixty_four_pixels_to_either_side(width_px, reached):
    defects = np.zeros((3, 200), np.bool_)
    defects[:, 30 : 30 + width_px] = True
    fill, _ = filled(counts_of(np.full(defects.shape, 0.5)), defects)
    assert np.isfinite(fill[1, 30 + width_px // 2]).all() == reached


@pytest.mark.parametrize(("length_px", "along"), [(12, True), (21, False)])
def test_across_a_hair_says_more_than_along_it(length_px, along):
    picture, defects = np.full((61, 41), 0.3), np.zeros((61, 41), np.bool_)
    defects[20 : 20 + length_px, 19:22] = True
    picture[:19] = picture[21 + length_px :] = 0.9
    fill, _ = filled(counts_of(picture), defects)
    assert (fill[20 + length_px // 2, 20, 0] > 0.31) == along


def test_where_only_one_side_has_an_end_the_fill_doubts_itself_by_a_tenth_of_white():
    defects = np.zeros((20, 9), np.bool_)
    defects[:3] = True
    assert np.sqrt(filled(counts_of(np.full(defects.shape, 0.5)), defects)[1][1, 4, 3]) == pytest.approx(0.1, rel=0.1)


def test_an_end_is_the_mean_of_two_pixels_beyond_the_rim():
    defects = np.zeros((15, 9), np.bool_)
    defects[7] = True
    away = np.abs(np.arange(15) - 7)
    picture = np.tile(np.choose(np.minimum(away, 3), [0.1, 0.1, 0.4, 0.6])[:, None], 9)
    assert filled(counts_of(picture), defects)[0][7, 4] == pytest.approx(0.5, abs=0.01)


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


def test_a_scratch_across_the_frame_is_cut_into_cells_and_a_speck_stays_whole():
    classes = np.zeros((120, 500), np.uint8)
    classes[20:24] = 2
    classes[80:90, 40:52] = 2
    regions = connected_regions(classes)
    cells, parents = split_into_cells(regions)
    assert len(regions) == 2
    assert parents.tolist() == sorted(parents.tolist())
    assert (parents == 1).sum() == 1
    assert (parents == 0).sum() > 5
    assert cells.starts[-1] == (classes > 0).sum()
    widths = [np.ptp(cells.cols[start:end]) for start, end in zip(cells.starts[:-1], cells.starts[1:], strict=True)]
    assert max(widths) < 60


def test_cutting_regions_loses_no_pixel_and_doubles_none():
    rng = np.random.default_rng(4)
    classes = (ndimage.gaussian_filter(rng.standard_normal((300, 400)), 6) > 0.02).astype(np.uint8) * 2
    regions = connected_regions(classes)
    cells, parents = split_into_cells(regions)
    owner = np.zeros(classes.shape, int)
    owner[regions.rows, regions.cols] = np.repeat(np.arange(len(regions)), np.diff(regions.starts)) + 1
    assert len(set(zip(cells.rows.tolist(), cells.cols.tolist(), strict=True))) == len(regions.rows)
    assert np.array_equal(owner[cells.rows, cells.cols], np.repeat(parents, np.diff(cells.starts)) + 1)


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
def test_what_is_seen_of_defect_pixels_is_what_its_definition_says(drawn, filled):
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
    ratio_variance = (2.2 / raw) ** 2 * variance + (1.5 * noise) ** 2
    expected = (raw, noise, 2.2 * np.log(expected_fill / raw), ratio_variance)
    for plane, truth in zip((*found, fill, error[:, :3]), (*expected, expected_fill, variance), strict=True):
        np.testing.assert_allclose(plane, truth, rtol=2e-4, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(defects(), st.floats(0, 0.08), st.floats(1, 5), st.floats(1, 5))
def test_dividing_and_filling_are_weighed_by_their_errors(drawn, stray, gain, most):
    rng, starts, planes = drawn
    regions, owners = len(starts) - 1, np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    looks = tuple(planes[name] for name in ("raw", "fill", "variance", "noise"))
    bounds = ((0.06, 0.5), (1, 9), (0.001, 0.02))
    fitted = (rng.uniform(-0.5, 2, (regions, 3)), *(rng.uniform(*each, regions) for each in bounds))
    bare = rng.random(len(owners)) < 0.2
    constants = (stray, 0.004 * gain, most, 0.3, 1e-3)
    value, sums = np.empty_like(planes["raw"]), np.empty((regions, 3))
    filled = np.empty(len(owners), np.float32)
    parts = (planes["shape"], planes["density"])
    defect_kernels.blend_regions(starts, *parts, looks, fitted, constants, bare, value, filled, sums)
    expected, weight, error = twins.blend(owners, *parts, (*looks, bare), fitted, constants)
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(filled, 1 - weight.mean(1), atol=1e-4)
    columns = np.stack([error.mean(1), np.square(expected - planes["raw"]).mean(1), weight.mean(1)], -1)
    truth = np.add.reduceat(columns, starts[:-1])
    truth[:, 2] /= np.diff(starts)
    np.testing.assert_allclose(sums, truth, rtol=2e-3, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(defects())
def test_the_strength_of_a_region_is_what_an_eighth_of_its_pixels_pass(drawn):
    rng, starts, planes = drawn
    count = starts[-1]
    grades = rng.integers(0, 256, (6, 6)).astype(np.uint8)
    limits = rng.uniform(0.01, 0.1, 16).astype(np.float32)
    rows, cols = (rng.integers(0, 6, count).astype(np.int32) for _ in range(2))
    strengths = np.empty(len(starts) - 1)
    defect_kernels.deep_strengths(starts, rows, cols, planes["density"], grades, limits, strengths)
    passed = planes["density"][:, 1] / limits[grades[rows, cols] & 15]
    for region, found in enumerate(strengths):
        ranked = np.sort(passed[starts[region] : starts[region + 1]])[::-1]
        assert found == pytest.approx(ranked[len(ranked) // 8], rel=1e-5)


def written(value, raw, noise=0.0, promised=True):
    """What becomes of one pixel of 20000 counts, by black 1000, span 50000 and hardly a bend."""
    rgb, mask = np.full((1, 1, 3), 20000, np.uint16), np.zeros((1, 1), np.bool_)
    at, looks = np.zeros(1, np.int32), (np.full((1, 3), raw, np.float32), np.full((1, 3), noise, np.float32))
    levels = np.array([[1000.0] * 3, [50000.0] * 3, [1e-4] * 3])
    starts, values = np.array([0, 1]), np.full((1, 3), value, np.float32)
    defect_kernels.write_regions(starts, at, at, np.array([promised]), looks, values, levels, 0.006, rgb, mask)
    return int(rgb[0, 0, 0]), bool(mask[0, 0])


def test_a_healed_value_becomes_the_counts_of_its_light():
    light = 0.6
    assert written(light ** (1 / 2.2), 0.7) == (31000, True)
    assert written(2.0, 0.7) == (65535, True)
    assert written(0.01, 0.7)[0] == pytest.approx(1000, abs=20)


def test_what_is_not_promised_or_cannot_be_seen_stays():
    assert written(0.8, 0.7, promised=False) == (20000, False)
    assert written(0.7 * (1 + 0.004 / 2.2), 0.7) == (20000, False)
    assert written(0.7 * (1 + 0.1 / 2.2), 0.7, noise=0.2) == (20000, False)
    assert written(0.7 * (1 + 0.1 / 2.2), 0.7, noise=0.05)[1]


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


@pytest.mark.parametrize(("width_px", "cells"), [(80, 1), (130, 3), (490, 11)])
def test_a_region_wider_than_a_hundred_pixels_is_cut_into_cells_of_fifty(width_px, cells):
    classes = np.zeros((48, 500), np.uint8)
    classes[10:14, 5 : 5 + width_px] = 2
    assert len(split_into_cells(connected_regions(classes))[0]) == cells


def test_of_what_a_scratch_runs_through_cells_are_sixteen_pixels_wide_however_small_it_is():
    classes = np.zeros((48, 500), np.uint8)
    classes[4:8, :80] = classes[20:24, :80] = classes[36:40, :130] = 2
    cells, parents = split_into_cells(connected_regions(classes), np.array([False, True, True]))
    assert np.bincount(parents).tolist() == [1, 5, 9]
    assert len(cells) == len(parents)
