"""Heal defects: divide out where light comes through, fill where none does, blend in between, or leave alone.

All sparse: only defect pixels are computed, from untouched ones. Values are compared as the eye sees them (light to
the power 1 / 2.2). Two guesses are made of each pixel, with the error that each is expected to have: the picture's own
light divided by what the defect lets through, and an interpolation from around. They are weighted by those errors
(the Wiener weight), which makes the tiers one formula. A region whose change promises no gain is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.evidence import depth_evidence
from filmscand.ir.decision.slopes import PLACES, DefectSample
from filmscand.ir.detection.regions import Regions, select
from filmscand.ir.healing import _healing_kernels as healing_kernels
from filmscand.ir.healing.absorption import Absorption, InfraredResponse, fit_absorption
from filmscand.ir.healing.borrowed_grain import GRAINY_PX, Surroundings, borrowed_grain, measure_detail
from filmscand.ir.leakage.noise import Base
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.planes.photometry import Photometry

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
# Part of a density's fine detail that lies a fraction of a pixel elsewhere, or is blurred otherwise, in the picture.
EDGE_MISFIT = 0.2
# Variance of full light as a part of its square. Flare and the surroundings' blur bring its noise under opaque dust,
# which dividing would lift with the rest.
SHOT_NOISE = 1 / 60_000
# Part of a cell that a fill decides, from which on its grain is missed.
LEAST_FILLED = 0.1
# Regions wider than this are cut into cells.
WIDE_REGION_PX = 96
CELL_PX = 48
# Cells of what a scratch runs through.
FINE_CELL_PX = 16


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
    exponent : float
        Density in the picture for one of infrared, the frame's usual one; 1 where none is known.
    """

    rgb: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.bool_]
    divided: int
    filled: int
    left: int
    exponent: float = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a frame before healing.

    Attributes
    ----------
    photometry, residual, base
        See their modules.
    limits : (3, 16) ndarray of float32
        Thresholds (see `seed_limits`).
    sight : InfraredResponse
        How the infrared sees defects.
    """

    photometry: Photometry
    residual: Residual
    base: Base
    limits: Array
    sight: InfraredResponse


@dataclass(frozen=True, slots=True)
class _DefectPixels:
    """What is seen of each defect pixel: display values raw and filled, the fill's error, noise; (pixels, 3) each."""

    raw: Array
    fill: Array
    fill_variance: Array
    noise: Array
    sample: DefectSample


@dataclass(frozen=True, slots=True)
class _FittedCells:
    """Cells of defects, the region that each was cut from, and what is known of them."""

    cells: Regions
    parents: npt.NDArray[np.int64]
    look: _DefectPixels
    absorption: Absorption
    marks: npt.NDArray[np.uint8]


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
    healed, mask = np.empty_like(rgb), np.zeros(rgb.shape[:2], np.bool_)
    healing_kernels.copy_rows(rgb, healed)
    if not len(regions):
        return Healed(healed, mask, 0, 0, 0)
    told = _told(rgb, split_into_cells(regions), measured)
    scratched = np.bincount(told.parents, told.absorption.scratched) > 0
    if scratched.any():
        # Dust and hairs that a scratch runs through are no part of it, and lie in cells of their own then.
        told = _told(rgb, split_into_cells(regions, scratched), measured)
    cells, look, absorption, noise = told.cells, told.look, told.absorption, measured.sight.noise
    value, sums = np.empty_like(look.raw), np.empty((len(cells), 3))
    filled = np.empty(len(value), np.float32)
    kernels.blend_regions(
        cells.starts,
        absorption.shape,
        look.sample.density,
        (look.raw, look.fill, look.fill_variance, look.noise),
        (absorption.exponents, absorption.misfit, absorption.roughness, noise * absorption.lift),
        (absorption.stray, noise * measured.sight.gain, absorption.most, EDGE_MISFIT, SHOT_NOISE),
        absorption.bare,
        value,
        filled,
        sums,
    )
    harm, seen, weight = sums.T
    # What the raw picture differs from the healed one by is its error, as far as the healed one is right.
    promised = absorption.visible & (harm < WORTH_HEALING * (seen - harm))
    value += _grain_of_fills(rgb, told, filled, promised, display_tables(measured.photometry))
    levels = colour_levels(measured.photometry)
    looks = (look.raw, look.noise)
    kernels.write_regions(
        cells.starts, cells.rows, cells.cols, promised, looks, value, levels, SMALLEST_CHANGE, healed, mask
    )
    return Healed(healed, mask, *count_outcomes(promised, weight, told.parents), absorption.usual)


