"""Robust statistics for film: what lies on it only darkens."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

BRIGHT_LIMIT = 4.0
DARK_LIMIT = 2.5
SAMPLE_PIXELS = 10_000


def one_sided_biweight(z: Doubles) -> Doubles:
    """Tukey's biweight with a nearer limit on the dark side, where the dust lies."""
    reach = np.where(z < 0, z / DARK_LIMIT, z / BRIGHT_LIMIT)
    return np.asarray(np.square(np.clip(1 - np.square(reach), 0.0, None)))


def sample(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return some ten thousand of the values, evenly spread: what is told of them errs by 1 %."""
    return values[:: max(1, values.size // SAMPLE_PIXELS)]


def middle_and_deviation(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the median, and the standard deviation by the median distance to it: a few outliers change neither."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def bright_scale(residual: Doubles) -> float:
    """Standard deviation of clean film, from the pixels of a sample brighter than the median: dust only darkens."""
    residual = sample(residual)
    middle = float(np.median(residual))
    bright = residual[residual > middle] - middle
    return 1.4826 * float(np.median(bright)) if bright.size else 0.0


def weighted_median(values: Doubles, weights: Doubles) -> float:
    """Return the weighted median."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(below, 0.5 * below[-1])]])
