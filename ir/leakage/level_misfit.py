"""Misfit of a leakage model at each level of red, measured on the tiles that the model was fitted on.

Rare levels hardly count in the fit of the model, but a band of such a level would be taken for a defect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.statistics import one_sided_biweight

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Number of levels between the darkest and the brightest red.
LEVELS = 24
# Number of pixels at which the misfit of a level has half its weight.
LEVEL_PRIOR_PIXELS = 60
# Smallest part of a tile that a level has to cover. The picture exceeds it; dust never covers so much at one level.
SMALLEST_SHARE = 0.05
# Smallest range of red that is divided into levels, nepers.
SMALLEST_RANGE = 0.1
# Reweighting rounds of the median polish.
POLISHES = 12
# Reweighting rounds over the single pixels after it.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Levels:
    """Pixels of the tiles and what the leakage model leaves over there.

    Attributes
    ----------
    red : (tiles, pixels) ndarray of float64
        Natural log of red light, centred.
    residual : (tiles, pixels) ndarray of float64
        ln infrared minus the model, nepers.
    valid : (tiles, pixels) ndarray of float64
        1 for valid pixels, else 0.
    """

    red: Doubles
    residual: Doubles
    valid: Doubles


def level_misfit(levels: Levels, noise: float, red_logs: Array) -> Array:
    """Measure the misfit of the model at each level of red.

    ::

        residual = base of the tile + step of the level + noise

    First, least absolute deviations on the median of each level in each tile (as Tukey's median polish, 1977): in a
    half black tile neither half is discarded as an outlier. Then means over the pixels with one-sided weights.

    Parameters
    ----------
    levels : Levels
        Valid pixels of the tiles.
    noise : float
        Standard deviation of clean film, nepers.
    red_logs : (65536,) ndarray of float32
        Centred natural log of red light for each count.

    Returns
    -------
    (65536,) ndarray of float32
        Correction to add to the leakage table of red, nepers; 0 where red hardly varies.
    """
    red, valid = levels.red, levels.valid
    low, high = np.quantile(red[valid > 0], [0.001, 0.999])
    if high - low < SMALLEST_RANGE:
        return np.zeros(len(red_logs), np.float32)
    bins = level_bins(red, low, high)
    bases, steps = _polished(*_cell_medians(levels, bins), noise)
    for _ in range(ROUNDS):
        misfit = levels.residual - bases - steps[bins]
        weights = valid * one_sided_biweight(misfit / noise)
        total = np.bincount(bins.ravel(), weights.ravel(), LEVELS)
        mean = np.bincount(bins.ravel(), (weights * misfit).ravel(), LEVELS) / np.maximum(total, 1e-9)
        steps = steps + mean * total / (total + LEVEL_PRIOR_PIXELS)
        bases = (weights * (levels.residual - steps[bins])).sum(axis=1, keepdims=True)
        bases = bases / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return step_table(steps, low, high, red_logs)


def level_bins(red: npt.NDArray[np.floating], low: float, high: float) -> npt.NDArray[np.int64]:
    """Return the level of each pixel or block.

    Parameters
    ----------
    red : ndarray
        Natural log of red light.
    low, high : float
        Logs at which the first level begins and the last one ends; what lies beyond belongs to these levels.

    Returns
    -------
    ndarray of int64
        0..LEVELS - 1, same shape.
    """
    return np.clip(((red - low) / (high - low) * LEVELS).astype(np.int64), 0, LEVELS - 1)


def step_table(steps: Doubles, low: float, high: float, red_logs: Array) -> Array:
    """Interpolate the steps of the levels to each count.

    Parameters
    ----------
    steps : (LEVELS,) ndarray of float64
        Step of each level (see `level_bins`), nepers.
    low, high : float
        Logs at which the first level begins and the last one ends.
    red_logs : (65536,) ndarray of float32
        Natural log of red light for each count.

    Returns
    -------
    (65536,) ndarray of float32
        Nepers; constant beyond the centres of the first and the last level.
    """
    centres = low + (np.arange(LEVELS) + 0.5) * (high - low) / LEVELS
    return np.interp(red_logs, centres, steps).astype(np.float32)


def _cell_medians(levels: Levels, bins: npt.NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Return the median residual and the number of pixels of each level in each tile; (tiles, levels) each."""
    tiles = len(bins)
    cells = bins + LEVELS * np.arange(tiles)[:, None]
    counts = np.bincount(cells.ravel(), levels.valid.ravel(), LEVELS * tiles)
    inside, filled = levels.valid > 0, np.flatnonzero(counts)
    medians = np.zeros(counts.size)
    medians[filled] = ndimage.median(levels.residual[inside], cells[inside], filled)
    return medians.reshape(tiles, LEVELS), np.asarray(counts.reshape(tiles, LEVELS), np.float64)


def _polished(medians: Doubles, counts: Doubles, noise: float) -> tuple[Doubles, Doubles]:
    """Split (tiles, levels) medians into a base for each tile, (tiles, 1), and a step for each level.

    Reweighted least squares; the bases are eliminated, so that a small system for the steps remains.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    trust = np.where(share > SMALLEST_SHARE, counts, 0.0)
    weights: Doubles = trust
    steps, bases = np.zeros(LEVELS), np.zeros((len(medians), 1))
    for _ in range(POLISHES):
        total = weights.sum(axis=1, keepdims=True) + 1e-9
        part = weights / total
        normal = np.diag(weights.sum(axis=0) + LEVEL_PRIOR_PIXELS) - weights.T @ part
        right = (weights * medians).sum(axis=0) - part.T @ (weights * medians).sum(axis=1)
        steps = np.asarray(np.linalg.solve(normal, right))
        bases = np.asarray((part * (medians - steps)).sum(axis=1, keepdims=True))
        weights = np.asarray(trust * noise / np.maximum(np.abs(medians - bases - steps), noise))
    return bases, steps
