"""Film that leaks strongly: the detector sees colours and infrared, and is better than either alone."""

from __future__ import annotations

import numpy as np
import pytest
from ir_frames import NO_DAMAGE, compiled, simulated
from onnx_models import save_detector

from bench.metrics import Answer, Judge
from film.frame import Damage
from ir import CleanOptions, clean_frame
from ir.model_file import load_detector
from ir.report import Caution, Method

pytestmark = compiled
SHAPE = (400, 600)
DUSTY = Damage(dust=3, dirt=3)


def kodachrome(picture="landscape", damage=DUSTY):
    return simulated("kodachrome", picture, SHAPE, damage=damage)


def cleaned(frame, **options):
    return clean_frame(frame.rgb, frame.infrared, CleanOptions(**options))


def scored(frame, result):
    return Judge(frame).score(Answer(result.rgb, result.defect_mask, 0.0))


@pytest.mark.parametrize("picture", ["landscape", "portrait"])
def test_infrared_and_colours_together_find_more_than_either_alone(picture):
    frame = kodachrome(picture)
    together = scored(frame, cleaned(frame))
    infrared_alone = scored(frame, cleaned(frame, detector="off"))
    colours_alone = scored(frame, clean_frame(frame.rgb, None))
    assert together.f1 > 0.9
    assert together.f1 > max(infrared_alone.f1, colours_alone.f1)
    assert not together.worse


def test_the_report_says_that_both_decided_and_names_the_model():
    result = cleaned(kodachrome())
    model = load_detector(infrared=True)
    assert model.sees_infrared
    assert Caution.STRONG_LEAKAGE in result.report.warnings
    assert result.report.method == Method.FUSION
    assert result.report.models == {"detector": model.sha256}
    assert result.report.probability_threshold == model.card.limits(0.5)[0]
    assert np.array_equal(result.rgb[~result.defect_mask], kodachrome().rgb[~result.defect_mask])


@pytest.mark.parametrize("picture", ["landscape", "portrait", "night"])
def test_a_spotless_frame_is_not_touched(picture):
    assert not cleaned(kodachrome(picture, NO_DAMAGE)).defect_mask.any()


def test_a_detector_that_takes_no_infrared_decides_by_the_colours(tmp_path):
    own = str(save_detector(tmp_path / "own.onnx"))
    frame = kodachrome("smooth_sky")
    by_both, by_colours = (
        clean_frame(frame.rgb, infrared, CleanOptions(detector_model=own)) for infrared in (frame.infrared, None)
    )
    assert by_both.report.method == Method.DETECTOR
    assert by_both.defect_mask.any()
    # The infrared tells the course of what is found, and where healing is not worth it.
    found = by_both.defect_mask & by_colours.defect_mask
    assert found.sum() > 0.8 * max(by_both.defect_mask.sum(), by_colours.defect_mask.sum())
