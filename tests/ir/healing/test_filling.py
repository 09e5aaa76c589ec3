from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from filmscand.ir.healing import _healing_kernels as kernels
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
    """Fill of each defect pixel and its errors, as planes; NaN where no free film is in reach."""
    rows, cols = (axis.astype(np.int32) for axis in np.nonzero(defects))
    states = defects.astype(np.uint8) * kernels.DEFECT
    kernels.mark_rims(states, rows, cols)
    fill, error = np.full((len(rows), 3), -1, np.float32), np.zeros((len(rows), 4), np.float32)
    kernels.fill_pixels(rgb, DISPLAY, states, np.array([0, len(rows)]), rows, cols, GRAIN, fill, error)
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
    states = defects.astype(np.uint8) * kernels.DEFECT
    kernels.mark_rims(states, *(axis.astype(np.int32) for axis in np.nonzero(defects)))
    near = ndimage.binary_dilation(defects, np.ones((3, 3)))
    expected = np.where(defects, kernels.DEFECT, np.where(near, kernels.RIM, kernels.FREE))
    assert np.array_equal(states, expected)


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
def test_on_even_film_the_fill_is_that_film_and_sure(defects):
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
def test_a_fill_lies_within_the_sound_pixels_and_uses_no_defect_and_no_rim(seed, crowd):
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


def test_a_fill_expects_a_larger_error_in_texture_than_on_even_film():
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
def test_a_fill_across_a_hair_counts_more_than_one_along_it(length_px, along):
    picture, defects = np.full((61, 41), 0.3), np.zeros((61, 41), np.bool_)
    defects[20 : 20 + length_px, 19:22] = True
    picture[:19] = picture[21 + length_px :] = 0.9
    fill, _ = filled(counts_of(picture), defects)
    assert (fill[20 + length_px // 2, 20, 0] > 0.31) == along


def test_where_only_one_side_has_an_end_the_expected_error_is_a_tenth_of_white():
    defects = np.zeros((20, 9), np.bool_)
    defects[:3] = True
    assert np.sqrt(filled(counts_of(np.full(defects.shape, 0.5)), defects)[1][1, 4, 3]) == pytest.approx(0.1, rel=0.1)


def test_an_end_is_the_mean_of_two_pixels_beyond_the_rim():
    defects = np.zeros((15, 9), np.bool_)
    defects[7] = True
    away = np.abs(np.arange(15) - 7)
    picture = np.tile(np.choose(np.minimum(away, 3), [0.1, 0.1, 0.4, 0.6])[:, None], 9)
    assert filled(counts_of(picture), defects)[0][7, 4] == pytest.approx(0.5, abs=0.01)
