"""Candidate regions: pixels beyond a threshold from the frame's own noise, with hysteresis, as connected regions.

The seed threshold follows from a rate of false alarms. The rate is measured in the bright tail of the residual, where
no dust can be, and extrapolated with an exponential tail, since misfits at edges have a heavier tail than a Gaussian.
Weak pixels count where they touch a seed (Canny 1986, doi:10.1109/TPAMI.1986.4767851).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection import _region_kernels as kernels
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.noise import TAIL_PARTS, Noise
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual

# Part of the clean film's pixels that may become seeds, at sensitivity 0.5.
FALSE_ALARMS = 5e-6
# Decades of that rate from sensitivity 0 to 1.
DECADES = 4.0
# Threshold of weak pixels at sensitivity 0.5, standard deviations of the noise.
WEAK_DEVIATIONS = 2.4
# Smallest seed threshold, whatever the noise, nepers: 0.8 % of the light.
SHALLOWEST = 0.008
# Smallest region, pixels.
SMALLEST_PX = 3
# Regions below this area are specks, which may be noise, pixels.
SPECKLE_PX = 12
# A frame with more specks than this many for each pixel of film ...
MOST_SPECKLES_PER_PX = 5e-4
# ... and this many beyond them is speckled.
FEWEST_SPECKLES = 20


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


def seed_limits(noise: Noise, sensitivity: float) -> npt.NDArray[np.float32]:
    """Return the thresholds of weak pixels and seeds for each activity grade.

    ::

        rate = 5e-6 * 10^(4 (sensitivity - 0.5))
        seed = offset + (t2 + (t2 - t1) log10(1e-3 / rate)) * deviation
        weak = offset + (2.4 - 0.8 (sensitivity - 0.5)) * deviation

    t1 and t2 are the deviations that 1e-2 and 1e-3 of the bright side exceed: an exponential tail goes through both.
    The factor on the deviation of a seed is kept within 3.5..12, and a seed threshold at 0.008 or more.

    Parameters
    ----------
    noise : Noise
        Noise of the frame's clean film.
    sensitivity : float
        0..1; 0.5 allows 5 false seeds in a million pixels of clean film.

    Returns
    -------
    (3, 16) ndarray of float32
        Density, nepers, for each grade: weak pixels smoothed over 3 by 3, seeds over 3 by 3, seeds over 5 by 5. The
        local factor of the noise is not included.
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


def is_speckled(regions: Regions, film_px: float) -> bool:
    """Return whether the frame has more small regions than dust can explain, so that they are noise.

    ::

        regions under 12 pixels > 5e-4 * film pixels + 20

    Noise of sensor or grain that only darkens does not show in the bright tail, and so not in the thresholds. Very
    dirty film has about 60 specks in a square of 256 pixels at 3600 dpi, hardly any of them under 12 pixels.

    Parameters
    ----------
    regions : Regions
        Candidate regions of the frame.
    film_px : float
        Area of the film, pixels.

    Returns
    -------
    bool
        True: the thresholds are too low.

    References
    ----------
    Ivanova, Williamson and Henderson 2023 (specks on dirty film).
    """
    small = np.count_nonzero(np.diff(regions.starts) < SPECKLE_PX)
    return bool(small > MOST_SPECKLES_PER_PX * film_px + FEWEST_SPECKLES)


def count_for_area(coefficients: tuple[float, float], area_px: int) -> float:
    """Return a number of regions that grows with the area of the frame.

    ::

        count = a + b sqrt(megapixels)

    Parameters
    ----------
    coefficients : (float, float)
        The numbers a and b.
    area_px : int
        Area of the frame, pixels.

    Returns
    -------
    float
        Number of regions.
    """
    return float(coefficients[0] + coefficients[1] * (area_px / 1e6) ** 0.5)


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


def none_of(regions: Regions) -> Regions:
    """Return an empty set of regions."""
    return select(regions, np.zeros(len(regions), np.bool_))


def union(parts: Iterable[Regions], shape: tuple[int, ...]) -> Regions:
    """Return the union of several sets of regions; regions that overlap or touch become one.

    Parameters
    ----------
    parts : iterable of Regions
        Sets of regions of the same frame.
    shape : (rows, cols)
        Size of the frame, pixels.

    Returns
    -------
    Regions
        Those of at least 3 pixels.
    """
    classes = np.zeros(shape, np.uint8)
    for part in parts:
        classes[part.rows, part.cols] = kernels.SEED
    return connected_regions(classes)


def connected_regions(classes: npt.NDArray[np.uint8]) -> Regions:
    """Collect the 8-connected regions of classified pixels that have enough evidence.

    A region counts if it has at least 3 pixels, and a seed or at least 80 faint pixels.

    Parameters
    ----------
    classes : (rows, cols) ndarray of uint8
        Class of each pixel: 0 none, 1 weak, 2 seed, 3 faint (as weak, but many of them count as a seed).

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
