from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import make_smoothing_spline

from filmscand.ir.registration.shift_curve import MeasuredShifts, fit_shift_curve, linear_curve, smoothing_spline

ROWS = 1000
COLS = np.array([-300.0, 0.0, 300.0])
BANDS = np.linspace(24, 976, 35)


def curved(row):
    return 2.5 * np.sin(row / 110) - 1.0


def measured(curve, slope=0.0, noise=0.0, bands=BANDS, seed=0):
    """Shifts of three places in each band, with the same curve along both axes."""
    rng = np.random.default_rng(seed)
    shifts = [
        (row, col, *(curve(row) + slope * col + noise * rng.standard_normal(2)), 20.0) for row in bands for col in COLS
    ]
    return MeasuredShifts.of(shifts)


def error_px(curve, truth):
    """Root mean square error of a curve, pixels."""
    return np.sqrt(np.square(curve - truth(np.arange(ROWS))).mean())


@pytest.mark.parametrize("curve_fit", [linear_curve, smoothing_spline])
@settings(max_examples=10, deadline=None)
@given(level=st.floats(-16, 16), slope=st.floats(-0.004, 0.004), count=st.integers(1, 40))
def test_a_straight_curve_is_found_whatever_the_number_of_bands(curve_fit, level, slope, count):
    found, across = fit_shift_curve(measured(lambda row: level, slope, bands=BANDS[:count]), 0, ROWS, curve_fit)
    assert found == pytest.approx(np.full(ROWS, level), abs=1e-4)
    assert across == pytest.approx(slope, abs=1e-7)


def test_a_curve_is_found_to_a_hundredth_without_noise():
    found, _ = fit_shift_curve(measured(curved), 1, ROWS, smoothing_spline)
    assert error_px(found[30:-30], lambda row: curved(row[30:-30] if len(row) == ROWS else row)) < 0.01


def scattered_error_px(curve, noise):
    """Mean error over twelve draws, over the standard error of a band."""
    fits = (
        fit_shift_curve(measured(curve, noise=noise, seed=seed), 0, ROWS, smoothing_spline)[0] for seed in range(12)
    )
    return np.mean([error_px(found, curve) for found in fits]) / (noise / np.sqrt(len(COLS)))


def test_noise_is_smoothed_as_far_as_the_curve_is_smooth():
    assert scattered_error_px(curved, 0.05) < 1.12
    assert scattered_error_px(curved, 0.5) < 0.75
    assert scattered_error_px(lambda row: 0 * row, 0.05) < 0.4


@pytest.mark.parametrize(("curve_fit", "most_px"), [(linear_curve, 0.2), (smoothing_spline, 0.05)])
def test_outliers_hardly_count(curve_fit, most_px):
    true = measured(curved, noise=0.05)
    shifts = true.shifts_px.copy()
    shifts[4::20] += 4.0
    found, slope = fit_shift_curve(MeasuredShifts(true.rows, true.cols, shifts, true.weights), 0, ROWS, curve_fit)
    assert error_px(found, curved) < most_px
    assert abs(slope) < 5e-5


def test_shifts_of_higher_weight_count_more():
    weights = np.tile([40.0, 4.0, 4.0], len(BANDS))
    true = measured(lambda row: 0 * row)
    shifts = true.shifts_px + np.tile([0.0, 1.0, -0.5], len(BANDS))[:, None]
    level = {}
    for name, given_weights in (("sure", weights), ("alike", np.ones_like(weights))):
        curve, slope = fit_shift_curve(
            MeasuredShifts(true.rows, true.cols, shifts, given_weights), 0, ROWS, smoothing_spline
        )
        level[name] = abs(curve[500] - 300 * slope)
    assert level["sure"] < 0.5 * level["alike"]


def test_a_curve_is_straight_beyond_the_last_bands():
    found, _ = fit_shift_curve(measured(curved), 0, ROWS, smoothing_spline)
    for end in (found[:25], found[-24:]):
        assert np.diff(end, 2) == pytest.approx(np.zeros(len(end) - 2), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_a_smoothed_curve_is_a_smoothing_spline_of_scipy(seed):
    rng = np.random.default_rng(seed)
    levels, weights = curved(BANDS) + 0.1 * rng.standard_normal(len(BANDS)), rng.uniform(0.5, 2, len(BANDS))
    found = smoothing_spline(BANDS, levels, weights)(BANDS)
    differences = [
        np.abs(make_smoothing_spline(BANDS, levels, weights, lam=lam)(BANDS) - found).max()
        for lam in np.geomspace(1e2, 1e7, 300)
    ]
    assert min(differences) < 0.003
    assert np.abs(found - levels).max() > 0.03