def _told(rgb: npt.NDArray[np.uint16], cut: tuple[Regions, npt.NDArray[np.int64]], measured: Measured) -> _FittedCells:
    """Look at the cells, and fit what they take of the light."""
    cells, parents = cut
    marks = pixel_states(cells, rgb.shape)
    look = _look(rgb, marks, cells, measured)
    areas = np.bincount(parents, look.sample.areas)[parents].astype(float)
    evidence = depth_evidence(_strengths(look, cells, measured), areas)
    places = np.stack([_places(cells, of, rgb.shape) for of in (parents, np.arange(len(cells)))], axis=1)
    return _FittedCells(
        cells, parents, look, fit_absorption(look.sample, parents, places, evidence, measured.sight), marks
    )


def _grain_of_fills(
    rgb: npt.NDArray[np.uint16], told: _FittedCells, filled: Array, healed: npt.NDArray[np.bool_], display: Array
) -> Array:
    """Return what to add to healed cells that lost their grain to a fill, (pixels, 3)."""
    areas = np.diff(told.cells.starts)
    part = np.add.reduceat(filled, told.cells.starts[:-1]) / areas
    smooth = healed & (areas >= GRAINY_PX) & (part > LEAST_FILLED)
    added = np.zeros_like(told.look.fill)
    if smooth.any():
        cells, pixels, shown = chosen(told.cells, smooth), np.repeat(smooth, areas), Surroundings(display, told.marks)
        looks = (told.look.fill[pixels], measure_detail(rgb, shown, cells))
        added[pixels] = borrowed_grain(rgb, shown, cells, looks, filled[pixels])
    return added


def count_outcomes(
    promised: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], parents: npt.NDArray[np.int64]
) -> tuple[int, int, int]:
    """Count the regions, not their cells: mostly divided, mostly filled, left alone.

    Parameters
    ----------
    promised : (cells,) ndarray of bool
        Cells that are healed.
    weight : (cells,) ndarray of float64
        How much of each was divided, 0..1.
    parents : (cells,) ndarray of int64
        The region that each was cut from.
    """
    healed_cells = np.bincount(parents, promised)
    divided_cells = np.bincount(parents, promised & (weight > 0.5))
    divided = int(((healed_cells > 0) & (2 * divided_cells >= healed_cells)).sum())
    left = int((healed_cells == 0).sum())
    return divided, len(healed_cells) - divided - left, left


def reverted(rgb: npt.NDArray[np.uint16], healed: Healed, regions: Regions, denied: npt.NDArray[np.bool_]) -> Healed:
    """Leave regions as captured that were healed, in place.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        As captured.
    healed : Healed
    regions : Regions
    denied : (regions,) ndarray of bool
        Which of them; those that were healed count as left. It is not known of each whether it was divided or filled.
    """
    pixels = np.repeat(denied, np.diff(regions.starts))
    rows, cols, owners = regions.rows[pixels], regions.cols[pixels], regions.owners[pixels]
    count = len(np.unique(owners[healed.mask[rows, cols]]))
    healed.rgb[rows, cols], healed.mask[rows, cols] = rgb[rows, cols], False
    divided = max(healed.divided - count, 0)
    filled = max(healed.filled - (count - (healed.divided - divided)), 0)
    return replace(healed, divided=divided, filled=filled, left=healed.left + count)


