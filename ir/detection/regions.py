"""Which pixels are defects: a threshold from the frame's own noise, with hysteresis, as connected regions.

The seed threshold is set by a false-alarm rate that is read off the bright tail of the residual, where no dust can be,
and extrapolated as an exponential tail (misfits at edges are heavier than Gaussian). Weak pixels count where they touch
a seed (Canny 1986, doi:10.1109/TPAMI.1986.4767851).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection import _region_kernels as kernels
from filmscand.ir.leakage.noise import TAIL_PARTS, Base, Noise
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual

# Part of clean film that may hold a seed, at sensitivity 0.5; four decades from sensitivity 0 to 1.
FALSE_ALARMS = 5e-6
DECADES = 4.0
WEAK_DEVIATIONS = 2.4
# No defect is shallower than this, whatever the noise: 0.8 % of light.
SHALLOWEST = 0.008
SMALLEST_PX = 3
SPECKLE_PX = 12
MOST_SPECKLES_PER_PX = 5e-4
FEWEST_SPECKLES = 20


@dataclass(frozen=True, slots=True)
class Regions:
    """Connected regions of suspected defects, as sparse pixels sorted by region, then row, then column.

    Attributes
    ----------
    rows, cols : (pixels,) ndarray of int32
        Where each pixel lies.
    starts : (regions + 1,) ndarray of int64
        First pixel of each region.
    """

    rows: npt.NDArray[np.int32]
    cols: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """Which region each pixel is of, (pixels,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))


def seed_limits(noise: Noise, sensitivity: float) -> npt.NDArray[np.float32]:
    """Return the thresholds (weak 3 by 3, seed 3 by 3, seed 5 by 5) for each activity grade, nepers.

    Parameters
    ----------
    noise : Noise
    sensitivity : float
        0..1; 0.5 allows 5 false seeds in a million pixels of clean film.

    Returns
    -------
    (3, 16) ndarray of float32
    """
    rate = FALSE_ALARMS * 10 ** (DECADES * (sensitivity - 0.5))
    decades_beyond = np.log10(TAIL_PARTS[1] / rate)
    slope = noise.tails[:, 1] - noise.tails[:, 0]
    seeds = np.clip(noise.tails[:, 1] + slope * decades_beyond, 3.5, 12.0)
    weak = WEAK_DEVIATIONS - 0.8 * (sensitivity - 0.5)
    limits = np.empty((3, ACTIVITY_GRADES), np.float32)
    limits[0] = noise.offset[0] + weak * noise.deviation[0]
    limits[1:] = noise.offset + seeds[:, None] * noise.deviation
    limits[0] = np.maximum(limits[0], SHALLOWEST / 2)
    limits[1:] = np.maximum(limits[1:], SHALLOWEST)
    return limits


def find_defects(
    residual: Residual,
    base: Base,
    noise: Noise,
    limits: npt.NDArray[np.float32],
    holder_blocks: npt.NDArray[np.bool_],
) -> Regions:
    """Find the regions in which something blocks the infrared.

    Parameters
    ----------
    residual, base, noise
        What was measured of the frame.
    limits : (3, 16) ndarray of float32
        Thresholds (see `seed_limits`).
    holder_blocks : ndarray of bool
        Blocks of 8 pixels that are no film.

    Returns
    -------
    Regions
        Each has a seed and at least 3 pixels.
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


def is_speckled(regions: Regions, film_px: float) -> bool:
    """Whether the smallest regions are so many that they are the sensor's or the grain's, and not dust.

    Noise that only darkens does not show in the bright tail. Heavily dirty film has some 60 specks in a square of 256
    pixels at 3600 dpi (reference: Ivanova, Williamson and Henderson 2023), hardly any of them under 12 pixels.
    """
    small = np.count_nonzero(np.diff(regions.starts) < SPECKLE_PX)
    return bool(small > MOST_SPECKLES_PER_PX * film_px + FEWEST_SPECKLES)


def many(count: tuple[float, float], area_px: int) -> float:
    """Return a number of marks for a frame's area: the first, and the second for the root of its megapixels."""
    return float(count[0] + count[1] * (area_px / 1e6) ** 0.5)


def region_means(values: npt.NDArray[Any], regions: Regions) -> npt.NDArray[np.float64]:
    """Return the mean of each region, of values of its pixels."""
    if not len(regions):
        return np.zeros(0)
    sums = np.add.reduceat(values, regions.starts[:-1], dtype=np.float64)
    return np.asarray(sums / np.diff(regions.starts))


def chosen(regions: Regions, keep: npt.NDArray[np.bool_]) -> Regions:
    """Return some of the regions."""
    areas = np.diff(regions.starts)
    pixels = np.repeat(keep, areas)
    starts = np.concatenate([[0], np.cumsum(areas[keep])]).astype(np.int64)
    return Regions(regions.rows[pixels], regions.cols[pixels], starts)


def none_of(regions: Regions) -> Regions:
    """Return none of the regions."""
    return chosen(regions, np.zeros(len(regions), np.bool_))


def joined(parts: Iterable[Regions], shape: tuple[int, ...]) -> Regions:
    """Join regions that overlap or touch, of a plane of so many rows and columns."""
    classes = np.zeros(shape, np.uint8)
    for part in parts:
        classes[part.rows, part.cols] = kernels.SEED
    return connected_regions(classes)


def connected_regions(classes: npt.NDArray[np.uint8]) -> Regions:
    """Collect the 8-connected regions of marked pixels (1 weak, 2 seed, 3 faint) that hold a seed, or much faint."""
    counts = np.empty(classes.shape[0], np.int64)
    kernels.count_runs(classes, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    runs = np.empty((int(starts[-1]), 3), np.int32)
    kernels.fill_runs(classes, starts, runs)
    parents = np.empty(len(runs), np.int64)
    kernels.join_runs(starts, runs, parents)
    lengths = runs[:, 1] - runs[:, 0]
    areas = np.bincount(parents, weights=lengths, minlength=len(runs))
    seeds = np.bincount(parents, weights=runs[:, 2], minlength=len(runs))
    keep = (
        np.flatnonzero((seeds >= kernels.FAINT_SEEDS)[parents] & (areas >= SMALLEST_PX)[parents])
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
