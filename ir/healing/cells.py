"""Cells of defects: wide regions are cut into cells, and outcomes are counted by region."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions

# Width or height above which a region is cut into cells.
WIDE_REGION_PX = 96
# Side of a cell.
CELL_PX = 48


def split_into_cells(regions: Regions) -> tuple[Regions, npt.NDArray[np.int64]]:
    """Cut wide regions into cells: where hairs cross scratches, one exponent cannot serve all of them.

    Parameters
    ----------
    regions : Regions
        Defects of a frame.

    Returns
    -------
    cells : Regions
        The cells; a region that is not cut is one cell.
    parents : (cells,) ndarray of int64
        Region that each cell was cut from.
    """
    first = regions.starts[:-1]
    owners = regions.owners
    heights = np.maximum.reduceat(regions.rows, first) - np.minimum.reduceat(regions.rows, first)
    widths = np.maximum.reduceat(regions.cols, first) - np.minimum.reduceat(regions.cols, first)
    wide = (np.maximum(heights, widths) > WIDE_REGION_PX)[owners]
    cells = np.where(wide, (regions.rows // CELL_PX).astype(np.int64) << 16 | regions.cols // CELL_PX, 0)
    order = np.lexsort((cells, owners))
    changes = np.diff(owners[order], prepend=-1).astype(bool) | np.diff(cells[order], prepend=-1).astype(bool)
    starts = np.append(np.flatnonzero(changes), len(owners))
    cut_regions = Regions(regions.rows[order], regions.cols[order], starts.astype(np.int64))
    return cut_regions, owners[order][starts[:-1]]


def count_outcomes(
    worthwhile: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64], parents: npt.NDArray[np.int64]
) -> tuple[int, int, int]:
    """Count regions, not their cells: mostly divided, mostly filled, left alone.

    Parameters
    ----------
    worthwhile : (cells,) ndarray of bool
        Cells that are healed.
    weight : (cells,) ndarray of float64
        Divided part of each cell, 0..1.
    parents : (cells,) ndarray of int64
        Region that each cell was cut from.

    Returns
    -------
    tuple of int
        Regions divided, filled and left.
    """
    healed_cells = np.bincount(parents, worthwhile)
    divided_cells = np.bincount(parents, worthwhile & (weight > 0.5))
    divided = int(((healed_cells > 0) & (2 * divided_cells >= healed_cells)).sum())
    left = int((healed_cells == 0).sum())
    return divided, len(healed_cells) - divided - left, left
