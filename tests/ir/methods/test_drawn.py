"""Areas that a person drew: excluded ones stay as captured, marked ones are healed, nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir import CleanOptions, DetectorUse, clean_frame
from filmscand.ir.methods.drawn import heal_marked
from filmscand.ir.planes.outlines import pixels_inside
from filmscand.ir.report import Caution
from support.ir_frames import cleaned, compiled, simulated

pytestmark = compiled
SHAPE = (400, 600)
CORNER = st.tuples(st.integers(-20, 420), st.integers(-20, 620))
OUTLINES = st.lists(st.lists(CORNER, min_size=3, max_size=5).map(tuple), max_size=2).map(tuple)


def square(row, col, side):
    return ((row, col), (row, col + side), (row + side, col + side), (row + side, col))


def speck(rgb, row, col, side, light=0.5):
    """The frame with a square that takes half of the light, and is not in the infrared."""
    dirty = rgb.copy()
    dirty[row : row + side, col : col + side] = dirty[row : row + side, col : col + side] * light
    return dirty


@settings(max_examples=15, deadline=None)
@given(OUTLINES, OUTLINES)
def test_excluded_pixels_stay_marked_ones_are_in_the_mask_and_all_others_are_as_without_a_drawing(excluded, marked):
    frame, plain = simulated("leaky_slide", "landscape"), cleaned("leaky_slide", "landscape")
    drawn = clean_frame(frame.rgb, frame.infrared, CleanOptions(excluded=excluded, marked=marked))
    left, healed = (pixels_inside(outlines, SHAPE) for outlines in (excluded, marked))
    healed &= ~left
    assert np.array_equal(drawn.rgb[left], frame.rgb[left])
    assert not drawn.defect_mask[left].any()
    assert drawn.defect_mask[healed].all()
    others = ~left & ~healed
    assert np.array_equal(drawn.rgb[others], plain.rgb[others])
    assert np.array_equal(drawn.defect_mask[others], plain.defect_mask[others])
    assert np.array_equal(drawn.rgb[~drawn.defect_mask], frame.rgb[~drawn.defect_mask])
    assert drawn.report.excluded_px == (plain.defect_mask & left).sum()
    assert drawn.report.marked_px == (healed & ~plain.defect_mask).sum()


def test_a_defect_that_the_infrared_does_not_show_is_healed_where_it_was_marked():
    frame = simulated("clear_slide", "smooth_sky")
    plain = cleaned("clear_slide", "smooth_sky")
    row, col = np.argwhere(~dirty_around(plain.defect_mask, 40))[0] + 20
    dirty = speck(frame.rgb, row, col, 8)
    options = CleanOptions(marked=(square(row - 3, col - 3, 14),), detector=DetectorUse.OFF)
    healed = clean_frame(dirty, frame.infrared, options)
    where = np.s_[row : row + 8, col : col + 8]
    error = np.abs(healed.rgb[where].astype(float) - frame.rgb[where]) / frame.rgb[where]
    assert error.mean() < 0.05


def dirty_around(mask, side):
    """True where a square from this pixel on holds a defect, or leaves the frame."""
    dirty = np.ones(mask.shape, np.bool_)
    sums = np.pad(mask.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    free = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side] == 0
    dirty[: free.shape[0], : free.shape[1]] = ~free
    return dirty


def test_an_area_is_healed_where_neither_infrared_nor_network_may_look():
    frame = simulated("clear_slide", "smooth_sky")
    dirty = speck(frame.rgb, 100, 100, 8)
    healed = clean_frame(dirty, None, CleanOptions(marked=(square(97, 97, 14),), detector=DetectorUse.OFF))
    assert healed.defect_mask.sum() == 14 * 14
    assert healed.rgb[100:108, 100:108].mean() > 1.5 * dirty[100:108, 100:108].mean()


def test_an_area_wider_than_a_fill_reaches_is_healed_to_its_middle():
    rgb = np.full((400, 400, 3), 30000, np.uint16) + np.random.default_rng(1).integers(0, 300, (400, 400, 3))
    rgb = rgb.astype(np.uint16)
    marked = np.zeros((400, 400), np.bool_)
    marked[60:320, 60:320] = True
    dirty = np.where(marked[..., None], 3000, rgb).astype(np.uint16)
    healed = heal_marked(dirty, marked)
    assert np.array_equal(healed[~marked], rgb[~marked])
    assert np.abs(healed[marked].astype(int) - 30150).max() < 3000


def test_a_frame_that_is_marked_all_over_ends_as_it_is():
    rgb = np.random.default_rng(1).integers(20000, 30000, (64, 64, 3)).astype(np.uint16)
    assert heal_marked(rgb, np.ones((64, 64), np.bool_)).shape == rgb.shape


def test_the_coverage_counts_what_is_drawn():
    frame, plain = simulated("heavy_dirt", "portrait"), cleaned("heavy_dirt", "portrait")
    everything = square(0, 0, 600)
    drawn = clean_frame(frame.rgb, frame.infrared, CleanOptions(excluded=(everything,)))
    assert drawn.report.coverage == 0
    assert drawn.report.excluded_px == plain.defect_mask.sum()
    marked = clean_frame(frame.rgb, frame.infrared, CleanOptions(marked=(square(0, 0, 200),)))
    assert marked.report.coverage > plain.report.coverage
    assert Caution.MANY_DEFECTS in marked.report.warnings


@pytest.mark.parametrize("outline", [(), ((1, 1), (2, 2)), ((1, 1), (2, float("nan")), (3, 3))])
def test_an_outline_that_encloses_nothing_is_refused(outline):
    with pytest.raises(ValueError, match="three or more corners"):
        CleanOptions(excluded=(outline,))
