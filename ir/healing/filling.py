"""Fill defects from their surroundings, in display values: light to the power 1 / 2.2, as the eye sees it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _healing_kernels as kernels
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]

# Exponent of display values: light to the power 1 / 2.2.
DISPLAY_GAMMA = 2.2
# Squared error of a fill for the film's grain, in display values squared.
GRAIN_VARIANCE = 1e-4


def display_tables(photometry: Photometry) -> Array:
    """Return the display value of each count of red, green and blue, (3, 65536): light to the power 1 / 2.2."""
    return np.asarray(np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA)), np.float32)


def colour_levels(photometry: Photometry) -> npt.NDArray[np.float64]:
    """Return black, span (white less black) and bend of red, green and blue, counts, (3, 3)."""
    black, white, bend = (np.array(values[:3]) for values in (photometry.black, photometry.white, photometry.bend))
    return np.stack([black, np.maximum(white - black, 1.0), bend])


def pixel_states(cells: Regions, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the state of each pixel of a frame: defect, rim of a defect, or free film.

    Parameters
    ----------
    cells : Regions
        The defects.
    shape : tuple of int
        Rows and columns of the frame, and whatever follows.

    Returns
    -------
    (rows, cols) ndarray of uint8
        `DEFECT`, `RIM` or `FREE` of `_healing_kernels`.
    """
    states = np.zeros(shape[:2], np.uint8)
    states[cells.rows, cells.cols] = kernels.DEFECT
    kernels.mark_rims(states, cells.rows, cells.cols)
    return states


def fill_from_surroundings(
    rgb: npt.NDArray[np.uint16], states: npt.NDArray[np.uint8], cells: Regions, display: Array
) -> tuple[Array, Array]:
    """Fill all defect pixels from their surroundings.

    A fill is the weighted mean of linear interpolations along eight directions, between the nearest free film at both
    ends.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    states : (rows, cols) ndarray of uint8
        State of each pixel (see `pixel_states`).
    cells : Regions
        The defects.
    display : (3, 65536) ndarray of float32
        Display value of each count.

    Returns
    -------
    fill : (pixels, 3) ndarray of float32
        Display values; -1 where no free film is in reach.
    error : (pixels, 4) ndarray of float32
        Spread of the directions in red, green and blue, and the disagreement of their ends, squared.
    """
    fill, error = np.empty((len(cells.rows), 3), np.float32), np.zeros((len(cells.rows), 4), np.float32)
    grain = np.float32(GRAIN_VARIANCE)
    kernels.fill_pixels(rgb, display, states, cells.starts, cells.rows, cells.cols, grain, fill, error)
    return fill, error
