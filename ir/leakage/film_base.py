"""Base of clean film: the residual that the film itself has, block by block.

Dust only darkens, so that the film around a defect, and the brighter side of the residual, show the base below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.leakage import _block_kernels as kernels
from filmscand.ir.leakage.residual import ACTIVITY_GRADES, Residual

Array = npt.NDArray[np.float32]

# Blocks along the longer side of the frame, about.
BLOCKS_PER_SIDE = 200
# Side of the window in which the base is a median or a closing, blocks: a fortieth of the frame.
WINDOW_BLOCKS = 5
# Standard deviation of the blur that leaves the lamp alone, blocks.
LAMP_BLOCKS = 6
# A block that spreads more than this many times as much as its grade usually does mixes clean film and dust.
MIXED_SPREAD = 1.6
# Contrast of red around a block from which on its spread is that of the picture, nepers.
MIXED_RED = 0.7
# Blocks whose red differs by no more than this show the same object, nepers.
SIMILAR_RED = 1.0
# Largest density of a defect in red, as a multiple of that in the infrared. Objects of the picture exceed it.
DUST_RED_RATIO = 12.0
# Quantile of the blocks' spread that is surely that of calm film.
CALM_PART = 0.35
# Activity grade from which on the picture is busy.
BUSY_GRADE = 8


@dataclass(frozen=True, slots=True)
class Base:
    """Residual of clean film over the frame, in square blocks.

    Attributes
    ----------
    block_px : int
        Side of a block, pixels.
    level : (block rows, block cols) ndarray of float32
        Median residual of clean film at the block centres, nepers.
    spread : same shape, float32
        Standard deviation of single pixels at the block centres, nepers; detail as coarse as the ridges of a
        fingerprint does not count.
    grade : same shape, uint8
        Median activity grade of each block, 0..15.
    dark : same shape, bool
        True for blocks 1 neper or more below the film around them: holder, or very large defects.
    medians : same shape, float32
        Median residual of each block with all defects, nepers.
    film : same shape, bool
        False for blocks that touch the holder.
    red_logs : same shape, float32
        Median natural log of red light of each block.
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
        """Return what interpolation between block centres needs for each column of a frame of `cols` columns.

        Returns
        -------
        (cols,) ndarray of int32, (cols,) ndarray of float32
            Block whose centre lies left of the column, and distance from that centre, in blocks, 0..1.
        """
        at = (np.arange(cols) + 0.5) / self.block_px - 0.5
        index = np.clip(np.floor(at), 0, self.level.shape[1] - 1)
        return index.astype(np.int32), np.clip(at - index, 0, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class RedPlane:
    """Red plane of a frame.

    Attributes
    ----------
    red : (rows, cols) ndarray of uint16
        Counts, 0..65535.
    table : (65536,) ndarray of float32
        Natural log of light for each count.
    """

    red: npt.NDArray[np.uint16]
    table: Array


def measure_base(
    residual: Residual, holder_blocks: npt.NDArray[np.bool_], holder_block_px: int, picture: RedPlane
) -> Base:
    """Measure the base of clean film block by block.

    ::

        level = lamp + closing(medians - lamp)      closing: least of the greatest values around a block

    The closing removes what is narrower than 5 blocks and darker than both its sides.

    Parameters
    ----------
    residual : Residual
        Infrared of the frame without the leaked picture.
    holder_blocks : (block rows, block cols) ndarray of bool
        True for blocks of `holder_block_px` pixels without film.
    holder_block_px : int
        Side of the holder's blocks, pixels; a divisor of 8.
    picture : RedPlane
        Red of the frame; blocks are compared with those of similar red only.

    Returns
    -------
    Base
        In blocks of 16 pixels or more, a multiple of 8.
    """
    rows, cols = residual.values.shape
    block = 8 * max(2, round(max(rows, cols) / BLOCKS_PER_SIDE / 8))
    shape = (-(-rows // block), -(-cols // block))
    medians, spreads, fines = (np.empty(shape, np.float32) for _ in range(3))
    grade = np.empty(shape, np.uint8)
    kernels.block_statistics(residual.values, residual.grades, block, medians, spreads, fines, grade)
    red_logs, bright_logs = _block_logs(picture, block)
    film = ~_blocks_touched(holder_blocks, block // holder_block_px, shape)
    mixed = _rise_of_mixed(spreads, film, grade, (red_logs, bright_logs))
    level = _clean_level(medians + mixed, film, grade, red_logs)
    dark = medians < level - 1.0
    fines *= np.float32(_spread_ratio(spreads, fines, film))
    return Base(block, level, _smooth_spread(fines, film), grade, dark, medians, film, red_logs)


def base_at(base: Base, row: int, col: int, size: int) -> Array:
    """Interpolate the base bilinearly over a square of the frame.

    Parameters
    ----------
    base : Base
        Base of the frame.
    row, col : int
        First row and column of the square, pixels.
    size : int
        Side of the square, pixels.

    Returns
    -------
    (size, size) ndarray of float32
        Residual of clean film, nepers.
    """
    return between_blocks(base.level, base.block_px, (np.arange(row, row + size), np.arange(col, col + size)))


def between_blocks(grid: Array, block_px: int, places: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> Array:
    """Interpolate a grid of block centres bilinearly at some rows and columns of the frame.

    Parameters
    ----------
    grid : (block rows, block cols) ndarray of float32
        Value at the centre of each block, any unit.
    block_px : int
        Side of a block, pixels.
    places : (rows,) and (cols,) ndarray of int64
        Rows and columns of the frame, pixels; beyond the outer centres the grid continues unchanged.

    Returns
    -------
    (rows, cols) ndarray of float32
        In the unit of the grid.
    """
    for axis, pixels in enumerate(places):
        last = grid.shape[axis] - 1
        at = np.clip((pixels + 0.5) / block_px - 0.5, 0, last)
        low = np.minimum(at.astype(int), max(last - 1, 0))
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        near, far = grid.take(low, axis), grid.take(np.minimum(low + 1, last), axis)
        grid = near + part * (far - near)
    return np.asarray(grid, np.float32)


def sort_by_grade(grades: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sort samples by activity grade.

    Parameters
    ----------
    grades : (samples,) ndarray of uint8
        Activity grade of each sample, 0..15.

    Returns
    -------
    (samples,) ndarray of int64, (17,) ndarray of int64
        Indices in the order of the grades; and the place of each grade's first sample in that order, with the end of
        the last grade.
    """
    counts = np.bincount(grades, minlength=ACTIVITY_GRADES)
    return np.argsort(grades, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


def grade_medians(values: Array, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
    """Return the median of the values of each activity grade.

    Parameters
    ----------
    values : (samples,) ndarray of float32
        Values sorted by grade.
    starts : (17,) ndarray of int64
        Place of each grade's first value (see `sort_by_grade`).

    Returns
    -------
    (16,) ndarray
        Medians, in the unit of the values; 0 for a grade without values.
    """
    grades = (values[starts[grade] : starts[grade + 1]] for grade in range(ACTIVITY_GRADES))
    return np.array([np.median(members) if members.size else 0.0 for members in grades])


def _spread_ratio(spreads: Array, fines: Array, film: npt.NDArray[np.bool_]) -> float:
    """Return the spread of calm blocks over that of their finest detail: noise may be softer than a pixel, or sharper.

    Ridges of a fingerprint would widen the spread of the other blocks.
    """
    spread, fine = (float(np.quantile(plane[film], CALM_PART)) if film.any() else 0.0 for plane in (spreads, fines))
    return spread / fine if spread > 0 and fine > 0 else 1.0


def _block_logs(picture: RedPlane, block_px: int) -> tuple[Array, Array]:
    """Return the median and the 15/16 quantile of each block's red, natural logs, from every fourth row and column."""
    side = block_px // 4
    thin = picture.red[::4, ::4]
    rows, cols = -(-picture.red.shape[0] // block_px), -(-picture.red.shape[1] // block_px)
    thin = np.pad(thin, ((0, rows * side - thin.shape[0]), (0, cols * side - thin.shape[1])), mode="edge")
    blocks = thin.reshape(rows, side, cols, side).swapaxes(1, 2).reshape(rows, cols, -1)
    middle, bright = side * side // 2, 15 * side * side // 16
    ordered = np.sort(blocks, axis=-1)
    return picture.table[ordered[..., middle]], picture.table[ordered[..., bright]]


def _blocks_touched(fine: npt.NDArray[np.bool_], ratio: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which blocks contain a True block of a grid that is `ratio` times as fine."""
    pad = ((0, shape[0] * ratio - fine.shape[0]), (0, shape[1] * ratio - fine.shape[1]))
    blocks = np.pad(fine, pad, mode="edge").reshape(shape[0], ratio, shape[1], ratio)
    return np.asarray(blocks.any(axis=(1, 3)))


def _clean_level(medians: Array, film: npt.NDArray[np.bool_], grade: npt.NDArray[np.uint8], red: Array) -> Array:
    """Return the level of clean film: anything narrower than a window and darker than both its sides lies on the film.

    A closing (greatest, then least, of the blocks around) removes it and leaves steps in place. Noise alone raises
    it; the median rise is subtracted. Blocks are compared with those of similar red, so that a misfit of the
    leakage model on an object stays within the object. In a busy picture misfits go both ways: the median is used.
    """
    if not film.any():
        return medians
    grid, red = _filled(medians, film), _filled(red, film)
    rim = 3 * LAMP_BLOCKS
    lamp = ndimage.gaussian_filter(_extrapolated(grid, rim), LAMP_BLOCKS, mode="nearest")[rim:-rim, rim:-rim]
    detail = grid - lamp
    planes, reach = (detail, red), WINDOW_BLOCKS // 2
    closed = _closing(detail, red, reach)
    middle = _combine_similar(detail, planes, reach, "median")
    rise = float(np.median((closed - middle)[film]))
    busy = np.clip(ndimage.uniform_filter(grade.astype(np.float32), 3) - BUSY_GRADE, 0, 1)
    clean = np.asarray(middle + (1 - busy) * (closed - rise - middle), np.float32)
    return np.asarray(lamp + _combine_similar(clean, planes, 1, "mean"), np.float32)


def _closing(detail: Array, red: Array, reach_blocks: int) -> Array:
    """Close the grid, extrapolated beyond its rim: a lamp that falls off towards the rim is no defect."""
    rim = 2 * reach_blocks
    wide, inner = _extrapolated(detail, rim), (slice(rim, -rim), slice(rim, -rim))
    wide[inner] = detail
    planes = (wide, np.pad(red, rim, mode="edge"))
    closed = _combine_similar(_combine_similar(wide, planes, reach_blocks, "max"), planes, reach_blocks, "min")
    return np.ascontiguousarray(closed[inner])


def _extrapolated(grid: Array, rim_blocks: int) -> Array:
    """Return the median of the blocks around each block, extrapolated beyond the rim by odd reflection."""
    middle = ndimage.median_filter(grid, WINDOW_BLOCKS, mode="nearest")
    return np.pad(middle, rim_blocks, mode="reflect", reflect_type="odd")


def _rise_of_mixed(
    spreads: Array, film: npt.NDArray[np.bool_], grade: npt.NDArray[np.uint8], red: tuple[Array, Array]
) -> Array:
    """Return how far clean film lies above the median of blocks half covered by dust, which spread more than noise.

    0 where the picture has an edge or a light, whose misfit spreads too. red: median and bright quantile of each block.
    """
    order, starts = sort_by_grade(grade[film])
    usual = grade_medians(spreads[film][order], starts)
    mixed = np.maximum(spreads - MIXED_SPREAD * usual[grade], 0)
    middle, bright = red
    contrast = np.maximum(ndimage.maximum_filter(middle, 3) - ndimage.minimum_filter(middle, 3), bright - middle)
    return np.asarray(np.where((grade < BUSY_GRADE) & (contrast < MIXED_RED), mixed, 0), np.float32)


def _combine_similar(grid: Array, planes: tuple[Array, Array], reach_blocks: int, kind: str) -> Array:
    """Return the max, min, mean or median of the similar blocks around each; planes: density and red."""
    out = np.empty_like(grid)
    kinds = ("max", "min", "mean", "median")
    limits = (np.float32(SIMILAR_RED), np.float32(DUST_RED_RATIO))
    kernels.combine_similar(grid, *planes, limits, reach_blocks, kinds.index(kind), out)
    return out


def _filled(grid: Array, film: npt.NDArray[np.bool_]) -> Array:
    """Give blocks without film the value of the nearest film block."""
    if film.all():
        return grid
    nearest = ndimage.distance_transform_edt(~film, return_distances=False, return_indices=True)
    return np.asarray(grid[tuple(nearest)])


def _smooth_spread(grid: Array, film: npt.NDArray[np.bool_]) -> Array:
    """Return a smooth median of the film blocks around each block."""
    if not film.any():
        return grid
    middle = ndimage.median_filter(_filled(grid, film), WINDOW_BLOCKS, mode="nearest")
    return np.asarray(ndimage.uniform_filter(middle, 3, mode="nearest"), np.float32)
