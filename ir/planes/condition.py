"""What a captured picture is like, whatever lies on the film: how much of it is clipped, and how sharp its grain is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Picture = npt.NDArray[np.uint16]
Density = npt.NDArray[np.float32]

# Sides of a tile, pixels, and the number of tiles along the shorter side of the frame: their median is steady to 2 %.
_TILE_PX = 64
_TILES = 12
# Second differences along both axes: zero on every even slope, also on one that bends along one axis only.
_ROUGHNESS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
# Coarse grain is that of means of 4 by 4 pixels: a lens that is out of focus takes from the fine grain alone.
_COARSE_PX = 4
# Part of the tiles that is looked at: those whose coarse grain is finest show little of the picture.
_FLATTEST = 0.25
# Below this part of the picture's white the noise of the sensor is as large as the grain.
_DARK_PART = 0.05
# About so many pixels are looked at for clipping.
_SAMPLED_PX = 400_000


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a captured picture.

    Attributes
    ----------
    clipped : float
        Part of the pixels that are on the highest count of a channel, 0..1, in the channel where it is largest.
    sharpness : float
        Roughness of the grain from pixel to pixel against that of means of 4 by 4 pixels, median over the flattest
        tiles of the picture; about 4 for noise without any blur, 0 where no tile is bright enough. Only frames of one
        roll compare: there it differs by a third from picture to picture, and a blur of one pixel takes nine tenths.
    """

    clipped: float
    sharpness: float


def condition_of(rgb: Picture) -> Condition:
    """Measure the condition of a picture.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.

    References
    ----------
    J. Immerkær, Fast noise variance estimation, CVIU 64 (1996): the operator for the roughness.
    """
    step = max(1, int((rgb.shape[0] * rgb.shape[1] / _SAMPLED_PX) ** 0.5))
    sample = rgb[::step, ::step].reshape(-1, 3)
    clipped = (sample == sample.max(axis=0)).mean(axis=0).max()
    return Condition(float(clipped), _sharpness(rgb[..., 1], float(np.quantile(sample[:, 1], 0.995))))


def _sharpness(green: Picture, white: float) -> float:
    tiles = [tile for tile in _tiles(green) if np.median(tile) > _DARK_PART * white]
    if not tiles:
        return 0.0
    fine, coarse = np.array([_grain(np.log(np.maximum(tile, 1).astype(np.float32))) for tile in tiles]).T
    flattest = (coarse <= np.quantile(coarse, _FLATTEST)) & (coarse > 0)
    return float(np.median(fine[flattest] / coarse[flattest])) if flattest.any() else 0.0


def _tiles(plane: Picture) -> list[Picture]:
    """Return tiles that lie evenly over a plane; none where it is smaller than one tile."""
    step = max(_TILE_PX, min(plane.shape) // _TILES)
    starts = [range(0, length - _TILE_PX + 1, step) for length in plane.shape]
    return [plane[row : row + _TILE_PX, col : col + _TILE_PX] for row in starts[0] for col in starts[1]]


def _grain(density: Density) -> tuple[float, float]:
    """Return the roughness of a tile from pixel to pixel, and from mean to mean of 4 by 4 pixels."""
    side = _TILE_PX // _COARSE_PX
    coarse = density.reshape(side, _COARSE_PX, side, _COARSE_PX).mean(axis=(1, 3))
    return _roughness(density), _roughness(coarse)


def _roughness(density: Density) -> float:
    rough = ndimage.convolve(density, _ROUGHNESS)[1:-1, 1:-1]
    return float(np.median(np.abs(rough)))
