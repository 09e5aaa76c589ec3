"""Misfit of a leakage model between distant levels of red, measured on the blocks of the whole frame.

The model is fitted on tiles, in which black and white seldom meet. In the whole frame they meet along the rim of every
dark object. Blocks on both sides of a rim are compared; a step that most of them show belongs to the level of red and
not to a defect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage.film_base import DUST_RED_RATIO, Base
from filmscand.ir.leakage.level_misfit import LEVELS, level_bins, step_table
from filmscand.ir.leakage.model import Leakage

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Distance of the two blocks of a pair, blocks; the rim between them is left out.
REACH_BLOCKS = 3
# Smallest difference in red between the blocks of a pair, nepers.
LEAST_CONTRAST = 0.25
# Weight of the prior that a level has no step. A pair weighs up to 5, more if it agrees with the others.
PRIOR_PAIRS = 30
# Reweighting rounds.
ROUNDS = 12
# Smallest part of the film that a level has to cover. Rarer levels may be those of defects.
SMALLEST_PART = 0.004
# Smallest range of steps that justifies another pass over the frame, nepers.
WORTH_A_PASS = 0.012


def with_levels(leakage: Leakage, base: Base, table: Array) -> Leakage | None:
    """Return the leakage with its table of red corrected by the steps between levels of red.

    Parameters
    ----------
    leakage : Leakage
        The model that the residual was computed with.
    base : Base
        Base measured on that residual.
    table : (65536,) ndarray of float32
        Natural log of red light for each count.

    Returns
    -------
    Leakage or None
        None where red varies by less than 0.25 nepers or the steps by less than 0.012: no other pass is needed.
    """
    film = base.film & ~base.dark
    if not film.any():
        return None
    red_logs = base.red_logs
    low, high = float(red_logs[film].min()), float(red_logs[film].max())
    if high - low < LEAST_CONTRAST:
        return None
    bins = level_bins(red_logs, low, high)
    steps = level_steps(base.medians, red_logs, bins, film)
    if np.ptp(steps) < WORTH_A_PASS:
        return None
    tables = leakage.tables.copy()
    tables[0] += step_table(steps, low, high, table)
    return replace(leakage, tables=tables)


def level_steps(medians: Array, red_logs: Array, bins: npt.NDArray[np.int64], film: npt.NDArray[np.bool_]) -> Doubles:
    """Fit a step to each level of red by least absolute deviations over pairs of blocks.

    ::

        residual(second) - residual(first) = step(level of second) - step(level of first)

    Parameters
    ----------
    medians, red_logs : (block rows, block cols) ndarray of float32
        Median residual and median natural log of red light of each block, nepers.
    bins : same shape, int64
        Level of each block, 0..LEVELS - 1.
    film : same shape, bool
        True for the blocks to compare.

    Returns
    -------
    (LEVELS,) ndarray of float64
        Steps, nepers; 0 for levels without pairs.
    """
    counts = np.bincount(bins[film], minlength=LEVELS)
    film = film & (counts >= SMALLEST_PART * film.sum())[bins]
    pairs = [_pairs(medians, red_logs, bins, film, move) for move in ((0, 1), (1, 0))]
    first, second, rise = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    steps = np.zeros(LEVELS)
    scale = max(float(np.median(np.abs(rise))), 1e-4) if rise.size else 1.0
    weights = np.ones(len(rise))
    for _ in range(ROUNDS if rise.size else 0):
        normal = np.diag(np.bincount(first, weights, LEVELS) + np.bincount(second, weights, LEVELS))
        np.subtract.at(normal, (first, second), weights)
        np.subtract.at(normal, (second, first), weights)
        right = np.bincount(second, weights * rise, LEVELS) - np.bincount(first, weights * rise, LEVELS)
        steps = np.linalg.solve(normal + PRIOR_PAIRS * np.eye(LEVELS), right)
        weights = 1 / np.maximum(np.abs(rise - steps[second] + steps[first]) / scale, 0.2)
    return steps


def _pairs(
    medians: Array,
    red_logs: Array,
    bins: npt.NDArray[np.int64],
    film: npt.NDArray[np.bool_],
    move: tuple[int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Doubles]:
    """Return the levels of both blocks and the rise of the residual, for all pairs in one direction with contrast."""
    down, across = move[0] * REACH_BLOCKS, move[1] * REACH_BLOCKS
    here = (slice(None, -down or None), slice(None, -across or None))
    there = (slice(down, None), slice(across, None))
    contrast, rise = np.abs(red_logs[there] - red_logs[here]), medians[there] - medians[here]
    # Dust darkens red hardly more than the infrared; a black object differs in red alone.
    paired = film[here] & film[there] & (contrast > np.maximum(LEAST_CONTRAST, DUST_RED_RATIO * np.abs(rise)))
    return bins[here][paired], bins[there][paired], rise[paired].astype(np.float64)
