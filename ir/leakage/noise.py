"""What clean film looks like in the residual: its base, and its noise by local activity, by region and in its tails.

Dust only darkens, so the bright side of the residual is clean film: it gives the deviation and, far out, the rate of
false alarms. No level is absolute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, optimize

from filmscand.ir.leakage import _noise_kernels as kernels
from filmscand.ir.leakage._residual_kernels import GRADE_BITS
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual
from filmscand.ir.planes.tiles import Tiles

Array = npt.NDArray[np.float32]

# The base follows lamp and lens over a fortieth of the frame, in five blocks.
BLOCKS_PER_SIDE = 200
WINDOW_BLOCKS = 5
LAMP_BLOCKS = 6
# Multiple of its grade's usual spread beyond which a block is a mixture of clean film and dust.
MIXED_SPREAD = 1.6
MIXED_RED = 0.7
# Difference of red (nepers) up to which blocks are taken to show the same thing.
LIKE_RED = 1.0
# No defect takes so many times the density from red that it takes from the infrared; objects do.
LIKE_DUST = 12.0
# Part of the blocks that are calm in any case.
CALM_PART = 0.35
SMALLEST_SAMPLE = 400
BUSY_GRADE = 8
TAIL_PARTS = (1e-2, 1e-3)
QUANTUM = 1.0 / 4096.0
# What blocks more than this, in nepers, is a defect without further proof, and no part of clean film.
OBVIOUS = 0.08
PRIOR_PIXELS = 500
FEW_PIXELS = 50
BINOMIAL_3 = np.array([1, 2, 1], np.float32) / 4
BINOMIAL_5 = np.array([1, 4, 6, 4, 1], np.float32) / 16


@dataclass(frozen=True, slots=True)
class Base:
    """Clean film's residual over the frame.

    Attributes
    ----------
    block_px : int
        Side of a block, pixels.
    level : (block rows, block cols) ndarray of float32
        Median residual of clean film at block centres, nepers.
    spread : same shape
        Deviation of single pixels at block centres, nepers: of what is finer than ridges of a fingerprint.
    grade : same shape, uint8
        Median activity grade of each block.
    dark : same shape, bool
        Blocks that lie far under the film around them: holder, or very large defects.
    medians : same shape
        Median residual of each block, defects and all, nepers.
    film : same shape, bool
        Blocks that are no holder.
    red_logs : same shape
        Natural log of red light of each block.
    """

    block_px: int
    level: Array
    spread: Array
    grade: npt.NDArray[np.uint8]
    dark: npt.NDArray[np.bool_]
    medians: Array
    film: npt.NDArray[np.bool_]
    red_logs: Array

    def columns(self, cols: int) -> tuple[npt.NDArray[np.int32], Array]:
        """Return, for each column of a frame, the block whose centre lies left of it, and how far beyond (0..1)."""
        at = (np.arange(cols) + 0.5) / self.block_px - 0.5
        index = np.clip(np.floor(at), 0, self.level.shape[1] - 1)
        return index.astype(np.int32), np.clip(at - index, 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of clean film.

    Attributes
    ----------
    deviation : (2, 16) ndarray of float32
        Standard deviation of the residual smoothed over 3 by 3 and 5 by 5, by activity grade, nepers.
    offset : (2, 16) ndarray of float32
        How much too dark clean film of each grade comes out, nepers.
    tails : (2, 2) ndarray of float32
        Deviations that the bright side passes in 1 % and in 0.1 % of the pixels, for both smoothings.
    factor : (block rows, block cols) ndarray of float32
        Local factor on the deviation.
    """

    deviation: Array
    offset: Array
    tails: Array
    factor: Array


@dataclass(frozen=True, slots=True)
class Picture:
    """Red counts of a frame, (rows, cols) of uint16, and the natural log of light for each count (65536,)."""

    red: npt.NDArray[np.uint16]
    table: Array


