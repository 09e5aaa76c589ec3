"""Steps of the residual where the picture steps: what the leakage model leaves over between distant levels of red.

The model is fitted on tiles, in which black and white seldom meet. Over the whole frame they do, along the rim of every
dark object; blocks on either side of it are compared, and what most of them say is the level's, not a defect's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage.level_misfit import LEVELS, level_bins, step_table
from filmscand.ir.leakage.model import Leakage
from filmscand.ir.leakage.noise import LIKE_DUST, Base

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Blocks are compared with those so many blocks on; the rim between them is left out.
REACH_BLOCKS = 3
# A difference of levels (nepers of red) that is worth a comparison.
LEAST_CONTRAST = 0.25
# Weight of the supposition that a level has no step; a comparison weighs 0.2 to 5, the more the better it agrees.
PRIOR_PAIRS = 30
ROUNDS = 12
# Levels that cover less than this part of the frame may be defects' own.
SMALLEST_PART = 0.004
# Steps worth another pass over the frame, nepers.
WORTH_A_PASS = 0.012


def with_levels(leakage: Leakage, base: Base, table: Array) -> Leakage | None:
    """Return the leakage with the steps that a frame's blocks show, or None where there are none worth a pass.

    Parameters
    ----------
    leakage : Leakage
        The model that the residual was made with.
    base : Base
        Measured on that residual.
    table : (65536,) ndarray of float32
        Natural log of red light for each count.

    Returns
    -------
    Leakage or None
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
    """Return what the blocks of each level stand out by, as most pairs of blocks say (least absolute deviations).

    Parameters
    ----------
    medians, red_logs : (block rows, block cols) ndarray of float32
        Residual and natural log of red light, nepers.
    bins : same shape, int64
        Level of each block, 0..LEVELS - 1.
    film : same shape, bool
        Blocks to compare.

    Returns
    -------
    (LEVELS,) ndarray of float64
        Nepers; 0 where nothing is known.
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
    """Levels of both blocks, and the rise of the residual, of all pairs in one direction that differ in level."""
    down, across = move[0] * REACH_BLOCKS, move[1] * REACH_BLOCKS
    here = (slice(None, -down or None), slice(None, -across or None))
    there = (slice(down, None), slice(across, None))
    contrast, rise = np.abs(red_logs[there] - red_logs[here]), medians[there] - medians[here]
    # Dust darkens red hardly more than the infrared; a black object differs in red alone.
    chosen = film[here] & film[there] & (contrast > np.maximum(LEAST_CONTRAST, LIKE_DUST * np.abs(rise)))
    return bins[here][chosen], bins[there][chosen], rise[chosen].astype(np.float64)
