"""Blurs and resamples one plane; each pixel depends only on its neighbourhood, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from filmscand.film.fields import Plane

Places = npt.NDArray[np.float64]


def gaussian_blur(plane: Plane, sigma_px: float) -> Plane:
    """Blur a plane with a Gaussian that is cut off at four standard deviations; edge pixels are repeated outwards.

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        Linear light.
    sigma_px : float
        Standard deviation in pixels; 0 returns the plane itself.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
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
    """Sample a plane at other positions by Catmull-Rom interpolation; edge pixels are repeated outwards.

    Output pixel (r, c) is the plane at (row_px[r], col_px[c] + col_shift_px[r]).

    Parameters
    ----------
    plane : ndarray of float32, shape (rows, cols)
        Linear light, >= 0.
    row_px : ndarray of float64, shape (rows,)
        Row that each output row samples.
    col_px : ndarray of float64, shape (cols,)
        Column that each output column samples.
    col_shift_px : ndarray of float64, shape (rows,)
        Shift of the columns in each row.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        Never below 0.
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
