"""Grain for fills, borrowed from film nearby: a fill is smooth, and a smooth blotch on grain is visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _colour_kernels as kernels

Array = npt.NDArray[np.float32]

# Deviation of detail, as a part of the value, where there is no free film around.
USUAL_DETAIL = 0.02
# Area in pixels below which a speck shows no grain.
GRAINY_PX = 24
# Most detail that is borrowed, in deviations of the detail around: more is an edge of the picture.
MOST_DETAIL = 2.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How a frame around defects is read.

    Attributes
    ----------
    display : (3, 65536) ndarray of float32
        Display value of each count of red, green and blue.
    states : (rows, cols) ndarray of uint8
        Defects, rims and free film (see `pixel_states`).
    """

    display: Array
    states: npt.NDArray[np.uint8]


def measure_detail(rgb: npt.NDArray[np.uint16], surroundings: Surroundings, cells: Regions) -> Array:
    """Measure the deviation of detail around each cell: red, green, blue, and common to the three.

    Detail is grain, and whatever in the picture is as fine as grain.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    surroundings : Surroundings
        Display values and free film of the frame.
    cells : Regions
        Cells of the defects.

    Returns
    -------
    (cells, 4) ndarray of float32
        Standard deviations, as a part of the value.
    """
    detail = np.empty((len(cells), 4), np.float32)
    usual = np.float32(USUAL_DETAIL)
    kernels.measure_grain(
        rgb, surroundings.states, surroundings.display, cells.starts, cells.rows, cells.cols, usual, detail
    )
    return detail


def borrowed_grain(
    rgb: npt.NDArray[np.uint16],
    surroundings: Surroundings,
    cells: Regions,
    fill_and_detail: tuple[Array, Array],
    lost_grain: npt.NDArray[np.floating],
) -> Array:
    """Return the grain that fills lost, from film nearby.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    surroundings : Surroundings
        Display values and free film of the frame.
    cells : Regions
        Cells of the defects.
    fill_and_detail : (pixels, 3) and (cells, 4) ndarray of float32
        The fill, in display values, and the detail around (see `measure_detail`).
    lost_grain : (pixels,) ndarray of float32
        Lost part of the grain, 0..1.

    Returns
    -------
    (pixels, 3) ndarray of float32
        Display values to add, bounded by the detail around; 0 where no film nearby is free over the whole cell.
    """
    fill, detail = fill_and_detail
    areas = np.diff(cells.starts)
    levels = np.add.reduceat(fill, cells.starts[:-1], axis=0) / areas[:, None]
    most = (MOST_DETAIL * detail[:, :3] * levels).astype(np.float32)
    missing = np.where(areas[cells.owners] < GRAINY_PX, 0, lost_grain).astype(np.float32)
    added = np.empty_like(fill)
    kernels.borrow_grain(
        rgb, surroundings.states, surroundings.display, cells.starts, cells.rows, cells.cols, missing, most, added
    )
    return added
