"""Fit of measured shifts: a curve along the rows and a straight line along the columns.

::

    shift(row, col) = curve(row) + slope * (col - middle column)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import interpolate, linalg, optimize

Doubles = npt.NDArray[np.float64]
# Returns the shift at given rows, pixels.
ShiftCurve = Callable[[Doubles], Doubles]
# Returns the curve through the shifts of bands, from their rows, shifts and weights.
CurveFit = Callable[[Doubles, Doubles, Doubles], ShiftCurve]


@dataclass(frozen=True, slots=True)
class MeasuredShifts:
    """Shifts of the infrared measured at places of a frame, several in each band of rows.

    Attributes
    ----------
    rows : (places,) ndarray of float64
        Row of each place, pixels; the same for all places of a band.
    cols : (places,) ndarray of float64
        Distance of each place from the middle column of the frame, pixels.
    shifts_px : (places, 2) ndarray of float64
        Shift along rows and columns, pixels.
    weights : (places,) ndarray of float64
        Weight of each place, > 0; higher where the shift is more certain.
    """

    rows: Doubles
    cols: Doubles
    shifts_px: Doubles
    weights: Doubles

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, measured: Sequence[tuple[float, float, float, float, float]]) -> MeasuredShifts:
        """Gather tuples of (row, column from the middle, shift along rows, shift along columns, weight)."""
        table = np.array(measured, np.float64).reshape(-1, 5)
        return cls(table[:, 0], table[:, 1], table[:, 2:4], table[:, 4])


def fit_shift_curve(
    shifts: MeasuredShifts, axis: int, rows: int, curve_fit: CurveFit
) -> tuple[npt.NDArray[np.float32], float]:
    """Fit one component of the shift, reweighted against outliers.

    ::

        shift(row, col) = curve(row) + slope * col          col: distance from the middle column
        weight          = w / (1 + w misfit^2 / median(w misfit^2))

    Parameters
    ----------
    shifts : MeasuredShifts
        At least one place.
    axis : int
        Component of the shift: 0 along rows, 1 along columns.
    rows : int
        Rows of the frame.
    curve_fit : callable
        Fit of the curve through the shifts of the bands: `linear_curve` or `smoothing_spline`.

    Returns
    -------
    (rows,) ndarray of float32, float
        Shift of each row at the middle column, pixels; and slope, pixels per column.
    """
    shift, weights = shifts.shifts_px[:, axis], shifts.weights
    fit = _fit_once(shift, weights, shifts, curve_fit)
    # One round leaves a tenth of the outliers' effect; each round costs the other places a little accuracy.
    for _ in range(3):
        misfit = shifts.weights * np.square(fit.misfit)
        weights = shifts.weights / (1 + misfit / max(float(np.median(misfit)), 1e-12))
        fit = _fit_once(shift, weights, shifts, curve_fit)
    return fit.curve(np.arange(rows, dtype=np.float64)).astype(np.float32), fit.slope


@dataclass(frozen=True, slots=True)
class _Fit:
    curve: ShiftCurve
    slope: float
    misfit: Doubles


def _fit_once(shift: Doubles, weights: Doubles, shifts: MeasuredShifts, curve_fit: CurveFit) -> _Fit:
    """Fit the slope within the bands, then the curve through the shifts of the bands at the middle column."""
    bands, band_of = np.unique(shifts.rows, return_inverse=True)
    band_weights = np.bincount(band_of, weights)
    band_shifts, band_cols = (np.bincount(band_of, weights * values) / band_weights for values in (shift, shifts.cols))
    beside = shifts.cols - band_cols[band_of]
    slope = float((weights * beside * (shift - band_shifts[band_of])).sum() / max((weights * beside**2).sum(), 1e-12))
    curve = curve_fit(bands, band_shifts - slope * band_cols, band_weights.astype(np.float64))
    return _Fit(curve, slope, shift - curve(shifts.rows) - slope * shifts.cols)


def linear_curve(bands: Doubles, shifts: Doubles, weights: Doubles) -> ShiftCurve:
    """Return the curve that joins the shifts of the bands by straight lines and is constant beyond them.

    Parameters
    ----------
    bands : (bands,) ndarray of float64
        Row of each band, rising, pixels.
    shifts : (bands,) ndarray of float64
        Shift of each band, pixels.
    weights : (bands,) ndarray of float64
        Not used.

    Returns
    -------
    callable
        Shift at given rows, pixels.
    """
    del weights
    return lambda rows: np.asarray(np.interp(rows, bands, shifts))


def smoothing_spline(bands: Doubles, shifts: Doubles, weights: Doubles) -> ShiftCurve:
    """Fit a smoothing spline to the shifts of the bands; beyond them it goes on as a straight line.

    The curve is the natural cubic spline that minimises ::

        sum of weight (shift - curve(row))^2 + smoothness * integral of curve''^2

    with the smoothness of greatest generalised likelihood (Wahba 1985); cross-validation sometimes follows noise. In
    the basis of the spline's eigenvectors (Demmler and Reinsch 1975) each smoothness is a factor on the coefficients,
    so that the search takes a millisecond; `scipy.interpolate.make_smoothing_spline` takes forty.

    Parameters
    ----------
    bands : (bands,) ndarray of float64
        Row of each band, rising, pixels.
    shifts : (bands,) ndarray of float64
        Shift of each band, pixels.
    weights : (bands,) ndarray of float64
        Weight of each band, > 0.

    Returns
    -------
    callable
        Shift at given rows, pixels. With fewer than three bands it is that of `linear_curve`.

    References
    ----------
    Wahba 1985 (generalised maximum likelihood); Demmler and Reinsch 1975 (eigenvectors of the smoothing spline).
    """
    if len(bands) < 3:
        return linear_curve(bands, shifts, weights)
    root = np.sqrt(weights)
    stiffness, modes = linalg.eigh(_bending(bands / bands[-1]) / np.outer(root, root))
    parts = modes.T @ (root * shifts)
    # The first two eigenvectors, a constant and a slope, do not bend.
    stiffness, bent = stiffness[2:], parts[2:]

    def unlikelihood(log_smoothness: float) -> float:
        damped = _damped(stiffness, log_smoothness)
        return float(np.log((damped * bent**2).sum() + 1e-300) - np.log(damped).mean())

    # Bounds: half of the stiffest component is removed, and half of the softest one is left.
    bounds = (-np.log(stiffness[-1]), -np.log(stiffness[0]))
    bent *= 1 - _damped(stiffness, optimize.minimize_scalar(unlikelihood, bounds=bounds, method="bounded").x)
    spline = interpolate.CubicSpline(bands, modes @ parts / root, bc_type="natural")

    def curve(rows: Doubles) -> Doubles:
        inner = np.clip(rows, bands[0], bands[-1])
        return np.asarray(spline(inner) + (rows - inner) * spline(inner, 1))

    return curve


def _damped(stiffness: Doubles, log_smoothness: float) -> Doubles:
    """Return the part of each component that smoothing removes, 0..1."""
    stiff = np.exp(log_smoothness) * stiffness
    return np.asarray(stiff / (1 + stiff))


def _bending(knots: Doubles) -> Doubles:
    """Return the matrix B with v' B v = integral of curve''^2, for the natural spline with values v at the knots."""
    bend = interpolate.CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(knots, 2)
    left, right = bend[:-1], bend[1:]
    wide = (np.diff(knots) / 3)[:, None]
    half = left.T @ (wide * left) + right.T @ (wide * right)
    cross = left.T @ (wide / 2 * right)
    return np.asarray(half + cross + cross.T)
