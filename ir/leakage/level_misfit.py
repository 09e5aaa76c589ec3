"""What a leakage model leaves over at each level of red, from the tiles that it was fitted on.

Levels that hardly occur weigh nothing in the choice of the model, but a band of them would be marked as a defect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.statistics import one_sided_biweight

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LEVELS = 24
# A level's misfit is believed by half at this many pixels.
LEVEL_PRIOR_PIXELS = 60
# What lies on the film never covers this part of a tile with one level of red; the picture does.
SMALLEST_SHARE = 0.05
SMALLEST_RANGE = 0.1
POLISHES = 12
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Levels:
    """Pixels of tiles: centred ln red, what the model leaves over, and weights of 0 or 1; (tiles, pixels) each."""

    red: Doubles
    left: Doubles
    valid: Doubles


def level_misfit(levels: Levels, noise: float, red_logs: Array) -> Array:
    """Return what to add to the table of red.

    The median of each level in each tile is taken apart into tile and level by least absolute deviations (as Tukey's
    median polish, 1977): in a tile that is half black neither half is thrown away as an outlier. From there the pixels
    are averaged with one-sided weights.

    Parameters
    ----------
    levels : Levels
    noise : float
        Deviation of clean film, nepers.
    red_logs : (65536,) ndarray of float32
        Centred natural log of red light for each count.

    Returns
    -------
    (65536,) ndarray of float32
        Nepers.
    """
    red, valid = levels.red, levels.valid
    low, high = np.quantile(red[valid > 0], [0.001, 0.999])
    if high - low < SMALLEST_RANGE:
        return np.zeros(len(red_logs), np.float32)
    bins = level_bins(red, low, high)
    bases, steps = _polished(*_cell_medians(levels, bins), noise)
    for _ in range(ROUNDS):
        left = levels.left - bases - steps[bins]
        weights = valid * one_sided_biweight(left / noise)
        total = np.bincount(bins.ravel(), weights.ravel(), LEVELS)
        mean = np.bincount(bins.ravel(), (weights * left).ravel(), LEVELS) / np.maximum(total, 1e-9)
        steps = steps + mean * total / (total + LEVEL_PRIOR_PIXELS)
        bases = (weights * (levels.left - steps[bins])).sum(axis=1, keepdims=True)
        bases = bases / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return step_table(steps, low, high, red_logs)


def level_bins(red: npt.NDArray[np.floating], low: float, high: float) -> npt.NDArray[np.int64]:
    """Return the level of each ln red between `low` and `high`, 0..LEVELS - 1."""
    return np.clip(((red - low) / (high - low) * LEVELS).astype(np.int64), 0, LEVELS - 1)


def step_table(steps: Doubles, low: float, high: float, red_logs: Array) -> Array:
    """Return the steps of the levels (see `level_bins`) at each ln red of a table, interpolated."""
    centres = low + (np.arange(LEVELS) + 0.5) * (high - low) / LEVELS
    return np.interp(red_logs, centres, steps).astype(np.float32)


def _cell_medians(levels: Levels, bins: npt.NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Median of what is left over, and the number of pixels, of each level in each tile; (tiles, levels) each."""
    tiles = len(bins)
    cells = bins + LEVELS * np.arange(tiles)[:, None]
    counts = np.bincount(cells.ravel(), levels.valid.ravel(), LEVELS * tiles)
    inside, filled = levels.valid > 0, np.flatnonzero(counts)
    medians = np.zeros(counts.size)
    medians[filled] = ndimage.median(levels.left[inside], cells[inside], filled)
    return medians.reshape(tiles, LEVELS), np.asarray(counts.reshape(tiles, LEVELS), np.float64)


def _polished(medians: Doubles, counts: Doubles, noise: float) -> tuple[Doubles, Doubles]:
    """Take (tiles, levels) medians apart into a base for each tile (tiles, 1) and a step for each level.

    Reweighted least squares; the bases are eliminated, which leaves a small system for the steps.
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
