"""Noise of clean film in the residual: by activity grade, by place and in the tails.

Dust only darkens, so that the bright side of the residual is clean film: it gives the standard deviation and, in its
tail, the rate of false alarms. No threshold is absolute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize

from filmscand.ir.leakage._residual_kernels import GRADE_BITS
from filmscand.ir.leakage.film_base import Base, base_at, grade_medians, sort_by_grade
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual
from filmscand.ir.planes.tiles import Tiles

Array = npt.NDArray[np.float32]

# Smallest number of pixels of which tails are measured.
SMALLEST_SAMPLE = 400
# Parts of the bright side at which the tail is measured.
TAIL_PARTS = (1e-2, 1e-3)
# Step of the residual, nepers.
QUANTUM = 1.0 / 4096.0
# Density from which on a pixel is certainly a defect, so that it is left out of the noise of clean film, nepers.
OBVIOUS = 0.08
# Number of pixels at which the offset of a grade has half its weight.
PRIOR_PIXELS = 500
# Number of pixels at which the deviation of a grade has half its weight.
FEW_PIXELS = 50
# Smoothing along each axis.
BINOMIAL_3 = np.array([1, 2, 1], np.float32) / 4
BINOMIAL_5 = np.array([1, 4, 6, 4, 1], np.float32) / 16


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of clean film.

    Attributes
    ----------
    deviation : (2, 16) ndarray of float32
        Standard deviation of the residual smoothed over 3 by 3 and over 5 by 5, for each activity grade, nepers.
    offset : (2, 16) ndarray of float32
        Median density of clean film for both smoothings and each grade, nepers, >= 0.
    tails : (2, 2) ndarray of float32
        Number of deviations that 1 % and 0.1 % of the bright side exceed, for both smoothings.
    factor : (block rows, block cols) ndarray of float32
        Local factor on the deviation, 0.6..4.
    """

    deviation: Array
    offset: Array
    tails: Array
    factor: Array


def measure_noise(base: Base, tiles: Tiles, unmixed: Residual, mixed: Residual, margin: int) -> Noise:
    """Measure the noise of clean film on tiles of the frame.

    ::

        deviation = (median - 25 % quantile of the density) / 0.6745, for each grade, not falling with the grade
        factor    = spread of the block / deviation of its grade

    Parameters
    ----------
    base : Base
        Base of the frame.
    tiles : Tiles
        Tiles of the frame.
    unmixed : Residual
        Residual of the tiles that does not treat edge pixels as mixtures. Its misfit at edges can only be dark, so that
        its bright side is noise: deviation and tails are measured on it.
    mixed : Residual
        Residual of the tiles that treats edge pixels as mixtures, as the residual of the frame does: the offset is
        measured on it.
    margin : int
        Invalid pixels at each side of a tile.

    Returns
    -------
    Noise
        For smoothing over 3 by 3 and over 5 by 5 pixels.
    """
    bright = _clean_sample(base, tiles, unmixed, margin)
    deviations = np.stack([_deviation_by_grade(plane, bright.starts) for plane in bright.planes])
    factor = np.clip(base.spread / deviations[0][base.grade], 0.6, 4.0).astype(np.float32)
    tails = np.stack([_tail(p, d, bright.starts) for p, d in zip(bright.planes[1:], deviations[1:], strict=True)])
    all_film = _clean_sample(base, tiles, mixed, margin)
    offsets = np.stack([_offset_by_grade(plane, all_film.starts) for plane in all_film.planes[1:]])
    return Noise(deviations[1:], offsets, tails, factor)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Density of clean film's pixels: plain, over 3 by 3 and over 5 by 5, sorted by grade; and each grade's start."""

    planes: tuple[Array, Array, Array]
    starts: npt.NDArray[np.int64]


def _clean_sample(base: Base, tiles: Tiles, residual: Residual, margin: int) -> _Sample:
    """Return the density of clean film in the tiles; obvious defects and their surroundings are left out."""
    size = tiles.film.shape[1]
    levels = np.stack([base_at(base, int(row), int(col), size) for row, col in tiles.corners])
    density = np.asarray(levels - residual.values * np.float32(QUANTUM), np.float32)
    three, five = (_separable(density, taps) for taps in (BINOMIAL_3, BINOMIAL_5))
    clean = tiles.film & ~ndimage.maximum_filter(three > OBVIOUS, (1, 7, 7))
    inner = (slice(None), slice(margin, size - margin), slice(margin, size - margin, 2))
    keep = clean[inner]
    order, starts = sort_by_grade((residual.grades[inner] & GRADE_BITS)[keep])
    first, second, third = (plane[inner][keep][order] for plane in (density, three, five))
    return _Sample((first, second, third), starts)


def _separable(planes: Array, taps: npt.NDArray[np.floating]) -> Array:
    return np.asarray(ndimage.correlate1d(ndimage.correlate1d(planes, taps, 1), taps, 2), np.float32)


def _deviation_by_grade(density: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Return the deviation of the bright side for each grade, made rising by isotonic regression.

    In a picture without edges the highest grades contain the rims of dust alone. The deviation of a grade is therefore
    a geometric mean of its own, with weight count / (count + FEW_PIXELS), and that of the grade below.
    """
    counts = np.diff(starts)
    measured = np.full(ACTIVITY_GRADES, QUANTUM)
    below = 0.0
    for grade in np.flatnonzero(counts):
        quarter, middle = np.quantile(density[starts[grade] : starts[grade + 1]], [0.25, 0.5])
        own = max((middle - quarter) / 0.6745, QUANTUM)
        weight = counts[grade] / (counts[grade] + FEW_PIXELS) if below else 1.0
        below = measured[grade] = own**weight * (below or 1.0) ** (1 - weight)
    rising = optimize.isotonic_regression(measured, weights=np.maximum(counts, 1e-6)).x
    return np.asarray(np.maximum(rising, QUANTUM), np.float32)


def _offset_by_grade(density: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Return the median density of each grade, at least 0, with half weight at PRIOR_PIXELS pixels."""
    counts = np.diff(starts)
    return np.asarray(np.maximum(grade_medians(density, starts), 0) * (counts / (counts + PRIOR_PIXELS)), np.float32)


def _tail(density: Array, deviation: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Return the deviations that the TAIL_PARTS of the bright side exceed; those of a Gaussian for a small sample."""
    if density.size < SMALLEST_SAMPLE:
        return np.array([2.58, 3.29], np.float32)
    counts = np.diff(starts)
    z = (np.repeat(grade_medians(density, starts), counts) - density) / np.repeat(deviation, counts)
    return np.asarray(np.quantile(z[z > 0], [1 - part for part in TAIL_PARTS]), np.float32)
