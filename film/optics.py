"""Blur and resampling of one plane; a pixel's result depends on its neighbourhood alone, to the bit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from filmscand.film.fields import Plane

Places = npt.NDArray[np.float64]


def gaussian_blur(plane: Plane, sigma_px: float) -> Plane:
    """Blur a plane with a Gaussian cut at four standard deviations; the rim is continued by its last pixel.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        Linear light.
    sigma_px : float
        Standard deviation in pixels; 0 leaves the plane as it is.
    """
    if sigma_px <= 0:
        return plane
    radius = max(1, math.ceil(4 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    weights = (taps / taps.sum()).astype(np.float32)
    across = np.empty_like(plane)
    _blur_along_cols(plane, weights, across)
    out = np.empty_like(plane)
    _blur_along_rows(across, weights, out)
    return out


def resample(plane: Plane, row_px: Places, col_px: Places, col_shift_px: Places) -> Plane:
    """Read a plane at other places by Catmull-Rom interpolation; beyond the rim its last pixel counts.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        Linear light, >= 0.
    row_px : ndarray of float64, shape (rows,)
        The row that each output row reads.
    col_px : ndarray of float64, shape (cols,)
        The column that each output column reads.
    col_shift_px : ndarray of float64, shape (rows,)
        Added to the columns, row by row.
    """
    out = np.empty_like(plane)
    _resample(plane, row_px, col_px, col_shift_px, out)
    return out


@njit(cache=True, parallel=True)
def _blur_along_cols(plane, weights, out):  # type: ignore[no-untyped-def]
    rows, cols = plane.shape
    radius = weights.size // 2
    for row in prange(rows):
        for col in range(cols):
            total = np.float32(0)
            for tap in range(-radius, radius + 1):
                total += weights[tap + radius] * plane[row, min(max(col + tap, 0), cols - 1)]
            out[row, col] = total


@njit(cache=True, parallel=True)
def _blur_along_rows(plane, weights, out):  # type: ignore[no-untyped-def]
    rows, cols = plane.shape
    radius = weights.size // 2
    for row in prange(rows):
        out[row] = 0
        for tap in range(-radius, radius + 1):
            source = min(max(row + tap, 0), rows - 1)
            for col in range(cols):
                out[row, col] += weights[tap + radius] * plane[source, col]


@njit(cache=True)
def _catmull_rom(share):  # type: ignore[no-untyped-def]
    square = share * share
    cube = square * share
    return (
        np.float32(-0.5 * cube + square - 0.5 * share),
        np.float32(1.5 * cube - 2.5 * square + 1),
        np.float32(-1.5 * cube + 2 * square + 0.5 * share),
        np.float32(0.5 * cube - 0.5 * square),
    )


@njit(cache=True, parallel=True)
def _resample(plane, row_px, col_px, col_shift_px, out):  # type: ignore[no-untyped-def]
    rows, cols = plane.shape
    for row in prange(rows):
        top = math.floor(row_px[row])
        down = _catmull_rom(row_px[row] - top)
        for col in range(cols):
            place = col_px[col] + col_shift_px[row]
            left = math.floor(place)
            across = _catmull_rom(place - left)
            total = np.float32(0)
            for i in range(4):
                source = min(max(top + i - 1, 0), rows - 1)
                line = np.float32(0)
                for j in range(4):
                    line += across[j] * plane[source, min(max(left + j - 1, 0), cols - 1)]
                total += down[i] * line
            out[row, col] = max(total, np.float32(0))
