"""Grain for what was filled: a fill is smooth, and a smooth blotch on grain is seen. Film nearby lends its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _colour_kernels as kernels

Array = npt.NDArray[np.float32]

USUAL_DETAIL = 0.02
# Specks of fewer pixels show no grain.
GRAINY_PX = 24
# Detail that is lent at the most, in deviations of that around: more is an edge of the picture.
MOST_DETAIL = 2.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How defects are findings at: display value of each count (3, 65536), and the frame's marks (see `pixel_states`)."""

    display: Array
    marks: npt.NDArray[np.uint8]


def measure_detail(rgb: npt.NDArray[np.uint16], shown: Surroundings, cells: Regions) -> Array:
    """Return the deviation of detail around each cell: red, green, blue, and what they have in common, (cells, 4).

    As a part of the value; grain, and whatever is as fine as grain.
    """
    detail = np.empty((len(cells), 4), np.float32)
    usual = np.float32(USUAL_DETAIL)
    kernels.measure_grain(rgb, shown.marks, shown.display, cells.starts, cells.rows, cells.cols, usual, detail)
    return detail


def borrowed_grain(
    rgb: npt.NDArray[np.uint16],
    shown: Surroundings,
    cells: Regions,
    looks: tuple[Array, Array],
    lost: npt.NDArray[np.floating],
) -> Array:
    """Return the grain that filling lost, from film nearby.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    shown : Surroundings
    cells : Regions
    looks : (pixels, 3) and (cells, 4) ndarray of float32
        The fill, in display values, and the detail around (see `measure_detail`).
    lost : (pixels,) ndarray of float32
        Part of the grain that is missing, 0..1.

    Returns
    -------
    (pixels, 3) ndarray of float32
        Display values to add, no larger than detail around is; 0 where no film near is free for the whole cell.
    """
    fill, detail = looks
    areas = np.diff(cells.starts)
    levels = np.add.reduceat(fill, cells.starts[:-1], axis=0) / areas[:, None]
    most = (MOST_DETAIL * detail[:, :3] * levels).astype(np.float32)
    missing = np.where(areas[cells.owners] < GRAINY_PX, 0, lost).astype(np.float32)
    added = np.empty_like(fill)
    kernels.borrow_grain(rgb, shown.marks, shown.display, cells.starts, cells.rows, cells.cols, missing, most, added)
    return added
