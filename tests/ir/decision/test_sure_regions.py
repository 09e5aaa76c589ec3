from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import sure_regions
from filmscand.ir.network.detector import find_regions
from support.ir_frames import compiled

pytestmark = compiled


def frame_with(sure, doubtful):
    """Probabilities with so many small regions that are sure, and so many that are nearly so."""
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
def test_the_more_regions_are_nearly_sure_the_more_sure_ones_a_dusty_frame_needs(sure, doubtful, found, model):
    assert len(sure_regions(frame_with(sure, doubtful), model.card, 0.5)) == found
    assert len(sure_regions(frame_with(sure, doubtful), model.card, 1.0)) == sure + doubtful


@pytest.mark.parametrize(("level", "found"), [(126, 3), (129, 0)])
def test_pixels_from_probability_one_half_on_count_as_nearly_sure_regions(level, found, model):
    probability = frame_with(3, 0)
    for index in range(25):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = level
    assert len(sure_regions(probability, model.card, 0.5)) == found


def test_a_model_with_limits_below_a_half_is_judged_by_its_own_regions(model):
    low = replace(model.card, seed=(0.4, 0.3, 0.2), grow=(0.3, 0.2, 0.1))
    probability = np.zeros((1000, 1500), np.uint8)
    for index in range(5):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = 120
    assert len(find_regions(probability, *low.limits(0.5))) == 5
    # None exceeds a half, and a mean probability of a half is required.
    assert len(sure_regions(probability, low, 0.5)) == 0
    probability[probability > 0] = 250
    assert len(sure_regions(probability, low, 0.5)) == 5


@pytest.mark.parametrize(("doubtful", "surely_dusty"), [(40, True), (80, False)])
def test_on_a_surely_dusty_frame_a_lower_seed_and_a_wider_rim_make_a_region(doubtful, surely_dusty, model):
    """Where over 0.55 of the regions are sure, half the seed limit 0.8 is enough, and 0.85 of the grow limit 0.4."""
    probability = frame_with(60, 0)
    for index in range(doubtful):
        probability[100:104, 10 + 16 * index : 14 + 16 * index] = 160
    probability[60:64, 100:104] = 150
    probability[60:64, 104:106] = 92
    probability[60:64, 200:204] = 150
    regions = sure_regions(probability, model.card, 0.5)
    assert len(regions) == 60 + surely_dusty * (doubtful + 2)
    assert ((regions.rows < 64) & (regions.cols == 105)).any() == surely_dusty


@pytest.mark.parametrize(("sure", "found"), [(6, 0), (7, 7)])
def test_the_network_that_sees_infrared_needs_more_sure_regions(sure, found, model):
    assert len(sure_regions(frame_with(sure, 0), model.card, 0.5, INFRARED_RULES)) == found


@pytest.mark.parametrize(("sure", "found"), [(1, 0), (2, 2)])
def test_on_a_tiny_frame_two_sure_regions_are_enough(sure, found, model):
    assert len(sure_regions(frame_with(sure, 0)[190:230, :200], model.card, 0.5)) == found


