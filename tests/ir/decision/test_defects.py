from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.decision.classifier import Basis
from filmscand.ir.decision.defects import SURELY_DEFECT, SURELY_NONE, Judged, basis_of, candidates_of, judge
from filmscand.ir.decision.region_features import Evidence
from filmscand.ir.detection.regions import connected_regions, none
from filmscand.ir.network.density_input import density_levels

SHAPE = (60, 80)
LEVELS = density_levels((50_000.0,) * 3)


def squares(*cols):
    classes = np.zeros(SHAPE, np.uint8)
    for col in cols:
        classes[20:26, col : col + 6] = 2
    return connected_regions(classes)


def evidence_of(probability, rgb=None):
    rgb = np.full((*SHAPE, 3), 40_000, np.uint16) if rgb is None else rgb
    return Evidence(rgb, LEVELS, None, 0.0, probability)


@pytest.mark.parametrize(("sensitivity", "kept"), [(0.0, [40]), (0.5, [10, 40]), (1.0, [10, 40, 60])])
def test_a_region_is_a_defect_whole_or_not_at_all_by_one_limit(sensitivity, kept):
    judged = Judged(squares(10, 40, 60), np.array([0.7, 0.995, 0.05]))
    defects = judged.defects(sensitivity)
    assert np.unique(defects.cols // 10 * 10).tolist() == kept
    assert (np.diff(defects.starts) == 36).all()


def test_what_is_neither_surely_a_defect_nor_surely_none_is_doubtful():
    judged = Judged(squares(10, 40, 60), np.array([0.9 * SURELY_NONE, 0.5, SURELY_DEFECT]))
    assert np.unique(judged.doubtful(0.5).cols // 10 * 10).tolist() == [40]
    plane = judged.sure(SHAPE)
    assert (plane[22, 12], plane[22, 42], plane[22, 62]) == (0, 0, 255)
    assert (plane > 0).sum() == 36


def test_what_may_be_a_defect_at_a_high_sensitivity_is_doubtful_there():
    judged = Judged(squares(10, 40), np.array([0.005, 0.02]))
    assert len(judged.doubtful(0.5)) == 0
    assert np.unique(judged.doubtful(1.0).cols // 10 * 10).tolist() == [40]


def test_regions_that_another_sensitivity_would_decide_otherwise_are_counted():
    judged = Judged(squares(10, 40, 60), np.array([0.05, 0.4, 0.95]))
    assert [judged.unsure(sensitivity) for sensitivity in (0.25, 0.5, 0.75)] == [1, 1, 2]


def test_the_certainty_of_a_pixel_is_its_regions_probability():
    plane = Judged(squares(10, 40), np.array([0.2, 1.0])).certainty(SHAPE)
    assert (plane[22, 12], plane[22, 42], plane[0, 0]) == (51, 255, 0)


def test_without_a_network_the_infrareds_candidates_are_judged_alone():
    residual = squares(10, 40)
    assert candidates_of(evidence_of(None), residual) is residual


def test_what_regions_are_judged_by_is_what_was_asked():
    assert basis_of(evidence_of(np.zeros(SHAPE, np.uint8))) is Basis.COLOURS


def test_a_dark_speck_that_the_network_is_sure_of_is_more_probable_than_one_that_it_doubts():
    rgb = np.full((*SHAPE, 3), 40_000, np.uint16)
    rgb[20:26, 10:16] = rgb[20:26, 40:46] = 15_000
    probability = np.zeros(SHAPE, np.uint8)
    probability[20:26, 10:16], probability[20:26, 40:46] = 254, 150
    judged = judge(evidence_of(probability, rgb), none())
    sure, doubtful = judged.probability
    assert sure > 0.5
    assert sure > doubtful
