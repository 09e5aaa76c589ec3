"""On a frame with few sure regions each one has to be certain by itself; the others mostly are the picture."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import sure_regions
from support.ir_frames import compiled

pytestmark = compiled

# A frame of this size has few sure regions up to 20, and many from 30 on.
SHAPE = (1000, 1500)


def sure_specks(number, shape=SHAPE):
    """Probabilities with so many specks of 144 pixels that are certain all over."""
    probability = np.zeros(shape, np.uint8)
    for index in range(number):
        top, left = 300 + 40 * (index // 20), 20 + 40 * (index % 20)
        probability[top : top + 12, left : left + 12] = 253
    return probability


def with_region(probability, rows, cols, certain_px, level=225):
    """Put a region in the upper left, of which so many pixels are certain."""
    region = np.full(rows * cols, level, np.uint8)
    region[:certain_px] = 253
    probability[20 : 20 + rows, 20 : 20 + cols] = region.reshape(rows, cols)
    return probability


def is_found(probability, model, sensitivity=0.5, *rules):
    return bool((sure_regions(probability, model.card, sensitivity, *rules).rows < 280).any())


@pytest.mark.parametrize(
    ("rows", "cols", "certain_px", "found"),
    [(10, 20, 48, False), (10, 20, 52, True), (6, 6, 24, False), (6, 6, 26, True), (8, 8, 33, True), (8, 8, 29, False)],
    ids=["a quarter", "more than it", "small", "small and certain", "half-way", "half-way and less"],
)
def test_a_region_needs_a_certain_quarter_and_a_small_one_seven_tenths(rows, cols, certain_px, found, model):
    assert is_found(with_region(sure_specks(12), rows, cols, certain_px), model) == found
    assert is_found(with_region(sure_specks(12), rows, cols, certain_px), model, 1.0)


@pytest.mark.parametrize(("number", "found"), [(18, False), (21, False), (27, True), (40, True)])
def test_the_more_regions_are_sure_the_less_certain_each_has_to_be(number, found, model):
    assert is_found(with_region(sure_specks(number), 10, 20, 20), model) == found


@pytest.mark.parametrize(
    ("number", "shape", "found"),
    [(60, (2000, 3000), False), (110, (2000, 3000), True), (8, (500, 750), False), (15, (500, 750), True)],
    ids=["four times the size", "many there", "a quarter of it", "many for that"],
)
def test_few_scales_with_a_frames_area_and_with_its_root_below_one_piece(number, shape, found, model):
    assert is_found(with_region(sure_specks(number, shape), 10, 20, 20), model) == found


def test_the_network_that_sees_infrared_is_seldom_certain_and_need_not_be(model):
    assert is_found(with_region(sure_specks(12), 10, 20, 20), model, 0.5, INFRARED_RULES)


@pytest.mark.parametrize(("certain_px", "found"), [(82, 0), (90, 6)])
def test_where_no_region_is_certain_to_six_tenths_none_is_dust(certain_px, found, model):
    probability = np.zeros(SHAPE, np.uint8)
    for index in range(6):
        block = with_region(np.zeros((40, 60), np.uint8), 12, 12, certain_px)
        probability[100:140, 60 * index : 60 * index + 60] = block
    assert len(sure_regions(probability, model.card, 0.5)) == found
    assert len(sure_regions(probability, model.card, 1.0)) == 6


@pytest.mark.parametrize(("certain_px", "found"), [(80, False), (200, True)])
@pytest.mark.parametrize("side", range(4), ids=["top", "right", "bottom", "left"])
def test_a_region_at_the_border_has_to_be_mostly_certain_because_it_may_go_on(side, certain_px, found, model):
    probability = with_region(np.zeros((1000, 1000), np.uint8), 15, 20, certain_px)
    inside = probability + sure_specks(12, (1000, 1000))
    at_border = np.rot90(np.roll(probability, -20, axis=0), side) + sure_specks(12, (1000, 1000))
    assert len(sure_regions(inside, model.card, 0.5)) == 13
    assert len(sure_regions(at_border, model.card, 0.5)) == 12 + found


@pytest.mark.parametrize(("certain_px", "found"), [(240, False), (270, True)])
def test_a_large_region_with_enough_certain_pixels_stays_though_most_of_it_is_not_certain(certain_px, found, model):
    probability = np.roll(with_region(np.zeros(SHAPE, np.uint8), 20, 40, certain_px), -20, axis=0)
    assert len(sure_regions(probability + sure_specks(12), model.card, 0.5)) == 12 + found


@pytest.mark.parametrize(("sure", "found"), [(24, 0), (30, 30)])
def test_a_large_frame_of_foliage_needs_more_than_a_few_sure_regions_in_each_piece(sure, found, model):
    """A twentieth of the nearly sure regions of six megapixels is sure: 25 sure ones are required."""
    probability = sure_specks(sure, (2000, 3000))
    for index in range(20 * sure):
        top, left = 700 + 20 * (index // 140), 20 + 20 * (index % 140)
        probability[top : top + 4, left : left + 4] = 140
    assert len(sure_regions(probability, model.card, 0.5)) == found


@pytest.mark.parametrize(("certain_px", "found"), [(240, 0), (270, 7)])
def test_on_a_frame_of_doubtful_regions_a_large_one_needs_enough_certain_pixels_only(certain_px, found, model):
    probability = with_region(np.zeros(SHAPE, np.uint8), 20, 40, certain_px)
    for index in range(6):
        block = with_region(np.zeros((40, 60), np.uint8), 12, 12, 80)
        probability[200:240, 60 * index : 60 * index + 60] = block
    assert len(sure_regions(probability, model.card, 0.5)) == found
