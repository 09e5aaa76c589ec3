"""Figures of a detector on held-out frames."""

from __future__ import annotations

import numpy as np
import pytest

from training.networks.validation import (
    BY_BOTH,
    DAMAGED_KINDS,
    KINDS_BY_BOTH,
    Case,
    Limits,
    held_out_cases,
    operating_points,
    validate,
)
from training.sheets.sources import Sources

NO_SOURCES = Sources()


def case(defect, stars=None):
    nothing = np.zeros((3, *defect.shape), np.float32)
    return Case("dust", nothing, nothing, defect, defect, stars)


def test_a_detector_that_knows_the_truth_has_full_marks():
    defect = np.zeros((40, 40), np.bool_)
    defect[10:14, 10:14] = True
    figures = validate(lambda *_: defect.astype(np.float32), [case(defect)])[Limits(0.5, 0.5)]
    assert figures.mean_f1 == 1
    assert figures.strong_recall == 1


def test_false_marks_and_touched_stars_are_counted():
    nothing = np.zeros((100, 100), np.bool_)
    marks = np.zeros((100, 100), np.float32)
    marks[10:13, 10:13] = marks[50:52, 50:52] = 1
    marks[80, 80] = 1
    stars = np.zeros((100, 100), np.int32)
    stars[10:12, 10:12], stars[30, 30] = 1, 2
    figures = validate(lambda *_: marks, [case(nothing, stars)])[Limits(0.5, 0.5)]
    assert figures.false_marks_per_mp == pytest.approx(2 / 0.01)
    assert figures.stars_touched == 0.5


def test_photographs_too_small_to_validate_on_are_refused():
    photo = np.zeros((120, 400, 3), np.uint8)
    with pytest.raises(ValueError, match="of 192 x 128 pixels at least, found one of 400 x 120"):
        next(held_out_cases(Sources(photos=(photo,)), 64))


def test_validation_has_damaged_spotless_and_starry_frames():
    cases = list(held_out_cases(NO_SOURCES, rows=64))
    assert sum(case.defect.any() for case in cases) > 20
    assert sum(not case.defect.any() for case in cases if case.group.startswith("spotless")) >= 8
    assert any(case.stars is not None and case.stars.max() > 10 for case in cases)
    seen = [case for case in cases if case.infrared.any()]
    assert all(case.group.endswith(BY_BOTH) for case in seen)
    assert len(seen) > 15
    expected = {*DAMAGED_KINDS, "star field", "spotless stars", "spotless"}
    assert {case.group for case in cases} == expected | {kind + BY_BOTH for kind in (*KINDS_BY_BOTH, "spotless")}


def test_limits_come_from_the_bench_but_for_the_highest_sensitivity_where_recall_decides():
    defect = np.zeros((40, 40), np.bool_)
    defect[10:14, 10:14] = True
    faint = np.where(defect, np.float32(0.6), np.float32(0.0))
    points = operating_points(validate(lambda *_: faint, [case(defect)]))
    assert points["0"].seed > points["0.5"].seed > points["1"].seed
    assert points["1"].seed <= 0.6
