from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.decision.dust_rules import (
    COLOUR_RULES,
    INFRARED_RULES,
    PIECE_PX,
    TINTED_RULES,
    Requirements,
    count_per_piece,
)
from filmscand.ir.network.model_file import ModelCard

AREAS_PX = np.array([20, 60, 500, 2000, 8000, 20_000])


def required(sensitivity=0.5, sure_part=0.2, few_share=1.0, rules=COLOUR_RULES):
    return Requirements(rules, 230, few_share, sure_part, sensitivity)


@pytest.mark.parametrize("rules", [TINTED_RULES, INFRARED_RULES], ids=["tints", "infrared"])
@pytest.mark.parametrize("area_px", [1_500_000, 24_000_000])
def test_where_colours_do_not_decide_alone_foliage_needs_no_more_sure_regions(rules, area_px):
    assert rules.fewest(0.05, area_px) == rules.fewest(0.25, area_px)


@pytest.mark.parametrize("pieces", [1, 3, 16])
def test_a_count_per_piece_grows_with_the_area(pieces):
    assert count_per_piece(5.0, pieces * PIECE_PX) == pytest.approx(5.0 * pieces)


def test_below_one_piece_a_count_falls_with_the_root_of_the_area():
    assert count_per_piece(6.0, PIECE_PX // 4) == pytest.approx(3.0)


def test_the_fewer_regions_are_sure_the_more_sure_ones_a_dusty_frame_needs():
    fewest = [COLOUR_RULES.fewest(sure_part, 24_000_000) for sure_part in (0.05, 0.1, 0.25, 0.38, 0.9)]
    assert fewest == sorted(fewest, reverse=True)
    # At a tenth, 6 for each of the frame's 16 pieces and one more; at the end, 1 for the root of 24 megapixels.
    assert fewest[0] == fewest[1] == pytest.approx(97.0)
    assert fewest[3] == fewest[4] == pytest.approx(1 + 24**0.5)


@pytest.mark.parametrize("rules", [COLOUR_RULES, INFRARED_RULES, TINTED_RULES], ids=["colours", "infrared", "tints"])
def test_the_larger_a_region_the_more_probable_and_certain_it_has_to_be(rules):
    requirements = required(rules=rules)
    assert (np.diff(requirements.least_mean(AREAS_PX)) >= 0).all()
    assert (np.diff(requirements.least_certain_part(AREAS_PX)) >= 0).all()


def test_on_a_frame_of_which_half_is_sure_a_large_region_needs_no_more_than_a_small_one():
    assert required(sure_part=0.5).least_mean(AREAS_PX) == pytest.approx(0.5)
    assert required(sure_part=0.5).least_certain_part(AREAS_PX) == pytest.approx(0.0)


def test_extra_strictness_moves_limits_a_share_of_their_way_to_one():
    plain = required().least_mean(AREAS_PX)
    assert replace(required(), extra=0.8).least_mean(AREAS_PX) == pytest.approx(plain + 0.8 * (1 - plain))


def test_at_full_sensitivity_nothing_is_required_of_a_region():
    requirements = required(sensitivity=1.0)
    assert requirements.surest_part == 0
    for limits in (requirements.least_mean, requirements.least_certain_part, requirements.least_certain_part_of_few):
        assert not limits(AREAS_PX).any()


@pytest.mark.parametrize(("few_share", "small", "large"), [(1.0, 0.7, 0.25), (0.5, 0.35, 0.125), (0.0, 0.0, 0.0)])
def test_where_few_regions_are_sure_a_small_one_has_to_be_more_certain_than_a_large_one(few_share, small, large):
    requirements = required(few_share=few_share)
    assert requirements.least_certain_part_of_few(np.array([45, 100])) == pytest.approx([small, large])
    assert requirements.surest_part == pytest.approx(0.6 * few_share)


@pytest.mark.parametrize(("sure_part", "factors"), [(0.4, (1.0, 1.0)), (0.5, (0.75, 0.925)), (0.6, (0.5, 0.85))])
def test_on_a_surely_dusty_frame_the_limits_are_lower(sure_part, factors):
    seed, grow = ModelCard().limits(0.5)
    assert required(sure_part=sure_part).limits(ModelCard()) == pytest.approx((seed * factors[0], grow * factors[1]))
