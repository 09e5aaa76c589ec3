from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.ir.report import Caution, CleanedFrame, CleanOptions, CleanReport, DetectorUse, Method

COUNTS = st.integers(0, 10**6)


@pytest.mark.parametrize("sensitivity", [-0.01, 1.01, math.nan])
def test_a_sensitivity_out_of_range_is_an_error(sensitivity):
    with pytest.raises(ValueError, match="sensitivity"):
        CleanOptions(sensitivity)


@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 1.0])
def test_a_sensitivity_from_0_to_1_is_accepted(sensitivity):
    assert CleanOptions(sensitivity).sensitivity == sensitivity


def test_an_unknown_use_of_the_detector_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match="auto or off, found sometimes"):
        CleanOptions(detector="sometimes")


@given(COUNTS, COUNTS, COUNTS)
def test_the_defects_found_are_the_sum_of_the_divided_filled_and_left_ones(divided, filled, left):
    report = CleanReport(Method.INFRARED, noise=0.01).with_counts(divided, filled, left)
    assert (report.defects_divided, report.defects_filled, report.defects_left) == (divided, filled, left)
    assert report.defects_found == divided + filled + left
    assert report.noise == 0.01


def test_a_report_becomes_json_with_its_codes_as_plain_words():
    report = CleanReport(Method.FUSION, warnings=(Caution.STRONG_LEAKAGE,), models={"detector": "ab"})
    data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert data["method"] == "fusion"
    assert data["warnings"] == ["strong_leakage"]
    assert data["leakage"] == {"red": 0.0, "green": 0.0, "blue": 0.0, "curvature": 0.0, "explained": 0.0}
    assert data["models"] == {"detector": "ab"}


def test_an_untouched_frame_is_a_copy_of_the_captured_one_without_defects():
    rgb = np.random.default_rng(1).integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    frame = CleanedFrame.untouched(rgb, CleanReport(Method.NONE))
    assert np.array_equal(frame.rgb, rgb)
    assert not np.shares_memory(frame.rgb, rgb)
    assert frame.defect_mask.shape == (4, 5)
    assert not frame.defect_mask.any()


def test_a_plain_word_is_a_use_of_the_detector():
    assert CleanOptions(detector="off").detector == DetectorUse.OFF
