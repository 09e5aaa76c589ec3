from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import sure_regions
from filmscand.ir.network.detector import find_regions
from support.ir_frames import compiled

pytestmark = compiled


def marked(sure, doubtful):
    """Probabilities with so many small marks that are sure, and so many that are nearly so."""
    probability = np.zeros((1000, 1500), np.uint8)
    for index in range(sure + doubtful):
        top, left = 200 + 20 * (index // 50), 10 + 20 * (index % 50)
        probability[top : top + 4, left : left + 4] = 253 if index < sure else 225
    return probability


@pytest.mark.parametrize(
    ("sure", "doubtful", "found"),
    [(2, 0, 0), (3, 0, 3), (3, 4, 3), (3, 6, 0), (4, 8, 4), (7, 25, 0), (8, 25, 8), (200, 0, 200)],
    ids=["two", "three", "of seven", "of nine", "four of twelve", "seven of many", "eight of many", "many"],
)
def test_the_more_there_is_that_is_nearly_so_the_more_sure_marks_make_a_frame_dusty(sure, doubtful, found, model):
    assert len(sure_regions(marked(sure, doubtful), model.card, 0.5)) == found
    assert len(sure_regions(marked(sure, doubtful), model.card, 1.0)) == sure + doubtful


@pytest.mark.parametrize(("level", "found"), [(126, 3), (129, 0)])
def test_also_what_is_no_mark_is_nearly_one_from_a_half_on(level, found, model):
    probability = marked(3, 0)
    for index in range(25):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = level
    assert len(sure_regions(probability, model.card, 0.5)) == found


def test_a_model_with_limits_below_a_half_is_asked_for_its_own_marks(model):
    low = replace(model.card, seed=(0.4, 0.3, 0.2), grow=(0.3, 0.2, 0.1))
    probability = np.zeros((1000, 1500), np.uint8)
    for index in range(5):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = 120
    assert len(find_regions(probability, *low.limits(0.5))) == 5
    # None is over a half, and a mean probability of a half is asked.
    assert len(sure_regions(probability, low, 0.5)) == 0
    probability[probability > 0] = 250
    assert len(sure_regions(probability, low, 0.5)) == 5


@pytest.mark.parametrize(("doubtful", "surely_dusty"), [(40, True), (80, False)])
def test_where_a_frame_is_surely_dusty_a_lower_seed_and_a_wider_rim_make_a_mark(doubtful, surely_dusty, model):
    """Of its seed of 0.8 half is enough where over 0.55 of the marks are sure, and of 0.4 to grow 0.85."""
    probability = marked(60, 0)
    for index in range(doubtful):
        probability[100:104, 10 + 16 * index : 14 + 16 * index] = 160
    probability[60:64, 100:104] = 150
    probability[60:64, 104:106] = 92
    probability[60:64, 200:204] = 150
    regions = sure_regions(probability, model.card, 0.5)
    assert len(regions) == 60 + surely_dusty * (doubtful + 2)
    assert ((regions.rows < 64) & (regions.cols == 105)).any() == surely_dusty


@pytest.mark.parametrize(("sure", "found"), [(6, 0), (7, 7)])
def test_the_network_that_sees_infrared_has_to_see_more_however_sure_it_is(sure, found, model):
    assert len(sure_regions(marked(sure, 0), model.card, 0.5, INFRARED_RULES)) == found


@pytest.mark.parametrize(("sure", "found"), [(1, 0), (2, 2)])
def test_on_a_tiny_frame_two_sure_marks_are_enough(sure, found, model):
    assert len(sure_regions(marked(sure, 0)[190:230, :200], model.card, 0.5)) == found


@pytest.mark.parametrize(("certain_px", "found"), [(3, 0), (4, 40)])
def test_sure_is_a_mark_of_which_more_than_a_fifth_is_certain(certain_px, found, model):
    probability = marked(0, 40)
    for index in range(40):
        probability[200, 10 + 20 * index : 10 + 20 * index + certain_px] = 253
    assert len(sure_regions(probability, model.card, 0.5)) == found


@pytest.mark.parametrize(
    ("size_px", "level", "certain_rows", "doubtful", "kept"),
    [
        (30, 145, 3, 6, True),
        (30, 110, 3, 6, False),
        (30, 145, 8, 104, False),
        (30, 200, 8, 104, True),
        (30, 185, 8, 104, False),
        (30, 240, 5, 104, False),
        (30, 240, 6, 104, True),
        (18, 170, 4, 104, True),
        (18, 150, 4, 104, False),
        (8, 150, 2, 104, True),
        (50, 200, 14, 104, False),
        (50, 210, 14, 104, True),
        (100, 195, 32, 104, False),
        (100, 210, 32, 104, True),
        (100, 235, 29, 104, False),
    ],
    ids=[
        *("dusty frame", "less likely", "where three in ten are sure", "surer itself", "doubtful all over"),
        *("hardly certain", "certain enough", "middling and sure", "middling", "small", "huge", "huge and sure"),
        *("vast", "vast and sure", "vast and hardly certain"),
    ],
)
def test_the_larger_a_mark_the_surer_it_has_to_be_all_over_and_the_more_so_where_little_is_sure(
    size_px, level, certain_rows, doubtful, kept, model
):
    probability = marked(40, doubtful)
    probability[60 : 60 + size_px, 10 : 10 + size_px] = level
    probability[60 : 60 + certain_rows, 10 : 10 + size_px] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 59 + size_px) & (found.cols == 10 + size_px // 2)).any() == kept
    everything = sure_regions(probability, model.card, 1.0)
    assert ((everything.rows == 59 + size_px) & (everything.cols == 10 + size_px // 2)).any()


@pytest.mark.parametrize(("doubtful", "kept"), [(0, True), (70, True), (100, False), (200, False)])
def test_the_more_marks_are_sure_the_less_is_asked_of_a_large_one_beyond_what_is_of_a_small_one(doubtful, kept, model):
    # Its mean is 0.6 and 11 % are certain; 0.72 and 12 % are asked, of the others 0.5.
    probability = marked(60, doubtful)
    probability[60:78, 10:28] = 140
    probability[60:62, 10:28] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 77) & (found.cols == 20)).any() == kept
    by_infrared = sure_regions(probability, model.card, 0.5, INFRARED_RULES)
    assert not ((by_infrared.rows == 77) & (by_infrared.cols == 20)).any()


def test_to_the_network_that_sees_infrared_a_mark_is_sure_that_is_certain_anywhere(model):
    probability = marked(0, 20)
    for index in range(20):
        probability[200, 10 + 20 * index] = 253
    assert len(sure_regions(probability, model.card, 0.5)) == 0
    assert len(sure_regions(probability, model.card, 0.5, INFRARED_RULES)) == 20


@pytest.mark.parametrize(("doubtful", "found"), [(29, 49), (31, 0)])
def test_to_it_marks_of_which_less_than_four_in_ten_are_sure_are_the_pictures(doubtful, found, model):
    assert len(sure_regions(marked(20, doubtful), model.card, 0.5, INFRARED_RULES)) == found


def with_core(probability, top, size_px, level, left=700):
    """Put a mark of a level, with a sure core of 4 x 4 pixels."""
    probability[top : top + size_px, left : left + size_px] = level
    probability[top + 4 : top + 8, left + 4 : left + 8] = 253


@pytest.mark.parametrize("level", [110, 130], ids=["under the first cut", "under the second cut"])
def test_a_mark_that_is_not_sure_enough_all_over_is_cut_down_to_what_is(level, model):
    probability = marked(60, 150)
    with_core(probability, 60, 18, level)
    found = sure_regions(probability, model.card, 0.5)
    assert len(found) == 211
    of_mark = found.rows < 200
    assert of_mark.sum() == 16
    assert set(found.rows[of_mark]) == {64, 65, 66, 67}


def test_a_huge_mark_is_cut_down_to_what_is_sure_by_a_third_cut(model):
    # Its mean is 0.79, where 0.86 is asked of its 2500 pixels.
    probability = marked(90, 140)
    with_core(probability, 60, 50, 200)
    found = sure_regions(probability, model.card, 0.5)
    assert sorted(set(found.rows[found.rows < 200])) == [64, 65, 66, 67]


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(3, False), (4, True)])
def test_where_a_picture_looks_like_dust_doubtful_marks_are_left_and_more_is_asked_of_the_others(
    doubtful, looks_like_dust, model
):
    # 62 sure marks cover 992 pixels, 0.8 of them are 794; a doubtful mark covers 256.
    probability = marked(60, 0)
    for index in range(doubtful):
        with_core(probability, 60 + 30 * index, 16, 110)
    # Their means are 0.82 and 0.94; of a speck 0.5 is asked, and then 0.9.
    for col, level in ((100, 205), (200, 240)):
        probability[60:64, col : col + 4] = level
        probability[61, col + 1] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert (found.rows >= 200).sum() == 960
    above = found.cols[found.rows < 200]
    assert (above == 706).any() != looks_like_dust
    assert (above == 101).any() != looks_like_dust
    assert (above == 201).any()