@pytest.mark.parametrize(("certain_px", "found"), [(3, 0), (4, 40)])
def test_a_region_is_sure_if_more_than_a_fifth_of_it_is_certain(certain_px, found, model):
    probability = frame_with(0, 40)
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
def test_a_large_region_has_to_be_surer_than_a_small_one_above_all_where_few_regions_are_sure(
    size_px, level, certain_rows, doubtful, kept, model
):
    probability = frame_with(40, doubtful)
    probability[60 : 60 + size_px, 10 : 10 + size_px] = level
    probability[60 : 60 + certain_rows, 10 : 10 + size_px] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 59 + size_px) & (found.cols == 10 + size_px // 2)).any() == kept
    everything = sure_regions(probability, model.card, 1.0)
    assert ((everything.rows == 59 + size_px) & (everything.cols == 10 + size_px // 2)).any()


@pytest.mark.parametrize(("doubtful", "kept"), [(0, True), (70, True), (100, False), (200, False)])
def test_the_more_regions_are_sure_the_less_a_large_one_needs_beyond_a_small_one(doubtful, kept, model):
    # Its mean is 0.6 and 11 % are certain; it needs 0.72 and 12 %, a small region 0.5.
    probability = frame_with(60, doubtful)
    probability[60:78, 10:28] = 140
    probability[60:62, 10:28] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 77) & (found.cols == 20)).any() == kept
    by_infrared = sure_regions(probability, model.card, 0.5, INFRARED_RULES)
    assert not ((by_infrared.rows == 77) & (by_infrared.cols == 20)).any()


def test_for_the_network_that_sees_infrared_one_certain_pixel_makes_a_region_sure(model):
    probability = frame_with(0, 20)
    for index in range(20):
        probability[200, 10 + 20 * index] = 253
    assert len(sure_regions(probability, model.card, 0.5)) == 0
    assert len(sure_regions(probability, model.card, 0.5, INFRARED_RULES)) == 20


@pytest.mark.parametrize(("doubtful", "found"), [(29, 49), (31, 0)])
def test_for_that_network_regions_belong_to_the_picture_if_less_than_four_in_ten_are_sure(doubtful, found, model):
    assert len(sure_regions(frame_with(20, doubtful), model.card, 0.5, INFRARED_RULES)) == found


def with_core(probability, top, size_px, level, left=700):
    """Put a region of a level, with a sure core of 4 x 4 pixels."""
    probability[top : top + size_px, left : left + size_px] = level
    probability[top + 4 : top + 8, left + 4 : left + 8] = 253


@pytest.mark.parametrize("level", [110, 130], ids=["under the first cut", "under the second cut"])
def test_a_region_that_is_not_sure_enough_is_cut_down_to_its_sure_core(level, model):
    probability = frame_with(60, 150)
    with_core(probability, 60, 18, level)
    found = sure_regions(probability, model.card, 0.5)
    assert len(found) == 211
    of_region = found.rows < 200
    assert of_region.sum() == 16
    assert set(found.rows[of_region]) == {64, 65, 66, 67}


def test_a_third_cut_reduces_a_huge_region_to_its_sure_core(model):
    # Its mean is 0.79; a region of 2500 pixels needs 0.86.
    probability = frame_with(90, 140)
    with_core(probability, 60, 50, 200)
    found = sure_regions(probability, model.card, 0.5)
    assert sorted(set(found.rows[found.rows < 200])) == [64, 65, 66, 67]


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(3, False), (4, True)])
def test_where_a_picture_looks_like_dust_doubtful_regions_are_dropped_and_the_limits_are_higher(
    doubtful, looks_like_dust, model
):
    # 62 sure regions cover 992 pixels, 0.8 of them are 794; a doubtful region covers 256.
    probability = frame_with(60, 0)
    for index in range(doubtful):
        with_core(probability, 60 + 30 * index, 16, 110)
    # Their means are 0.82 and 0.94; a speck needs 0.5, and with the higher limits 0.9.
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
def test_one_large_doubtful_region_is_enough_for_that_where_few_are_sure(size_px, looks_like_dust, model):
    # Sure regions cover 2520 pixels: 0.8 of them are 2016. A larger region counts as 1000.
    probability = frame_with(120, 0)
    probability[60:84, 1000:1025] = 250
    with_core(probability, 60, size_px, 110)
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(9, False), (10, True)])
def test_one_huge_sure_region_does_not_make_up_for_many_doubtful_ones(doubtful, looks_like_dust, model):
    # It counts as 1000 of its 3600 pixels: 1.3 of all sure ones are 2548; a doubtful region covers 256.
    probability = frame_with(60, 0)
    probability[60:120, 1000:1060] = 250
    for index in range(doubtful):
        with_core(probability, 60 + 30 * (index % 4), 16, 110, 700 - 40 * (index // 4))
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust
    assert ((found.rows < 200) & (found.cols >= 1000)).sum() == 3600


def test_without_a_sure_region_nothing_is_a_defect(model):
    probability = np.zeros((60, 80), np.uint8)
    for index in range(1, 5):
        probability[10 * index : 10 * index + 4, 5:9] = 220
    assert len(find_regions(probability, *model.card.limits(0.5))) == 4
    assert len(sure_regions(probability, model.card, 0.5)) == 0
