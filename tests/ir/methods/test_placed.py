from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir import clean_frame
from filmscand.ir.methods.placed import clean_placed
from filmscand.ir.registration.placement import Fit, Placement, Turn, inverse
from filmscand.ir.report import Caution, CleanedFrame, CleanReport, Method, ShiftReport
from support.ir_frames import cleaned, compiled, simulated

RGB = np.random.default_rng(1).integers(0, 65535, (20, 30, 3)).astype(np.uint16)
INFRARED = np.random.default_rng(2).integers(0, 65535, (20, 30)).astype(np.uint16)


def placed(placement):
    """The planes that the engine was given, and what was made of its answer, in which the first row was darkened."""
    given = []

    def clean(rgb, infrared):
        given[:] = rgb, infrared
        mask = np.zeros(infrared.shape, np.bool_)
        mask[0] = True
        report = CleanReport(Method.INFRARED, shift=ShiftReport(rows_px=0.5), warnings=(Caution.STRONG_LEAKAGE,))
        return CleanedFrame(np.where(mask[..., None], rgb // 2, rgb), mask, report)

    return given, clean_placed(RGB, INFRARED, placement, clean)


def test_turned_infrared_is_given_turned_back_and_the_report_says_so():
    given, made = placed(Placement(Fit.SAME, Turn(False, True, True)))
    assert (given[1] == INFRARED[::-1, ::-1]).all()
    assert made.report.warnings == (Caution.INFRARED_TURNED, Caution.STRONG_LEAKAGE)


def test_the_shift_of_moved_infrared_is_that_of_the_plane_as_scanned():
    _, made = placed(Placement(Fit.SAME, shift_px=(-17, 4)))
    assert made.report.warnings[0] == Caution.INFRARED_MOVED
    assert (made.report.shift.rows_px, made.report.shift.cols_px) == (17.5, -4)


def test_a_positive_is_cleaned_as_a_negative_and_unchanged_outside_the_mask():
    given, made = placed(Placement(Fit.SAME, opposed=True))
    assert (given[0] == inverse(RGB)).all()
    assert (made.rgb[1:] == RGB[1:]).all()
    assert (made.rgb[0] == inverse(inverse(RGB[0]) // 2)).all()
    assert made.report.warnings[0] == Caution.PICTURE_INVERTED


def test_inverted_infrared_is_inverted_back():
    given, made = placed(Placement(Fit.SAME, opposed=True, inverted=True))
    assert (given[0] == RGB).all()
    assert (given[1] == inverse(INFRARED)).all()
    assert made.report.warnings[0] == Caution.INFRARED_INVERTED


@compiled
@pytest.mark.parametrize(
    ("change", "caution"),
    [(lambda plane: plane[::-1, ::-1], Caution.INFRARED_TURNED), (inverse, Caution.INFRARED_INVERTED)],
    ids=["half turn", "inverted"],
)
def test_a_frame_is_cleaned_as_if_its_infrared_had_lain_right(change, caution):
    frame, right = simulated("leaky_slide", "landscape"), cleaned("leaky_slide", "landscape")
    made = clean_frame(frame.rgb, np.ascontiguousarray(change(frame.infrared)))
    assert made.report.warnings == (caution, *right.report.warnings)
    assert (made.rgb == right.rgb).all()


@compiled
def test_the_dust_of_a_positive_is_healed_by_the_infrared_of_its_negative():
    frame = simulated("negative", "landscape")
    positive, ideal = (inverse(picture) for picture in (frame.rgb, frame.clean_rgb))
    made = clean_frame(positive, frame.infrared)
    assert Caution.PICTURE_INVERTED in made.report.warnings
    assert (made.rgb[~made.defect_mask] == positive[~made.defect_mask]).all()
    before, after = (np.abs(picture.astype(float) - ideal)[frame.any_mask].mean() for picture in (positive, made.rgb))
    assert after < 0.4 * before


@compiled
def test_infrared_of_another_frame_is_not_used():
    rgb = simulated("clear_slide", "landscape").rgb
    other = simulated("clear_slide", "smooth_sky", seed=4).infrared
    assert clean_frame(rgb, other).report.warnings[0] == Caution.INFRARED_FOREIGN
