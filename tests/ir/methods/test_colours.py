from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir import CleanedFrame, CleanOptions, CleanReport
from filmscand.ir.decision.classifier import least_probability
from filmscand.ir.leakage.usability import blocking_caution
from filmscand.ir.methods.colours import (
    MOST_NOISE,
    clean_by_colours,
    colour_caution,
    colour_photometry,
    measure_colours,
    with_inpainting,
)
from filmscand.ir.network.model_file import load_detector
from filmscand.ir.report import Caution, Method
from filmscand.ir.stopwatch import StopWatch
from support.ir_frames import NO_DAMAGE, compiled, photometry_and_tiles, simulated

pytestmark = compiled

SHAPE = (256, 384)
REPORT = CleanReport(Method.NONE, warnings=(Caution.NO_INFRARED,))


def clean(rgb, sensitivity=0.5):
    return clean_by_colours(rgb, CleanOptions(sensitivity), REPORT, StopWatch())


def noisy(level, deviation, seed=1):
    rng = np.random.default_rng(seed)
    return np.clip(level + deviation * rng.standard_normal((*SHAPE, 3)), 0, 65535).astype(np.uint16)


def rocks():
    """Grey gravel, rough from pixel to pixel, with boulders that differ from one another."""
    rng = np.random.default_rng(3)
    boulders = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 20)
    boulders *= 0.8 / boulders.std()
    gravel = 0.6 * rng.standard_normal(SHAPE)
    return np.repeat(np.rint(20_000 * np.exp(boulders + gravel)).clip(1, 65535).astype(np.uint16)[..., None], 3, 2)


def test_a_blank_frame_is_left_as_captured_and_no_detector_runs():
    rgb = noisy(30_000, 100)
    cleaned = clean(rgb)
    assert np.array_equal(cleaned.rgb, rgb)
    assert not cleaned.defect_mask.any()
    assert cleaned.report.warnings == (Caution.NO_INFRARED, Caution.FRAME_UNEXPOSED)
    assert cleaned.report.method is Method.NONE
    assert cleaned.report.models == {}


def test_a_caution_that_is_known_already_is_not_repeated():
    report = CleanReport(Method.NONE, warnings=(Caution.FRAME_UNEXPOSED,))
    cleaned = clean_by_colours(noisy(30_000, 100), CleanOptions(), report, StopWatch())
    assert cleaned.report.warnings == (Caution.FRAME_UNEXPOSED,)


def test_a_frame_of_dark_noise_is_black():
    rgb = noisy(40, 12)
    assert colour_caution(rgb, measure_colours(rgb)) is Caution.FRAME_DARK


def test_gravel_is_rough_as_noise_is_but_not_black():
    rgb = rocks()
    assert blocking_caution(photometry_and_tiles(rgb, rgb[..., 1])[1], measure_colours(rgb)) is Caution.FRAME_DARK
    assert colour_caution(rgb, measure_colours(rgb)) is None


def test_healing_assumes_no_more_noise_than_scanners_have():
    measured = measure_colours(rocks())
    assert max(measured.dark_noise[:3]) > MOST_NOISE
    assert max(colour_photometry(measured).dark_noise[:3]) <= MOST_NOISE


def test_a_dusty_frame_is_cleaned_and_the_report_names_detector_and_threshold():
    model = load_detector()
    frame = simulated("silver", "portrait")
    cleaned = clean(frame.rgb)
    assert cleaned.defect_mask.any()
    assert np.array_equal(cleaned.rgb[~cleaned.defect_mask], frame.rgb[~cleaned.defect_mask])
    assert cleaned.report.method is Method.DETECTOR
    assert cleaned.report.models == {"detector": model.sha256}
    assert cleaned.report.probability_threshold == least_probability(0.5)
    assert cleaned.report.coverage == pytest.approx(cleaned.defect_mask.mean())


def test_a_frame_that_is_not_contiguous_is_cleaned_alike():
    frame = simulated("silver", "portrait")
    mirrored = np.ascontiguousarray(frame.rgb[:, ::-1])[:, ::-1]
    assert np.array_equal(clean(mirrored).rgb, clean(frame.rgb).rgb)


def test_a_spotless_frame_stays_as_it_is():
    frame = simulated("leaky_slide", "landscape", damage=NO_DAMAGE)
    assert not clean(frame.rgb).defect_mask.any()


def test_without_a_model_or_a_defect_nothing_is_inpainted():
    rgb = noisy(30_000, 100)
    photometry = measure_colours(rgb)
    spotless = CleanedFrame.untouched(rgb, REPORT)
    marked = CleanedFrame(rgb, np.ones(SHAPE, np.bool_), REPORT)
    missing = CleanOptions(inpainting_model="/nowhere/lama.onnx")
    assert with_inpainting(marked, rgb, photometry, CleanOptions(), StopWatch()) is marked
    assert with_inpainting(spotless, rgb, photometry, missing, StopWatch()) is spotless