def measure_base(
    residual: Residual, holder_blocks: npt.NDArray[np.bool_], holder_block_px: int, picture: Picture
) -> Base:
    """Measure the base of clean film block by block.

    Parameters
    ----------
    residual : Residual
    holder_blocks : ndarray of bool
        Blocks of `holder_block_px` pixels that are no film.
    holder_block_px : int

    Returns
    -------
    Base
    """
    rows, cols = residual.values.shape
    block = 8 * max(2, round(max(rows, cols) / BLOCKS_PER_SIDE / 8))
    shape = (-(-rows // block), -(-cols // block))
    medians, spreads, fines = (np.empty(shape, np.float32) for _ in range(3))
    grade = np.empty(shape, np.uint8)
    kernels.block_statistics(residual.values, residual.grades, block, medians, spreads, fines, grade)
    red_logs, bright_logs = _block_logs(picture, block)
    film = ~_blocks_touched(holder_blocks, block // holder_block_px, shape)
    mixed = _mixture(spreads, film, grade, (red_logs, bright_logs))
    level = _clean_level(medians + mixed, film, grade, red_logs)
    dark = medians < level - 1.0
    fines *= np.float32(_usual_part(spreads, fines, film))
    return Base(block, level, _smooth(fines, film), grade, dark, medians, film, red_logs)


def measure_noise(base: Base, tiles: Tiles, together: Residual, apart: Residual, margin: int) -> Noise:
    """Measure the noise of clean film on tiles of the frame.

    Parameters
    ----------
    base : Base
    tiles : Tiles
    together, apart : Residual
        Planes of the tiles with edges left together, whose misfit can only be dark, so that their bright side is noise;
        and with edges taken apart, as the frame's residual is.
    margin : int
        Pixels at each tile's sides to leave out.

    Returns
    -------
    Noise
    """
    plain = _smoothed_tiles(base, tiles, together, margin)
    deviations = np.stack([_deviation_by_grade(plane, plain.starts) for plane in plain.planes])
    factor = np.clip(base.spread / deviations[0][base.grade], 0.6, 4.0).astype(np.float32)
    tails = np.stack([_tail(p, d, plain.starts) for p, d in zip(plain.planes[1:], deviations[1:], strict=True)])
    used = _smoothed_tiles(base, tiles, apart, margin)
    offsets = np.stack([_offset_by_grade(plane, used.starts) for plane in used.planes[1:]])
    return Noise(deviations[1:], offsets, tails, factor)


def _usual_part(spreads: Array, fines: Array, film: npt.NDArray[np.bool_]) -> float:
    """How much more blocks spread than their finest detail does: noise may be softer than a pixel, or sharper.

    Of the calmer blocks: ridges lie on the others.
    """
    spread, fine = (float(np.quantile(plane[film], CALM_PART)) if film.any() else 0.0 for plane in (spreads, fines))
    return spread / fine if spread > 0 and fine > 0 else 1.0


def _block_logs(picture: Picture, block_px: int) -> tuple[Array, Array]:
    """Median and brightest sixteenth of each block's red, natural logs; blocks at the end may be cut.

    Of every fourth row and column.
    """
    side = block_px // 4
    thin = picture.red[::4, ::4]
    rows, cols = -(-picture.red.shape[0] // block_px), -(-picture.red.shape[1] // block_px)
    thin = np.pad(thin, ((0, rows * side - thin.shape[0]), (0, cols * side - thin.shape[1])), mode="edge")
    blocks = thin.reshape(rows, side, cols, side).swapaxes(1, 2).reshape(rows, cols, -1)
    middle, bright = side * side // 2, 15 * side * side // 16
    ordered = np.sort(blocks, axis=-1)
    return picture.table[ordered[..., middle]], picture.table[ordered[..., bright]]


def _blocks_touched(fine: npt.NDArray[np.bool_], ratio: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    pad = ((0, shape[0] * ratio - fine.shape[0]), (0, shape[1] * ratio - fine.shape[1]))
    blocks = np.pad(fine, pad, mode="edge").reshape(shape[0], ratio, shape[1], ratio)
    return np.asarray(blocks.any(axis=(1, 3)))


def _clean_level(medians: Array, film: npt.NDArray[np.bool_], grade: npt.NDArray[np.uint8], red: Array) -> Array:
    """Level of clean film: what is narrower than a window and darker than both its sides lies on the film.

    A closing (greatest, then least, of the blocks around) takes that out and leaves steps where they are. What noise
    alone lifts it by is taken back. Blocks are compared with those that show about the same red, so that what the
    leakage model leaves over of an object stays with the object. In a busy picture misfits go both ways, and the median
    is the better guess.
    """
    if not film.any():
        return medians
    grid, red = _filled(medians, film), _filled(red, film)
    rim = 3 * LAMP_BLOCKS
    lamp = ndimage.gaussian_filter(_beyond(grid, rim), LAMP_BLOCKS, mode="nearest")[rim:-rim, rim:-rim]
    detail = grid - lamp
    planes, reach = (detail, red), WINDOW_BLOCKS // 2
    closed = _closed(detail, red, reach)
    middle = _like(detail, planes, reach, "median")
    rise = float(np.median((closed - middle)[film]))
    busy = np.clip(ndimage.uniform_filter(grade.astype(np.float32), 3) - BUSY_GRADE, 0, 1)
    clean = np.asarray(middle + (1 - busy) * (closed - rise - middle), np.float32)
    return np.asarray(lamp + _like(clean, planes, 1, "mean"), np.float32)


def _closed(detail: Array, red: Array, reach_blocks: int) -> Array:
    """Close the grid, with what may lie beyond its rim: a lamp that falls off there is no defect."""
    rim = 2 * reach_blocks
    wide, inner = _beyond(detail, rim), (slice(rim, -rim), slice(rim, -rim))
    wide[inner] = detail
    planes = (wide, np.pad(red, rim, mode="edge"))
    closed = _like(_like(wide, planes, reach_blocks, "max"), planes, reach_blocks, "min")
    return np.ascontiguousarray(closed[inner])


def _beyond(grid: Array, rim_blocks: int) -> Array:
    """Median of the blocks around, drawn out beyond the rim by odd reflection."""
    middle = ndimage.median_filter(grid, WINDOW_BLOCKS, mode="nearest")
    return np.pad(middle, rim_blocks, mode="reflect", reflect_type="odd")


def _mixture(
    spreads: Array, film: npt.NDArray[np.bool_], grade: npt.NDArray[np.uint8], red: tuple[Array, Array]
) -> Array:
    """How far clean film lies above the median of half covered blocks: these spread more than noise does.

    None where the picture has an edge or a light, whose misfit spreads as well. red: median and bright part.
    """
    order, starts = _by_grade(grade[film])
    usual = _medians(spreads[film][order], starts)
    mixed = np.maximum(spreads - MIXED_SPREAD * usual[grade], 0)
    middle, bright = red
    contrast = np.maximum(ndimage.maximum_filter(middle, 3) - ndimage.minimum_filter(middle, 3), bright - middle)
    return np.asarray(np.where((grade < BUSY_GRADE) & (contrast < MIXED_RED), mixed, 0), np.float32)


def _like(grid: Array, planes: tuple[Array, Array], reach_blocks: int, kind: str) -> Array:
    out = np.empty_like(grid)
    kinds = ("max", "min", "mean", "median")
    limits = (np.float32(LIKE_RED), np.float32(LIKE_DUST))
    kernels.like_neighbours(grid, *planes, limits, reach_blocks, kinds.index(kind), out)
    return out


def _filled(grid: Array, film: npt.NDArray[np.bool_]) -> Array:
    """Put the nearest film block's value where there is no film."""
    if film.all():
        return grid
    nearest = ndimage.distance_transform_edt(~film, return_distances=False, return_indices=True)
    return np.asarray(grid[tuple(nearest)])


def _smooth(grid: Array, film: npt.NDArray[np.bool_]) -> Array:
    if not film.any():
        return grid
    middle = ndimage.median_filter(_filled(grid, film), WINDOW_BLOCKS, mode="nearest")
    return np.asarray(ndimage.uniform_filter(middle, 3, mode="nearest"), np.float32)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Density of clean film's pixels by grade: plain, over 3 by 3 and over 5 by 5; and where each grade begins."""

    planes: tuple[Array, Array, Array]
    starts: npt.NDArray[np.int64]


def _smoothed_tiles(base: Base, tiles: Tiles, residual: Residual, margin: int) -> _Sample:
    size = tiles.film.shape[1]
    levels = np.stack([base_at(base, int(row), int(col), size) for row, col in tiles.corners])
    density = np.asarray(levels - residual.values * np.float32(QUANTUM), np.float32)
    three, five = (_separable(density, taps) for taps in (BINOMIAL_3, BINOMIAL_5))
    clean = tiles.film & ~ndimage.maximum_filter(three > OBVIOUS, (1, 7, 7))
    inner = (slice(None), slice(margin, size - margin), slice(margin, size - margin, 2))
    keep = clean[inner]
    order, starts = _by_grade((residual.grades[inner] & GRADE_BITS)[keep])
    first, second, third = (plane[inner][keep][order] for plane in (density, three, five))
    return _Sample((first, second, third), starts)


def _by_grade(grades: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order that puts samples grade by grade, and where each grade begins in it, the last one's end too."""
    counts = np.bincount(grades, minlength=ACTIVITY_GRADES)
    return np.argsort(grades, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


def base_at(base: Base, row: int, col: int, size: int) -> Array:
    """Interpolate the base bilinearly over a square of `size` pixels."""
    level = base.level
    for axis, first in enumerate((row, col)):
        last = level.shape[axis] - 1
        at = np.clip((np.arange(first, first + size) + 0.5) / base.block_px - 0.5, 0, last)
        low = np.minimum(at.astype(int), max(last - 1, 0))
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        near, far = level.take(low, axis), level.take(np.minimum(low + 1, last), axis)
        level = near + part * (far - near)
    return np.asarray(level, np.float32)


def _separable(planes: Array, taps: npt.NDArray[np.floating]) -> Array:
    return np.asarray(ndimage.correlate1d(ndimage.correlate1d(planes, taps, 1), taps, 2), np.float32)


def _deviation_by_grade(density: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Deviation of the bright side for each grade, not falling with activity (isotonic, weighted by the samples).

    Of a picture without edges the highest grades see the rims of dust alone: a few pixels say as much as their number
    against FEW_PIXELS, and the grade below the rest.
    """
    counts = np.diff(starts)
    measured = np.full(ACTIVITY_GRADES, QUANTUM)
    below = 0.0
    for grade in np.flatnonzero(counts):
        quarter, middle = np.quantile(density[starts[grade] : starts[grade + 1]], [0.25, 0.5])
        own = max((middle - quarter) / 0.6745, QUANTUM)
        believed = counts[grade] / (counts[grade] + FEW_PIXELS) if below else 1.0
        below = measured[grade] = own**believed * (below or 1.0) ** (1 - believed)
    rising = optimize.isotonic_regression(measured, weights=np.maximum(counts, 1e-6)).x
    return np.asarray(np.maximum(rising, QUANTUM), np.float32)


def _medians(values: Array, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
    """Median of each grade's values, 0 where a grade has none."""
    found = (values[starts[grade] : starts[grade + 1]] for grade in range(ACTIVITY_GRADES))
    return np.array([np.median(chosen) if chosen.size else 0.0 for chosen in found])


def _offset_by_grade(density: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Median of each grade where it is too dark, believed by half at PRIOR_PIXELS."""
    counts = np.diff(starts)
    return np.asarray(np.maximum(_medians(density, starts), 0) * (counts / (counts + PRIOR_PIXELS)), np.float32)


def _tail(density: Array, deviation: Array, starts: npt.NDArray[np.int64]) -> Array:
    """Deviations that the bright side passes with the parts of TAIL_PARTS; a Gaussian's where there is no sample."""
    if density.size < SMALLEST_SAMPLE:
        return np.array([2.58, 3.29], np.float32)
    counts = np.diff(starts)
    z = (np.repeat(_medians(density, starts), counts) - density) / np.repeat(deviation, counts)
    return np.asarray(np.quantile(z[z > 0], [1 - part for part in TAIL_PARTS]), np.float32)