@pytest.mark.parametrize(("size_px", "looks_like_dust"), [(44, False), (46, True)])
def test_one_large_doubtful_mark_is_enough_where_little_is_sure(size_px, looks_like_dust, model):
    # Sure marks cover 2520 pixels: 0.8 of them are 2016. Of a mark of more 1000 count.
    probability = marked(120, 0)
    probability[60:84, 1000:1025] = 250
    with_core(probability, 60, size_px, 110)
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(9, False), (10, True)])
def test_one_huge_mark_does_not_make_up_for_many_doubtful_ones(doubtful, looks_like_dust, model):
    # It counts as 1000 of its 3600 pixels: 1.3 of all sure ones are 2548; a doubtful mark covers 256.
    probability = marked(60, 0)
    probability[60:120, 1000:1060] = 250
    for index in range(doubtful):
        with_core(probability, 60 + 30 * (index % 4), 16, 110, 700 - 40 * (index // 4))
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust
    assert ((found.rows < 200) & (found.cols >= 1000)).sum() == 3600


def test_without_a_mark_that_is_sure_nothing_is_a_defect(model):
    probability = np.zeros((60, 80), np.uint8)
    for index in range(1, 5):
        probability[10 * index : 10 * index + 4, 5:9] = 220
    assert len(find_regions(probability, *model.card.limits(0.5))) == 4
    assert len(sure_regions(probability, model.card, 0.5)) == 0
