"""Robust statistics of clean film: anything that lies on the film only darkens it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

# Residuals beyond these limits have no weight in a fit, standard deviations.
BRIGHT_LIMIT = 4.0
DARK_LIMIT = 2.5
# Smallest number of values that `sample` leaves of a larger array.
SAMPLE_PIXELS = 10_000


def one_sided_biweight(z: Doubles) -> Doubles:
    """Return Tukey's biweight with a lower limit on the dark side.

    ::

        weight = (1 - (z / c)^2)^2   where |z| < c, else 0
        c      = 2.5 where z < 0 (dark), 4.0 elsewhere (bright)

    Dust only darkens, so that a dark outlier loses its weight earlier than a bright one.

    Parameters
    ----------
    z : ndarray of float64
        Residuals divided by their standard deviation; negative: darker than clean film.

    Returns
    -------
    ndarray of float64
        Weights, 0..1, same shape.

    References
    ----------
    Beaton and Tukey 1974, doi:10.1080/00401706.1974.10489171.
    """
    reach = np.where(z < 0, z / DARK_LIMIT, z / BRIGHT_LIMIT)
    return np.asarray(np.square(np.clip(1 - np.square(reach), 0.0, None)))


def sample(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return evenly spread values, between ten and twenty thousand of a larger array.

    A statistic of so many values has a relative error of about 1 %.

    Parameters
    ----------
    values : (count, ...) ndarray
        Values in an order that has no period along the first axis.

    Returns
    -------
    ndarray
        A view; all values where there are fewer than twenty thousand.
    """
    return values[:: max(1, values.size // SAMPLE_PIXELS)]


def median_and_deviation(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the median and the robust standard deviation of some values.

    ::

        deviation = 1.4826 median(|values - median(values)|)

    A few outliers change neither of the two.

    Parameters
    ----------
    values : ndarray
        At least one value, any unit.

    Returns
    -------
    float, float
        Both in the unit of the values.
    """
    median = float(np.median(values))
    return median, 1.4826 * float(np.median(np.abs(values - median)))


def bright_scale(residual: Doubles) -> float:
    """Return the standard deviation of clean film, measured on its bright side.

    ::

        scale = 1.4826 median(r - median(residual))   over all r > median(residual)

    Dust only darkens, so that pixels brighter than the median are clean film.

    Parameters
    ----------
    residual : (pixels,) ndarray of float64
        At least one residual, any unit; a sample of them is used.

    Returns
    -------
    float
        In the unit of the residual; 0 where no pixel is brighter than the median.
    """
    residual = sample(residual)
    median = float(np.median(residual))
    bright = residual[residual > median] - median
    return 1.4826 * float(np.median(bright)) if bright.size else 0.0


def weighted_median(values: Doubles, weights: Doubles) -> float:
    """Return the smallest value at which the weights up to it reach half of their sum.

    Parameters
    ----------
    values : (count,) ndarray of float64
        At least one value, any unit.
    weights : (count,) ndarray of float64
        Weight of each value, >= 0.

    Returns
    -------
    float
        One of the values.
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(below, 0.5 * below[-1])]])
