"""Heal defects: divide out where light comes through, fill where none does, blend in between, or leave alone.

All sparse: only defect pixels are computed, from untouched ones. Values are compared as the eye sees them (light to
the power 1 / 2.2). Two guesses are made of each pixel, with the error that each is expected to have: the picture's own
light divided by what the defect lets through, and an interpolation from around. They are weighted by those errors
(the Wiener weight), which makes the tiers one formula. A region whose change promises no gain is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ir import _healing_kernels as kernels
from ir._detection_kernels import GRADE_BITS
from ir.absorption import DefectSample, depth_evidence, fit_absorption, transmitted_density
from ir.detection import Regions
from ir.noise import Base
from ir.photometry import Photometry
from ir.residual import Residual

Array = npt.NDArray[np.float32]

DISPLAY_GAMMA = 2.2
GRAIN_VARIANCE = 1e-4
# Squared error of a fill for its directions' spread and their ends' disagreement: regression on simulated film, where
# the truth is known (bench/quality prints it).
SPREAD_ERROR = 2.0
DOUBT_ERROR = 0.3
# Smallest change worth making: less than what one sees or what the noise hides.
SMALLEST_CHANGE = 0.006
# Promised squared error of a healed region against the raw one's.
WORTH_HEALING = 0.8
DARK_DOUBT = 2.0
# Regions wider than this are cut into cells.
WIDE_REGION_PX = 96
CELL_PX = 48


@dataclass(frozen=True, slots=True)
class Healed:
    """A healed picture and what was done.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    mask : (rows, cols) ndarray of bool
        Pixels that were changed.
    divided, filled, left : int
        Regions healed mostly by dividing out, mostly by filling, and not at all.
    """

    rgb: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.bool_]
    divided: int
    filled: int
    left: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a frame before healing.

    Attributes
    ----------
    photometry, residual, base
        See their modules.
    limits : (3, 16) ndarray of float32
        Thresholds (see `seed_limits`).
    defect_gain : float
        Factor that gives a neutral defect its full infrared density back (see `Leakage`).
    noise : float
        Deviation of clean film's residual, nepers.
    """

    photometry: Photometry
    residual: Residual
    base: Base
    limits: Array
    defect_gain: float
    noise: float


@dataclass(frozen=True, slots=True)
class _Pixels:
    """What is known of each defect pixel: densities (n, 3 scales), raw and filled display values (n, 3), errors."""

    density: Array
    raw: Array
    fill: Array
    fill_variance: Array
    noise: Array


def heal(
    rgb: npt.NDArray[np.uint16],
    regions: Regions,
    measured: Measured,
) -> Healed:
    """Heal the defects of a frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    regions : Regions
    measured : Measured

    Returns
    -------
    Healed
        Outside `mask` equal to `rgb` to the last bit.
    """
    photometry, residual, base = measured.photometry, measured.residual, measured.base
    healed, mask = rgb.copy(), np.zeros(rgb.shape[:2], np.bool_)
    if not len(regions):
        return Healed(healed, mask, 0, 0, 0)
    regions, parents = split_wide(regions)
    pixels = _look(rgb, regions, photometry, residual, base)
    owners = np.repeat(np.arange(len(regions)), np.diff(regions.starts))
    ratio = DISPLAY_GAMMA * np.log(pixels.fill / pixels.raw)
    # Near black a ratio says little: noise moves it, and the bend of the tables flattens it.
    ratio_variance = (DISPLAY_GAMMA / pixels.raw) ** 2 * pixels.fill_variance + np.square(DARK_DOUBT * pixels.noise)
    sample = DefectSample(pixels.density, ratio, ratio_variance)
    evidence = _evidence(pixels, regions, measured, parents)
    absorption = fit_absorption(sample, owners, (parents, evidence), measured.defect_gain)
    taken, taken_variance = transmitted_density(absorption, pixels.density, owners, measured.noise)
    divided = pixels.raw * np.exp(taken / DISPLAY_GAMMA)
    # Noise that the clean film would show as well is no error of dividing; what it is lifted by is.
    lifted = pixels.noise * (1 - np.exp(-np.maximum(taken, 0)))
    divided_variance = (divided / DISPLAY_GAMMA) ** 2 * (taken_variance + lifted**2)
    weight = pixels.fill_variance / (pixels.fill_variance + divided_variance)
    value = weight * divided + (1 - weight) * pixels.fill
    promised = _promise(pixels, value, weight * divided_variance, owners) & absorption.visible
    smallest = np.maximum(SMALLEST_CHANGE, pixels.noise)
    change = (DISPLAY_GAMMA * np.abs(value / pixels.raw - 1) > smallest).any(axis=1)
    chosen = promised[owners] & change & (pixels.fill[:, 0] > 0)
    rows, cols = regions.rows[chosen], regions.cols[chosen]
    healed[rows, cols] = _counts(value[chosen], photometry)
    mask[rows, cols] = True
    return _tally(healed, mask, promised, weight, owners)


