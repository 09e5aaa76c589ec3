from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from filmscand.ir import CleanOptions
from filmscand.ir.decision.defects import judge
from filmscand.ir.detection.regions import connected_regions, none
from filmscand.ir.methods.infrared import InfraredFrame, heal_with_infrared, look_at_both, mostly_unhealed
from filmscand.ir.methods.measure import fit_frame, open_frame, subtract_leakage
from filmscand.ir.report import DetectorUse
from filmscand.ir.stopwatch import StopWatch
from support.ir_frames import NO_DAMAGE, compiled, simulated
from training.mask_agreement import widened

pytestmark = compiled

OFF, AUTO = CleanOptions(detector=DetectorUse.OFF), CleanOptions()


@cache
def opened(kind="leaky_slide", **changes):
    frame = simulated(kind, "landscape", **changes)
    planes = open_frame(frame.rgb, frame.infrared, StopWatch())
    return frame, InfraredFrame(planes, *subtract_leakage(planes, fit_frame(planes, StopWatch()), StopWatch()))


def square(side_px):
    classes = np.zeros((40, 60), np.uint8)
    classes[10 : 10 + side_px, 10 : 10 + side_px] = 2
    return connected_regions(classes)


def test_the_network_is_not_asked_where_the_options_forbid_it():
    _, frame = opened()
    evidence, residual, model = look_at_both(frame, OFF, StopWatch())
    assert model is None
    assert evidence.probability is None
    assert len(residual) > 0


def healed_frame(frame, evidence, residual, options):
    by_colours = evidence.probability is not None
    return heal_with_infrared(frame, judge(evidence, residual), options, StopWatch(), by_colours=by_colours)


def test_the_network_sees_the_surroundings_of_what_the_infrared_alone_is_not_sure_of(monkeypatch):
    monkeypatch.setattr("filmscand.ir.decision.defects.SURELY_NONE", 0.0)
    monkeypatch.setattr("filmscand.ir.decision.defects.SURELY_DEFECT", 1.1)
    _, frame = opened()
    evidence, residual, model = look_at_both(frame, AUTO, StopWatch())
    assert model.sees_infrared
    assert (evidence.probability[residual.rows, residual.cols] > 127).mean() > 0.5
    assert not np.isin(evidence.probability, [0, 255]).all()
    assert evidence.leakage == pytest.approx(sum(frame.fitted.leakage.slopes))


def test_a_frame_of_which_the_infrared_alone_is_sure_needs_no_network(monkeypatch):
    monkeypatch.setattr("filmscand.ir.decision.defects.SURELY_NONE", 0.5)
    monkeypatch.setattr("filmscand.ir.decision.defects.SURELY_DEFECT", 0.5)
    truth, frame = opened()
    evidence, residual, model = look_at_both(frame, AUTO, StopWatch())
    assert model is None
    assert np.isin(evidence.probability, [0, 255]).all()
    healed = healed_frame(frame, evidence, residual, AUTO)
    assert widened(healed.mask)[truth.visible_mask].mean() > 0.8


def test_a_frame_without_a_candidate_needs_no_network(monkeypatch):
    _, frame = opened("spotless", damage=NO_DAMAGE)
    monkeypatch.setattr("filmscand.ir.methods.infrared.residual_candidates", lambda _: none())
    evidence, residual, model = look_at_both(frame, AUTO, StopWatch())
    assert (evidence.probability, model, len(residual)) == (None, None, 0)
    assert not healed_frame(frame, evidence, residual, AUTO).mask.any()


@pytest.mark.parametrize("options", [AUTO, OFF], ids=["with network", "infrared alone"])
def test_damage_is_healed_and_nothing_else(options):
    truth, frame = opened()
    evidence, residual, _ = look_at_both(frame, options, StopWatch())
    healed = healed_frame(frame, evidence, residual, options)
    assert widened(truth.visible_mask)[healed.mask].mean() > 0.95
    assert widened(healed.mask)[truth.visible_mask].mean() > 0.9
    assert np.array_equal(healed.rgb[~healed.mask], truth.rgb[~healed.mask])
    assert healed.divided + healed.filled > 0


@pytest.mark.parametrize(("healed_rows", "left_px"), [(0, 100), (4, 60), (5, 0), (10, 0)])
def test_what_infrared_left_of_a_defect_counts_where_it_is_most_of_it(healed_rows, left_px):
    mask = np.zeros((40, 60), np.bool_)
    mask[10 : 10 + healed_rows] = True
    assert len(mostly_unhealed(square(10), mask).rows) == left_px