def _places(cells: Regions, parents: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Number the part of the frame that each region begins in, for its cells: a railing lies in one."""
    _, first_cells, owners = np.unique(parents, return_index=True, return_inverse=True)
    first = cells.starts[first_cells]
    down = cells.rows[first].astype(np.int64) * PLACES // shape[0]
    across = cells.cols[first].astype(np.int64) * PLACES // shape[1]
    return np.asarray((down * PLACES + across)[owners])


def _strengths(look: _DefectPixels, cells: Regions, measured: Measured) -> npt.NDArray[np.float64]:
    """Density that an eighth of each cell's pixels pass, as a multiple of the threshold."""
    strengths = np.empty(len(cells))
    density, grades = look.sample.density, measured.residual.grades
    kernels.deep_strengths(cells.starts, cells.rows, cells.cols, density, grades, measured.limits[2], strengths)
    return strengths


def split_into_cells(
    regions: Regions, scratched: npt.NDArray[np.bool_] | None = None
) -> tuple[Regions, npt.NDArray[np.int64]]:
    """Cut wide regions into cells: where hairs cross scratches, one exponent cannot serve all of them.

    Parameters
    ----------
    regions : Regions
    scratched : (regions,) ndarray of bool, optional
        Regions to cut finely, wide or not.

    Returns
    -------
    Regions, (cells,) ndarray of int64
        The cells, and the region that each was cut from.
    """
    first = regions.starts[:-1]
    owners = regions.owners
    heights = np.maximum.reduceat(regions.rows, first) - np.minimum.reduceat(regions.rows, first)
    widths = np.maximum.reduceat(regions.cols, first) - np.minimum.reduceat(regions.cols, first)
    fine = np.zeros(len(regions), np.bool_) if scratched is None else scratched
    wide = ((np.maximum(heights, widths) > WIDE_REGION_PX) | fine)[owners]
    size_px = np.where(fine, FINE_CELL_PX, CELL_PX)[owners]
    cells = np.where(wide, (regions.rows // size_px).astype(np.int64) << 16 | regions.cols // size_px, 0)
    order = np.lexsort((cells, owners))
    changes = np.diff(owners[order], prepend=-1).astype(bool) | np.diff(cells[order], prepend=-1).astype(bool)
    starts = np.append(np.flatnonzero(changes), len(owners))
    cut = Regions(regions.rows[order], regions.cols[order], starts.astype(np.int64))
    return cut, owners[order][starts[:-1]]


def _look(
    rgb: npt.NDArray[np.uint16], marks: npt.NDArray[np.uint8], cells: Regions, measured: Measured
) -> _DefectPixels:
    rows, cols, count = cells.rows, cells.cols, len(cells.rows)
    tables = measured.photometry.log_tables[:3]
    display = display_tables(measured.photometry)
    fill, error = fill_from_surroundings(rgb, marks, cells, display)
    residual = measured.residual
    density = infrared_densities(residual, measured.base, cells)
    raw, noise, ratio, variance = (np.empty((count, 3), np.float32) for _ in range(4))
    dark_noise = np.array(measured.photometry.dark_noise[:3], np.float32)[:, None] * np.exp(-tables)
    weights = np.array([SPREAD_ERROR, DOUBT_ERROR, GRAIN_VARIANCE, DARK_DOUBT], np.float32)
    kernels.sample_pixels(rgb, rows, cols, display, dark_noise, weights, fill, error, raw, noise, ratio, variance)
    changes = np.empty((len(cells), 8))
    kernels.sum_changes(cells.starts, rows, cols, rgb, tables, residual.values, changes)
    return _DefectPixels(raw, fill, error[:, :3], noise, DefectSample(cells.starts, density, ratio, variance, changes))


def display_tables(photometry: Photometry) -> Array:
    """Return the display value of each count of red, green and blue, (3, 65536)."""
    return np.asarray(np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA)), np.float32)


def infrared_densities(residual: Residual, base: Base, regions: Regions) -> Array:
    """Return what blocks the infrared at each pixel, nepers: plain, and smoothed at two scales, (pixels, 3)."""
    density = np.empty((len(regions.rows), 3), np.float32)
    planes = (residual.values, residual.grades, residual.fractions)
    healing_kernels.densities_at(*planes, base.block_px, base.level, regions.rows, regions.cols, density)
    return density


def pixel_states(cells: Regions, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a plane of (rows, cols) that tells defects, their rims, and free film (see `_healing_kernels`)."""
    marks = np.zeros(shape[:2], np.uint8)
    marks[cells.rows, cells.cols] = healing_kernels.DEFECT
    healing_kernels.mark_rims(marks, cells.rows, cells.cols)
    return marks


def fill_from_surroundings(
    rgb: npt.NDArray[np.uint16], marks: npt.NDArray[np.uint8], cells: Regions, display: Array
) -> tuple[Array, Array]:
    """Fill all defect pixels from around.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    marks : (rows, cols) ndarray of uint8
        See `pixel_states`.
    cells : Regions
    display : (3, 65536) ndarray of float32
        Display value of each count.

    Returns
    -------
    (pixels, 3) and (pixels, 4) ndarray of float32
        Display values, -1 where nothing is in reach; spread of the fills by colour, and their doubt.
    """
    fill, error = np.empty((len(cells.rows), 3), np.float32), np.zeros((len(cells.rows), 4), np.float32)
    grain = np.float32(GRAIN_VARIANCE)
    healing_kernels.fill_pixels(rgb, display, marks, cells.starts, cells.rows, cells.cols, grain, fill, error)
    return fill, error


def colour_levels(photometry: Photometry) -> npt.NDArray[np.float64]:
    """Return black, span and bend of red, green and blue, (3, 3)."""
    black, white, bend = (np.array(values[:3]) for values in (photometry.black, photometry.white, photometry.bend))
    return np.stack([black, np.maximum(white - black, 1.0), bend])