def _evidence(
    pixels: _Pixels, cells: Regions, measured: Measured, parents: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Log odds that each cell is a defect: from its own deeper pixels, and from its whole region's area."""
    grades = measured.residual.grades[cells.rows, cells.cols] & GRADE_BITS
    strength = pixels.density[:, 1] / measured.limits[2][grades]
    areas = np.diff(cells.starts)
    order = np.lexsort((strength, np.repeat(np.arange(len(cells)), areas)))
    deep = strength[order][cells.starts[1:] - 1 - areas // 8]
    return depth_evidence(deep.astype(float), np.bincount(parents, areas)[parents].astype(float))


def split_wide(regions: Regions) -> tuple[Regions, npt.NDArray[np.int64]]:
    """Cut wide regions into cells: where hairs cross scratches, one exponent cannot serve all of them.

    Parameters
    ----------
    regions : Regions

    Returns
    -------
    Regions, (cells,) ndarray of int64
        The cells, and the region that each was cut from.
    """
    first, areas = regions.starts[:-1], np.diff(regions.starts)
    owners = np.repeat(np.arange(len(regions)), areas)
    heights = np.maximum.reduceat(regions.rows, first) - np.minimum.reduceat(regions.rows, first)
    widths = np.maximum.reduceat(regions.cols, first) - np.minimum.reduceat(regions.cols, first)
    wide = (np.maximum(heights, widths) > WIDE_REGION_PX)[owners]
    cells = np.where(wide, (regions.rows // CELL_PX).astype(np.int64) << 16 | regions.cols // CELL_PX, 0)
    order = np.lexsort((cells, owners))
    changes = np.diff(owners[order], prepend=-1).astype(bool) | np.diff(cells[order], prepend=-1).astype(bool)
    starts = np.append(np.flatnonzero(changes), len(owners))
    cut = Regions(regions.rows[order], regions.cols[order], starts.astype(np.int64))
    return cut, owners[order][starts[:-1]]


def _look(
    rgb: npt.NDArray[np.uint16],
    regions: Regions,
    photometry: Photometry,
    residual: Residual,
    base: Base,
) -> _Pixels:
    rows, cols = regions.rows, regions.cols
    marks = np.zeros(rgb.shape[:2], np.uint8)
    marks[rows, cols] = kernels.DEFECT
    kernels.mark_rims(marks, rows, cols)
    display = np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA))
    fill, error = np.empty((len(rows), 3), np.float32), np.empty((len(rows), 4), np.float32)
    kernels.fill_pixels(rgb, display, marks, rows, cols, np.float32(GRAIN_VARIANCE), fill, error)
    density = np.empty((len(rows), 3), np.float32)
    kernels.densities_at(residual.values, residual.grades, base.block_px, base.level, rows, cols, density)
    counts = rgb[rows, cols]
    raw = np.stack([display[channel][counts[:, channel]] for channel in range(3)], axis=1)
    fill_variance = SPREAD_ERROR * error[:, :3] + DOUBT_ERROR * error[:, 3:] + np.float32(GRAIN_VARIANCE)
    light = np.exp(np.stack([photometry.log_tables[c][counts[:, c]] for c in range(3)], axis=1))
    noise = np.array(photometry.dark_noise[:3], np.float32) / light
    fill = np.where(fill[:, :1] < 0, raw, fill)
    return _Pixels(density, raw, fill, fill_variance, noise)


def _promise(pixels: _Pixels, value: Array, variance: Array, owners: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether the expected squared error of each region falls by healing it."""
    harm = np.bincount(owners, variance.mean(axis=1))
    seen = np.bincount(owners, np.square(value - pixels.raw).mean(axis=1))
    # What the raw picture differs from the healed one by is its error, as far as the healed one is right.
    return np.asarray(harm < WORTH_HEALING * (seen - harm))


def _counts(display: Array, photometry: Photometry) -> npt.NDArray[np.uint16]:
    black, white, bend = (np.array(values[:3]) for values in (photometry.black, photometry.white, photometry.bend))
    light = display.astype(np.float64) ** DISPLAY_GAMMA
    # The inverse of the bend in the log tables.
    light -= bend**2 / light
    return np.asarray(np.clip(np.rint(black + light * np.maximum(white - black, 1.0)), 0, 65535), np.uint16)


def _tally(
    healed: npt.NDArray[np.uint16],
    mask: npt.NDArray[np.bool_],
    promised: npt.NDArray[np.bool_],
    weight: Array,
    owners: npt.NDArray[np.int64],
) -> Healed:
    areas = np.bincount(owners)
    mostly = np.bincount(owners, weight.mean(axis=1)) / areas > 0.5
    return Healed(healed, mask, int((promised & mostly).sum()), int((promised & ~mostly).sum()), int((~promised).sum()))
