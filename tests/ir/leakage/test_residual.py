from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.leakage import _residual_kernels as kernels
from filmscand.ir.leakage.model import no_leakage
from filmscand.ir.leakage.residual import FIRST_GRADE, Fitted, Residual, filter_taps, grade_table, residual_density
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.registration.registration import Registration, same_grid
from support import ir_twins as twins

PHASES = 9
LOG_INFRARED = np.log((np.arange(65536) + 50) / 65586).astype(np.float32)


def leaking_light(rng):
    """Leaked light of each count: rises with red, and less with green and blue."""
    share = (np.arange(65536) + 500) / 32768
    return np.stack([share**slope for slope in rng.uniform([0.05, -0.05, -0.05], [0.4, 0.1, 0.1])]).astype(np.float32)


@st.composite
def planes(draw):
    """A picture with hard edges, an infrared plane, its leakage model, and its position."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, cols = draw(st.sampled_from([(1, 2), (3, 41), (66, 5), (9, 130), (67, 70)]))
    rgb = rng.integers(0, 65536, (-(-rows // 3), -(-cols // 4), 3)).repeat(3, 0).repeat(4, 1)[:rows, :cols]
    rgb = np.clip(rgb + rng.integers(-900, 900, rgb.shape), 0, 65535).astype(np.uint16)
    infrared = rng.integers(0, 65536, (rows, cols)).astype(np.uint16)
    leak = twins.Leak(leaking_light(rng), draw(st.sampled_from([1, 3])), draw(st.booleans()))
    segments = -(-cols // kernels.SEGMENT_PX)
    moves = rng.integers(-5, 6, (rows, segments, 2)).astype(np.int16)
    phases = rng.integers(0, PHASES, (rows, segments, 2)).astype(np.uint8)
    blur_px = draw(st.sampled_from([None, 0.0, 0.7, 1.6]))
    taps = np.ones((PHASES, 1)) if blur_px is None else filter_taps(np.linspace(-0.5, 0.5, PHASES), blur_px)
    gains = rng.uniform(0.5, 1.5, (rows, segments)).astype(np.float32)
    return rgb, infrared, leak, (moves, phases, taps.astype(np.float32), gains)


def residual_of(rgb, infrared, leak, place, clip=65536):
    values, grades = np.empty(infrared.shape, np.int16), np.empty(infrared.shape, np.uint8)
    model = (leak.channels, leak.mixing)
    moves, phases, taps, gains = place
    kernels.residual_bands(
        rgb, infrared, leak.light, model, LOG_INFRARED, clip, moves, phases, taps, gains, grade_table(), values, grades
    )
    return Residual(values, grades)


@settings(max_examples=15, deadline=None)
@given(planes(), st.integers(30000, 65536))
def test_the_residual_is_that_of_its_plain_twin(frame, clip):
    rgb, infrared, leak, place = frame
    found = residual_of(rgb, infrared, leak, place, clip)
    moves, phases, taps, gains = place
    expected, contrast, counts = twins.residual(
        rgb, infrared, LOG_INFRARED, leak, twins.Place(moves, taps[phases], gains, kernels.SEGMENT_PX)
    )
    assert np.abs(found.values - expected).max() < 1.1
    assert np.array_equal((found.grades & 128) > 0, counts >= clip)
    lowest, highest = (grades_of(contrast + doubt) for doubt in (-0.001 * contrast - 2e-5, 0.001 * contrast + 2e-5))
    assert ((found.grades & 15) >= lowest).all()
    assert ((found.grades & 15) <= highest).all()


def grades_of(contrast):
    """Grades by definition: half an octave of contrast each, in steps of 1/2048 neper."""
    steps = np.clip(np.floor(contrast * kernels.ACTIVITY_STEPS), 0, kernels.ACTIVITY_STEPS - 1) + 0.5
    grades = np.floor(2 * np.log2(steps / kernels.ACTIVITY_STEPS / FIRST_GRADE)) + 1
    return np.clip(grades, 0, 15).astype(int)


def test_each_grade_is_half_an_octave_of_contrast_above_a_thousandth_of_a_neper():
    grades = grade_table()
    contrast = (np.arange(len(grades)) + 0.5) / len(grades)
    assert (np.diff(grades.astype(int)) >= 0).all()
    assert (grades[contrast < 0.001] == 0).all()
    assert (grades[(contrast > 0.0015) & (contrast < 0.0019)] == 2).all()
    assert (grades[(contrast > 0.0165) & (contrast < 0.022)] == 9).all()
    assert grades[-1] == 15


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.5, 0.5), st.sampled_from([0.0, 0.5, 1.0, 2.4]))
def test_taps_sum_to_1_and_sample_a_fraction_back(fraction, blur_px):
    taps = filter_taps(np.array(fraction), blur_px)
    line = 0.3 + 0.01 * np.arange(len(taps))
    assert taps.sum() == pytest.approx(1, abs=1e-5)
    assert taps @ line == pytest.approx(line[len(taps) // 2] - 0.01 * fraction, abs=3e-4)


def test_taps_blur_by_the_given_deviation():
    taps = filter_taps(np.array(0.0), 1.5)
    away = np.arange(len(taps)) - len(taps) // 2
    assert taps @ away**2 == pytest.approx(1.5**2, rel=0.05)


def test_the_residual_of_a_frame_without_leakage_is_the_logarithm_of_the_infrared():
    rng = np.random.default_rng(2)
    rgb, infrared = (rng.integers(3000, 60000, (30, 50, *more)).astype(np.uint16) for more in ((3,), ()))
    photometry = measure_photometry(rgb, infrared)
    found = residual_density(rgb, infrared, photometry, Fitted(no_leakage(), same_grid(30)))
    assert np.abs(found.values - 4096 * photometry.log_tables[3][infrared]).max() <= 1.05
    assert (found.grades & 15 == 0).all()


def test_the_last_residual_is_repeated_for_four_pixels_beyond_the_end_of_a_shifted_infrared():
    rng = np.random.default_rng(2)
    rgb = rng.integers(2000, 60000, (90, 150, 3)).astype(np.uint16)
    infrared = rng.integers(30000, 40000, (90, 150)).astype(np.uint16)
    photometry = measure_photometry(rgb, infrared)
    moved = Registration(np.full(90, -7.2, np.float32), np.full(90, 9.8, np.float32), 0.0, 0.0, 1.0)
    found = residual_density(rgb, infrared, photometry, Fitted(no_leakage(), moved))
    values, unknown = found.values, found.grades & 128
    assert np.array_equal(values[:7], np.repeat(values[7:8], 7, axis=0))
    assert np.array_equal(values[:, 140:], np.repeat(values[:, 139:140], 10, axis=1))
    assert unknown[:3].all()
    assert unknown[:, 144:].all()
    assert not unknown[3:, :144].any()
    seen = photometry.log_tables[3][infrared[:-7, 10:]] * 4096
    assert np.abs(values[7:, :140] - seen).max() < 1.1
