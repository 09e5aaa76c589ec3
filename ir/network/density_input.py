"""The detector's colour input: densities of a frame above its own white, from counts of any scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.errors import PlaneTypeError
from filmscand.ir.planes.photometry import SAMPLE_PIXELS, log_table

# Quantile of a plane's counts that counts as its white.
WHITE_QUANTILE = 0.995
# Light below this part of the white is bent to a constant, density 3: noise of the deepest shadows says nothing.
BEND = 1e-3
_LN10 = np.float32(np.log(10))


@dataclass(frozen=True, slots=True)
class DensityLevels:
    """Conversion from counts to densities, the same for each tile of a frame.

    Attributes
    ----------
    tables : (3, 65536) ndarray of float32
        Density above the plane's white for each count of red, green and blue; bent to 3 in the deepest shadows.
    white : tuple of float
        White of red, green and blue (99.5th percentile), counts.
    """

    tables: npt.NDArray[np.float32]
    white: tuple[float, float, float]


def measure_levels(rgb: npt.NDArray[np.uint16]) -> DensityLevels:
    """Measure the white of a whole frame, on an even sample of its pixels.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, linear or gamma-encoded: an exponent only multiplies the density, and the detector is trained on both.

    Returns
    -------
    DensityLevels
        Conversion from counts to densities.

    Raises
    ------
    PlaneTypeError
        `rgb` is not of this shape and type, or is empty.

    Examples
    --------
    >>> frame = np.full((64, 96, 3), 40000, np.uint16)
    >>> tile = density_planes(frame[:32, :32], measure_levels(frame))
    >>> tile.shape, float(np.abs(tile).max()) < 1e-4
    ((3, 32, 32), True)
    """
    _require_colour(rgb)
    if not rgb.size:
        raise PlaneTypeError(f"rgb: expected a picture, found {rgb.shape}")
    step = max(1, round((rgb.shape[0] * rgb.shape[1] / SAMPLE_PIXELS) ** 0.5))
    red, green, blue = np.quantile(rgb[::step, ::step].reshape(-1, 3), WHITE_QUANTILE, axis=0)
    return density_levels((float(red), float(green), float(blue)))


def density_levels(white: tuple[float, float, float]) -> DensityLevels:
    """Return the conversion for a frame whose white has these counts in red, green and blue."""
    # No black level is subtracted: it would only flatten the shadows, and one guessed too high would deepen them.
    tables = np.stack([log_table(0.0, max(level, 1.0), BEND) for level in white])
    return DensityLevels(tables / -_LN10, white)


def density_planes(rgb: npt.NDArray[np.uint16], levels: DensityLevels) -> npt.NDArray[np.float32]:
    """Return the densities of a frame or of a part of it.

    density = -log10(counts / white), bent to 3 in the deepest shadows.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts.
    levels : DensityLevels
        Conversion for the whole frame (see `measure_levels`).

    Returns
    -------
    (3, rows, cols) ndarray of float32
        Density of red, green and blue above the frame's white; slightly negative where a pixel is brighter still.

    Raises
    ------
    PlaneTypeError
        `rgb` is not of this shape and type.
    """
    _require_colour(rgb)
    planes = np.empty((3, *rgb.shape[:2]), np.float32)
    for channel in range(3):
        # "clip" writes straight into the plane; every count has its entry.
        np.take(levels.tables[channel], rgb[..., channel], out=planes[channel], mode="clip")
    return planes


def _require_colour(rgb: npt.NDArray[np.uint16]) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint16:
        raise PlaneTypeError(f"rgb: expected (rows, cols, 3) of uint16, found {rgb.shape} of {rgb.dtype}")
