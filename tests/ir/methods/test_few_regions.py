"""On a frame with hardly a region the detector confirms each one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.frame import Damage
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing.infrared_healing import Healed
from filmscand.ir.methods.few_regions import keep_confirmed, may_be_spotless
from filmscand.ir.network.model_file import load_detector
from filmscand.ir.report import Method
from filmscand.ir.stopwatch import StopWatch
from support.ir_defects import Silent
from support.ir_frames import compiled, flat_planes, simulated
from support.onnx_models import save_detector

SHAPE = (300, 420)
pytestmark = compiled


@pytest.mark.parametrize(
    ("divided", "filled", "side_px", "runs"),
    [
        (0, 0, 1000, False),
        (1, 0, 1000, True),
        (6, 4, 1000, True),
        (6, 5, 1000, False),
        (7, 7, 2000, True),
        (4, 2, 10, False),
    ],
    ids=["none", "one", "ten", "eleven", "fourteen on a large frame", "six on a tiny one"],
)
def test_ten_regions_on_a_megapixel_are_few_and_none_need_no_detector(divided, filled, side_px, runs):
    nothing = Healed(np.zeros((2, 2, 3), np.uint16), np.zeros((side_px, side_px), np.bool_), divided, filled, 9)
    assert may_be_spotless(nothing) == runs


def spotted(tmp_path, throughs, steepness=150.0):
    """A flat frame with healed regions of these transmittances, and options with a detector of depth."""
    rgb, _ = flat_planes(SHAPE, noise=0.002)
    classes = np.zeros(SHAPE, np.uint8)
    for index, through in enumerate(throughs):
        spot = np.s_[60:68, 40 + 60 * index : 48 + 60 * index]
        classes[spot], rgb[spot] = 2, np.rint(rgb[spot] * through)
    mask = classes > 0
    white = rgb.copy()
    white[mask] = 50_000
    path = save_detector(tmp_path / "own.onnx", threshold=0.02, steepness=steepness, infrared=True)
    healed = Healed(white, mask, len(throughs) - 1, 1, 0)
    return rgb, Silent(), (connected_regions(classes), healed), CleanOptions(0.5, "auto", str(path))


def kept_spots(spots, sensitivity=0.5):
    rgb, view, (regions, healed), options = spots
    healed = replace(healed, rgb=healed.rgb.copy(), mask=healed.mask.copy())
    options = replace(options, sensitivity=sensitivity)
    return rgb, *keep_confirmed(rgb, (regions, healed), view, options, StopWatch())


FAINT, DEEP = 0.99, 0.6


def test_where_the_detector_confirms_hardly_any_region_the_others_stay_as_captured(tmp_path):
    rgb, healed, model = kept_spots(spotted(tmp_path, (FAINT, FAINT, FAINT, DEEP)))
    assert [healed.mask[62, 42 + 60 * index] for index in range(4)] == [False, False, False, True]
    assert np.array_equal(healed.rgb[~healed.mask], rgb[~healed.mask])
    assert (healed.rgb[62, 222] == 50_000).all()
    assert (healed.divided + healed.filled, healed.left) == (1, 3)
    assert model.sees_infrared


def test_where_it_confirms_a_third_there_is_dust_and_all_regions_stay_healed(tmp_path):
    _, healed, model = kept_spots(spotted(tmp_path, (FAINT, DEEP, FAINT, DEEP, FAINT)))
    assert healed.mask.sum() == 5 * 64
    assert (healed.divided + healed.filled, healed.left) == (5, 0)
    assert model.sees_infrared


def test_the_higher_the_sensitivity_the_lower_the_limit(tmp_path):
    # Such a region has a probability of some 0.3.
    spots = spotted(tmp_path, (0.97,) * 4, steepness=60.0)
    marks = {sensitivity: int(kept_spots(spots, sensitivity)[1].mask.sum()) // 64 for sensitivity in (0.5, 0.75, 1.0)}
    assert marks == {0.5: 0, 0.75: 4, 1.0: 4}


def test_a_detector_without_an_infrared_input_does_not_run(tmp_path):
    rgb, view, found, _ = spotted(tmp_path, (FAINT, DEEP))
    own = CleanOptions(0.5, "auto", str(save_detector(tmp_path / "colours.onnx", threshold=9.0)))
    healed, model = keep_confirmed(rgb, found, view, own, StopWatch())
    assert model is None
    assert healed is found[1]


def test_a_few_real_specks_are_confirmed_and_the_report_names_the_detector():
    frame = simulated("leaky_slide", "landscape", SHAPE, damage=Damage(0.25, 0.2, 0, 0, 0, median_density=0.4))
    runs, alone = (clean_frame(frame.rgb, frame.infrared, CleanOptions(detector=use)) for use in ("auto", "off"))
    assert 0 < alone.report.defects_divided + alone.report.defects_filled <= 6
    assert runs.report.method == alone.report.method == Method.INFRARED
    assert runs.report.models == {"detector": load_detector(infrared=True).sha256}
    assert alone.report.models == {}
    assert runs.defect_mask.sum() > 0.9 * alone.defect_mask.sum()
    assert (alone.defect_mask >= runs.defect_mask).all()
