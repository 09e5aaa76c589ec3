"""On a frame with few sure marks each has to be certain by itself; what is not is more often the picture's."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import sure_regions
from support.ir_frames import compiled

pytestmark = compiled

# A frame of this size has few sure marks up to 20, and many from 30 on.
SHAPE = (1000, 1500)


def sure_marks(number, shape=SHAPE):
    """Probabilities with so many specks of 144 pixels that are certain all over."""
    probability = np.zeros(shape, np.uint8)
    for index in range(number):
        top, left = 300 + 40 * (index // 20), 20 + 40 * (index % 20)
        probability[top : top + 12, left : left + 12] = 253
    return probability


def with_mark(probability, rows, cols, certain_px, level=225):
    """Put a mark in the upper left, of which so many pixels are certain."""
    mark = np.full(rows * cols, level, np.uint8)
    mark[:certain_px] = 253
    probability[20 : 20 + rows, 20 : 20 + cols] = mark.reshape(rows, cols)
    return probability


def is_found(probability, model, sensitivity=0.5, *rules):
    return bool((sure_regions(probability, model.card, sensitivity, *rules).rows < 280).any())


@pytest.mark.parametrize(
    ("rows", "cols", "certain_px", "found"),
    [(10, 20, 48, False), (10, 20, 52, True), (6, 6, 24, False), (6, 6, 26, True), (8, 8, 33, True), (8, 8, 29, False)],
    ids=["a quarter", "more than it", "small", "small and certain", "half-way", "half-way and less"],
)
def test_of_a_mark_a_quarter_is_certain_and_of_a_small_one_seven_tenths(rows, cols, certain_px, found, model):
    assert is_found(with_mark(sure_marks(12), rows, cols, certain_px), model) == found
    assert is_found(with_mark(sure_marks(12), rows, cols, certain_px), model, 1.0)


@pytest.mark.parametrize(("number", "found"), [(18, False), (21, False), (27, True), (40, True)])
def test_the_more_marks_are_sure_the_less_each_has_to_be_certain(number, found, model):
    assert is_found(with_mark(sure_marks(number), 10, 20, 20), model) == found


@pytest.mark.parametrize(
    ("number", "shape", "found"),
    [(60, (2000, 3000), False), (110, (2000, 3000), True), (8, (500, 750), False), (15, (500, 750), True)],
    ids=["four times the size", "many there", "a quarter of it", "many for that"],
)
def test_few_is_for_a_frames_area_and_for_its_root_below_that_size(number, shape, found, model):
    assert is_found(with_mark(sure_marks(number, shape), 10, 20, 20), model) == found


def test_the_network_that_sees_infrared_is_seldom_certain_and_asked_for_no_more(model):
    assert is_found(with_mark(sure_marks(12), 10, 20, 20), model, 0.5, INFRARED_RULES)


@pytest.mark.parametrize(("certain_px", "found"), [(82, 0), (90, 6)])
def test_where_of_no_mark_six_tenths_are_certain_none_is_dust(certain_px, found, model):
    probability = np.zeros(SHAPE, np.uint8)
    for index in range(6):
        block = with_mark(np.zeros((40, 60), np.uint8), 12, 12, certain_px)
        probability[100:140, 60 * index : 60 * index + 60] = block
    assert len(sure_regions(probability, model.card, 0.5)) == found
    assert len(sure_regions(probability, model.card, 1.0)) == 6


@pytest.mark.parametrize(("certain_px", "found"), [(80, False), (200, True)])
@pytest.mark.parametrize("side", range(4), ids=["top", "right", "bottom", "left"])
def test_what_touches_the_border_has_to_be_certain_for_the_most_part_as_it_may_go_on(side, certain_px, found, model):
    probability = with_mark(np.zeros((1000, 1000), np.uint8), 15, 20, certain_px)
    inside = probability + sure_marks(12, (1000, 1000))
    at_border = np.rot90(np.roll(probability, -20, axis=0), side) + sure_marks(12, (1000, 1000))
    assert len(sure_regions(inside, model.card, 0.5)) == 13
    assert len(sure_regions(at_border, model.card, 0.5)) == 12 + found


@pytest.mark.parametrize(("certain_px", "found"), [(240, False), (270, True)])
def test_of_a_large_mark_enough_pixels_are_certain_though_most_of_it_is_not(certain_px, found, model):
    probability = np.roll(with_mark(np.zeros(SHAPE, np.uint8), 20, 40, certain_px), -20, axis=0)
    assert len(sure_regions(probability + sure_marks(12), model.card, 0.5)) == 12 + found


@pytest.mark.parametrize(("sure", "found"), [(24, 0), (30, 30)])
def test_a_large_frame_of_foliage_shows_a_few_sure_marks_in_each_piece(sure, found, model):
    """Of all that is nearly a mark in six megapixels a twentieth is sure: 25 are asked for."""
    probability = sure_marks(sure, (2000, 3000))
    for index in range(20 * sure):
        top, left = 700 + 20 * (index // 140), 20 + 20 * (index % 140)
        probability[top : top + 4, left : left + 4] = 140
    assert len(sure_regions(probability, model.card, 0.5)) == found


@pytest.mark.parametrize(("certain_px", "found"), [(240, 0), (270, 7)])
def test_neither_is_six_tenths_asked_of_a_large_mark_on_a_frame_of_doubtful_ones(certain_px, found, model):
    probability = with_mark(np.zeros(SHAPE, np.uint8), 20, 40, certain_px)
    for index in range(6):
        block = with_mark(np.zeros((40, 60), np.uint8), 12, 12, 80)
        probability[200:240, 60 * index : 60 * index + 60] = block
    assert len(sure_regions(probability, model.card, 0.5)) == found
