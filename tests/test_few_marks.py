"""On a frame with hardly a mark the detector is asked for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ir_frames import compiled, flat_planes, simulated
from onnx_models import save_detector

from film.frame import Damage
from ir import CleanOptions, clean_frame
from ir.detection import connected_regions
from ir.few_marks import confirmed_marks, may_be_spotless
from ir.healing import Healed
from ir.model_file import load_detector
from ir.report import Method
from ir.stopwatch import StopWatch

SHAPE = (300, 420)
pytestmark = compiled


@pytest.mark.parametrize(("divided", "filled", "asked"), [(0, 0, False), (1, 0, True), (20, 10, True), (20, 11, False)])
def test_up_to_thirty_marks_are_few_and_none_need_no_word(divided, filled, asked):
    nothing = Healed(np.zeros((2, 2, 3), np.uint16), np.zeros((2, 2), np.bool_), divided, filled, 9)
    assert may_be_spotless(nothing) == asked


class Silent:
    """A view of infrared that shows nothing."""

    def planes(self, _, size):
        return np.zeros((3, *size), np.float32)


def spotted(tmp_path, steepness=150.0):
    """A flat frame with marks of three depths that were all healed, and options with a detector that sees the depth."""
    rgb, _ = flat_planes(SHAPE, noise=0.002)
    classes = np.zeros(SHAPE, np.uint8)
    for index, through in enumerate((0.99, 0.935, 0.6)):
        spot = np.s_[60:68, 60 + 100 * index : 68 + 100 * index]
        classes[spot], rgb[spot] = 2, np.rint(rgb[spot] * through)
    mask = classes > 0
    white = rgb.copy()
    white[mask] = 50_000
    path = save_detector(tmp_path / "own.onnx", threshold=0.03, steepness=steepness, infrared=True)
    healed = Healed(white, mask, 2, 1, 0)
    return rgb, Silent(), (connected_regions(classes), healed), CleanOptions(0.5, "auto", str(path))


def kept(spots, sensitivity=0.5):
    rgb, view, (regions, healed), options = spots
    healed = replace(healed, rgb=healed.rgb.copy(), mask=healed.mask.copy())
    options = replace(options, sensitivity=sensitivity)
    return rgb, *confirmed_marks(rgb, (regions, healed), view, options, StopWatch())


def test_a_mark_that_the_detector_denies_stays_as_it_was_to_the_last_bit(tmp_path):
    rgb, healed, model = kept(spotted(tmp_path))
    assert [healed.mask[62, 62 + 100 * index] for index in range(3)] == [False, False, True]
    assert np.array_equal(healed.rgb[~healed.mask], rgb[~healed.mask])
    assert (healed.rgb[62, 262] == 50_000).all()
    assert (healed.divided + healed.filled, healed.left) == (1, 2)
    assert model.sees_infrared


def test_the_higher_the_sensitivity_the_less_is_asked(tmp_path):
    # The second mark is doubtful: it has a probability of some 0.4.
    spots = spotted(tmp_path, steepness=40.0)
    marks = {sensitivity: int(kept(spots, sensitivity)[1].mask.sum()) // 64 for sensitivity in (0.5, 0.75, 1.0)}
    assert marks == {0.5: 1, 0.75: 3, 1.0: 3}


def test_a_detector_that_takes_no_infrared_is_not_asked(tmp_path):
    rgb, view, found, _ = spotted(tmp_path)
    own = CleanOptions(0.5, "auto", str(save_detector(tmp_path / "colours.onnx", threshold=9.0)))
    healed, model = confirmed_marks(rgb, found, view, own, StopWatch())
    assert model is None
    assert healed is found[1]


def test_on_a_frame_with_a_few_real_specks_they_are_confirmed_and_the_report_names_who_did():
    frame = simulated("leaky_slide", "landscape", SHAPE, damage=Damage(0.3, 0.3, 0, 0, 0, median_density=0.4))
    asked, alone = (clean_frame(frame.rgb, frame.infrared, CleanOptions(detector=use)) for use in ("auto", "off"))
    assert 0 < alone.report.defects_divided + alone.report.defects_filled <= 30
    assert asked.report.method == alone.report.method == Method.INFRARED
    assert asked.report.models == {"detector": load_detector(infrared=True).sha256}
    assert alone.report.models == {}
    assert asked.defect_mask.sum() > 0.9 * alone.defect_mask.sum()
    assert (alone.defect_mask >= asked.defect_mask).all()
