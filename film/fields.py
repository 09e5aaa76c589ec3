"""Named random streams and smooth random fields."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one stage; it does not depend on what other stages draw.

    Parameters
    ----------
    seed : int
        Seed of the frame, >= 0.
    name : str
        Name of the stage.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], period_px: float, *, octaves: int = 1) -> Plane:
    """Draw a smooth field of value noise: random values on a grid, with smooth interpolation between them.

    The field is the mean of its octaves; each octave has half the period and half the weight of the one before.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the grid values.
    shape : tuple of int
        Rows and columns.
    period_px : float
        Distance of the grid points of the first octave, in pixels.
    octaves : int
        Number of octaves, >= 1.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        Values in -1..1.
    """
    total = np.zeros(shape, np.float32)
    weight, weights = 1.0, 0.0
    for _ in range(octaves):
        total += np.float32(weight) * _value_noise(rng, shape, max(period_px, 1.0))
        weights += weight
        weight, period_px = weight / 2, period_px / 2
    total /= np.float32(weights)
    return total


def _value_noise(rng: np.random.Generator, shape: tuple[int, int], period_px: float) -> Plane:
    row_grid, row_share = _grid_position(rng, shape[0], period_px)
    col_grid, col_share = _grid_position(rng, shape[1], period_px)
    grid = rng.uniform(-1, 1, (row_grid[-1] + 2, col_grid[-1] + 2)).astype(np.float32)
    grid_rows = grid[:, col_grid] * (1 - col_share) + grid[:, col_grid + 1] * col_share
    field: Plane = grid_rows[row_grid] * (1 - row_share[:, None])
    field += grid_rows[row_grid + 1] * row_share[:, None]
    return field


def _grid_position(rng: np.random.Generator, length: int, period_px: float) -> tuple[npt.NDArray[np.intp], Plane]:
    position = np.arange(length) / period_px + rng.uniform()
    cell = position.astype(np.intp)
    share = position - cell
    smooth = share * share * (3 - 2 * share)
    return cell, smooth.astype(np.float32)
