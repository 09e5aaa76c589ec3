"""Candidate regions: pixels beyond a threshold from the frame's own noise, with hysteresis, as connected regions.

The seed threshold follows from a rate of false alarms. The rate is measured in the bright tail of the residual, where
no dust can be, and extrapolated with an exponential tail, since misfits at edges have a heavier tail than a Gaussian.
Weak pixels count where they touch a seed (Canny 1986, doi:10.1109/TPAMI.1986.4767851).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection import _region_kernels as kernels
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.noise import TAIL_PARTS, Noise
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual

# Part of the clean film's pixels that may become seeds.
FALSE_ALARMS = 5e-6
# Threshold of weak pixels, standard deviations of the noise.
WEAK_DEVIATIONS = 2.4
# Range of the factor on the deviation of a seed's threshold, whatever the tails say.
SEED_DEVIATIONS = (3.5, 12.0)
# Smallest seed threshold, whatever the noise, nepers: 0.8 % of the light.
SHALLOWEST = 0.008
# Smallest region, pixels.
SMALLEST_PX = 3


@dataclass(frozen=True, slots=True)
class Regions:
    """Connected regions of candidate pixels, as lists of pixels sorted by region, then row, then column.

    Attributes
    ----------
    rows, cols : (pixels,) ndarray of int32
        Row and column of each pixel in the frame.
    starts : (regions + 1,) ndarray of int64
        Index of each region's first pixel; the last entry is the number of pixels.
    """

    rows: npt.NDArray[np.int32]
    cols: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """Index of the region that each pixel belongs to, (pixels,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def seed_limits(noise: Noise) -> npt.NDArray[np.float32]:
    """Return the thresholds of weak pixels and seeds for each activity grade.

    ::

        seed = offset + (t2 + (t2 - t1) log10(1e-3 / 5e-6)) * deviation
        weak = offset + 2.4 * deviation

    t1 and t2 are the deviations that 1e-2 and 1e-3 of the bright side exceed: an exponential tail goes through both.
    The factor on the deviation of a seed is kept within 3.5..12, and a seed threshold at 0.008 or more.

    Parameters
    ----------
    noise : Noise
        Noise of the frame's clean film.

    Returns
    -------
    (3, 16) ndarray of float32
        Density, nepers, for each grade: weak pixels smoothed over 3 by 3, seeds over 3 by 3, seeds over 5 by 5. The
        local factor of the noise is not included.
    """
    decades_beyond = np.log10(TAIL_PARTS[1] / FALSE_ALARMS)
    slope = noise.tails[:, 1] - noise.tails[:, 0]
    seeds = np.clip(noise.tails[:, 1] + slope * decades_beyond, *SEED_DEVIATIONS)
    limits = np.empty((3, ACTIVITY_GRADES), np.float32)
    limits[0] = noise.offset[0] + WEAK_DEVIATIONS * noise.deviation[0]
    limits[1:] = noise.offset + seeds[:, None] * noise.deviation
    limits[0] = np.maximum(limits[0], SHALLOWEST / 2)
    limits[1:] = np.maximum(limits[1:], SHALLOWEST)
    return limits


def find_regions(
    residual: Residual,
    base: Base,
    noise: Noise,
    limits: npt.NDArray[np.float32],
    holder_blocks: npt.NDArray[np.bool_],
) -> Regions:
    """Find the regions in which something blocks the infrared.

    ::

        density = base - residual, smoothed over 3 by 3 and 5 by 5 pixels
        seed    = density > limit * local factor, at either smoothing

    Parameters
    ----------
    residual : Residual
        Infrared of the frame without the leaked picture.
    base : Base
        Residual of clean film.
    noise : Noise
        Noise of clean film; only its local factor is used.
    limits : (3, 16) ndarray of float32
        Thresholds, nepers (see `seed_limits`).
    holder_blocks : (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        True for blocks of 8 by 8 pixels without film, in which nothing is found.

    Returns
    -------
    Regions
        Each has a seed, or many weak pixels, and at least 3 pixels.
    """
    classes = np.empty(residual.values.shape, np.uint8)
    columns = base.columns(residual.values.shape[1])
    kernels.classify(
        residual.values,
        residual.grades,
        base.block_px,
        base.level,
        noise.factor,
        columns,
        limits,
        holder_blocks,
        classes,
    )
    return connected_regions(classes)


def region_means(values: npt.NDArray[Any], regions: Regions) -> npt.NDArray[np.float64]:
    """Return the mean over each region of values given for each pixel.

    Parameters
    ----------
    values : (pixels,) ndarray
        One value for each pixel of the regions, in their order.
    regions : Regions
        May be empty.

    Returns
    -------
    (regions,) ndarray of float64
        Means, in the unit of the values.
    """
    if not len(regions):
        return np.zeros(0)
    sums = np.add.reduceat(values, regions.starts[:-1], dtype=np.float64)
    return np.asarray(sums / np.diff(regions.starts))


def select(regions: Regions, keep: npt.NDArray[np.bool_]) -> Regions:
    """Return the regions for which `keep`, a (regions,) ndarray of bool, is True."""
    areas = np.diff(regions.starts)
    pixels = np.repeat(keep, areas)
    starts = np.concatenate([[0], np.cumsum(areas[keep])]).astype(np.int64)
    return Regions(regions.rows[pixels], regions.cols[pixels], starts)


def none() -> Regions:
    """Return an empty set of regions."""
    return Regions(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(1, np.int64))


def concatenated(first: Regions, second: Regions) -> Regions:
    """Return the regions of two sets as one, first those of the first; regions that touch stay apart."""
    rows, cols = (np.concatenate(pair) for pair in ((first.rows, second.rows), (first.cols, second.cols)))
    return Regions(rows, cols, np.concatenate([first.starts, first.starts[-1] + second.starts[1:]]))


def connected_regions(classes: npt.NDArray[np.uint8], smallest_px: int = SMALLEST_PX) -> Regions:
    """Collect the 8-connected regions of classified pixels that have enough evidence.

    A region counts if it has at least `smallest_px` pixels, and a seed or at least 80 faint pixels.

    Parameters
    ----------
    classes : (rows, cols) ndarray of uint8
        Class of each pixel: 0 none, 1 weak, 2 seed, 3 faint (as weak, but many of them count as a seed).
    smallest_px : int
        Smallest region, pixels.

    Returns
    -------
    Regions
        In reading order of their first pixels.
    """
    counts = np.empty(classes.shape[0], np.int64)
    kernels.count_runs(classes, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    runs = np.empty((int(starts[-1]), 3), np.int32)
    kernels.fill_runs(classes, starts, runs)
    parents = np.empty(len(runs), np.int64)
    kernels.union_runs(starts, runs, parents)
    lengths = runs[:, 1] - runs[:, 0]
    areas = np.bincount(parents, weights=lengths, minlength=len(runs))
    seeds = np.bincount(parents, weights=runs[:, 2], minlength=len(runs))
    keep = (
        np.flatnonzero((seeds >= kernels.FAINT_SEEDS)[parents] & (areas >= smallest_px)[parents])
        if len(runs)
        else np.zeros(0, int)
    )
    keep = keep[np.argsort(parents[keep], kind="stable")]
    run_rows = np.searchsorted(starts, keep, side="right") - 1
    return _pixels(runs[keep], run_rows, parents[keep])


def _pixels(runs: npt.NDArray[np.int32], run_rows: npt.NDArray[np.int64], owners: npt.NDArray[np.int64]) -> Regions:
    lengths = runs[:, 1] - runs[:, 0]
    first = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.repeat(run_rows, lengths).astype(np.int32)
    cols = (np.arange(int(first[-1])) - np.repeat(first[:-1] - runs[:, 0], lengths)).astype(np.int32)
    changes = np.flatnonzero(np.diff(owners, prepend=-1))
    return Regions(rows, cols, np.append(first[changes], first[-1]).astype(np.int64))
