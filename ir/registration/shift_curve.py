"""A course along the rows and a straight line along the columns, through shifts that were measured in places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import interpolate, linalg, optimize

Doubles = npt.NDArray[np.float64]
# The shift at some rows, pixels.
Course = Callable[[Doubles], Doubles]
# From the rows of bands, their levels and their weights.
Line = Callable[[Doubles, Doubles, Doubles], Course]


@dataclass(frozen=True, slots=True)
class Places:
    """Shifts measured in places of a frame, in bands of rows.

    Attributes
    ----------
    rows, cols : (places,) ndarray of float64
        Row, the same for all places of a band, and column away from the middle one, pixels.
    shifts_px : (places, 2) ndarray of float64
        Along rows and columns.
    weights : (places,) ndarray of float64
        How sure each of them is, over 0.
    """

    rows: Doubles
    cols: Doubles
    shifts_px: Doubles
    weights: Doubles

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, measured: Sequence[tuple[float, float, float, float, float]]) -> Places:
        """Gather places of (row, column, shift along rows, shift along columns, weight)."""
        table = np.array(measured, np.float64).reshape(-1, 5)
        return cls(table[:, 0], table[:, 1], table[:, 2:4], table[:, 4])


def fit_course(places: Places, axis: int, rows: int, line: Line) -> tuple[npt.NDArray[np.float32], float]:
    """Lay a course through the shifts along one axis, reweighted against outliers.

    Parameters
    ----------
    places : Places
        At least one.
    axis : int
        Of the shift: 0 or 1.
    rows : int
        Of the frame.
    line : callable
        How bands are joined: `straight_between` or `smooth_along`.

    Returns
    -------
    (rows,) ndarray of float32, float
        The shift of each row at the middle column, and its change from column to column, pixels.
    """
    shift, weights = places.shifts_px[:, axis], places.weights
    fitted = _fitted(shift, weights, places, line)
    # One round leaves a tenth of what outliers do, and each takes a little from the others' accuracy.
    for _ in range(3):
        misfit = places.weights * np.square(fitted.misfit)
        weights = places.weights / (1 + misfit / max(float(np.median(misfit)), 1e-12))
        fitted = _fitted(shift, weights, places, line)
    return fitted.course(np.arange(rows, dtype=np.float64)).astype(np.float32), fitted.slope


@dataclass(frozen=True, slots=True)
class _Fitted:
    course: Course
    slope: float
    misfit: Doubles


def _fitted(shift: Doubles, weights: Doubles, places: Places, line: Line) -> _Fitted:
    """Find the slope within the bands, then the course through their levels."""
    bands, band_of = np.unique(places.rows, return_inverse=True)
    band_weights = np.bincount(band_of, weights)
    levels, middles = (np.bincount(band_of, weights * values) / band_weights for values in (shift, places.cols))
    beside = places.cols - middles[band_of]
    slope = float((weights * beside * (shift - levels[band_of])).sum() / max((weights * beside**2).sum(), 1e-12))
    course = line(bands, levels - slope * middles, band_weights.astype(np.float64))
    return _Fitted(course, slope, shift - course(places.rows) - slope * places.cols)


def straight_between(bands: Doubles, levels: Doubles, weights: Doubles) -> Course:
    """Join the levels of bands by straight lines; the weights say nothing."""
    del weights
    return lambda rows: np.asarray(np.interp(rows, bands, levels))


def smooth_along(bands: Doubles, levels: Doubles, weights: Doubles) -> Course:
    """Lay a natural cubic spline along the levels of bands, as smooth as they ask for; beyond them it goes straight on.

    Notes
    -----
    The smoothing spline of generalised maximum likelihood (Wahba 1985): cross-validation follows noise now and then.
    Taken apart into the spline's own vibrations (Demmler and Reinsch 1975), all smoothnesses are tried at once, in a
    millisecond where `scipy.interpolate.make_smoothing_spline` takes forty.
    """
    if len(bands) < 3:
        return straight_between(bands, levels, weights)
    root = np.sqrt(weights)
    stiffness, modes = linalg.eigh(_bending(bands / bands[-1]) / np.outer(root, root))
    parts = modes.T @ (root * levels)
    # The first two, a level and a slope, do not bend.
    stiffness, bent = stiffness[2:], parts[2:]

    def unlikelihood(log_smoothness: float) -> float:
        damped = _damped(stiffness, log_smoothness)
        return float(np.log((damped * bent**2).sum() + 1e-300) - np.log(damped).mean())

    # From half of the fastest vibration smoothed to half of the slowest left.
    bounds = (-np.log(stiffness[-1]), -np.log(stiffness[0]))
    bent *= 1 - _damped(stiffness, optimize.minimize_scalar(unlikelihood, bounds=bounds, method="bounded").x)
    spline = interpolate.CubicSpline(bands, modes @ parts / root, bc_type="natural")

    def course(rows: Doubles) -> Doubles:
        inner = np.clip(rows, bands[0], bands[-1])
        return np.asarray(spline(inner) + (rows - inner) * spline(inner, 1))

    return course


def _damped(stiffness: Doubles, log_smoothness: float) -> Doubles:
    """Part of each vibration that smoothing takes."""
    stiff = np.exp(log_smoothness) * stiffness
    return np.asarray(stiff / (1 + stiff))


def _bending(knots: Doubles) -> Doubles:
    """Matrix of the integral of the squared second derivative of a natural cubic spline, in its values at the knots."""
    bend = interpolate.CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(knots, 2)
    left, right = bend[:-1], bend[1:]
    wide = (np.diff(knots) / 3)[:, None]
    half = left.T @ (wide * left) + right.T @ (wide * right)
    cross = left.T @ (wide / 2 * right)
    return np.asarray(half + cross + cross.T)
