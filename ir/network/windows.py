"""Which parts of a frame a network looks at: windows around the pixels that are asked for.

Each window runs with a margin of its surroundings. Small windows waste much on margins, large ones on pixels that
nobody asked for: windows are joined where less has to run that way.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation

from filmscand.ir.detection.regions import Regions

Window = tuple[slice, slice]
# First row and column, and those behind the last, (boxes, 4).
Boxes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

# Side of the cells into which a region is cut where its own box takes more than they together, as that of a hair does,
# and in which a defect that leaves its window is followed. Beside margins of 32 pixels, smaller ones save little.
CELL_PX = 32
# Sides of the squares within which windows are joined.
SQUARES_PX = (64, 128, 256, 512, 1024)
# Largest side of a window: the network takes some 350 MB for one.
LARGEST_PX = 1472
# Pixels around a region that belong to its window, beside the margin: what the network sees of the region depends on
# them. With 4, a third less has to run, F1 of 48 frames is lower by 0.002, and hairs take parts of letters with them.
RIM_PX = 24
# By how much the network's outline of a defect may be wider than the infrared's, pixels.
OUTLINE_PX = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What a network is asked about.

    Attributes
    ----------
    regions : Regions
        Regions to look at.
    known : (rows, cols) ndarray of bool
        Pixels of the frame's other defects: a defect that continues into one of these is not followed there.
    """

    regions: Regions
    known: Mask


@dataclass(frozen=True, slots=True)
class Planes:
    """What is known of each pixel of a frame, (rows, cols) ndarrays of bool.

    Attributes
    ----------
    probable : ndarray
        Pixels that are probably a defect.
    looked : ndarray
        Pixels that the network looked at.
    known : ndarray
        See `Asked`.
    """

    probable: Mask
    looked: Mask
    known: Mask

    @property
    def turned(self) -> Planes:
        """The same with columns for rows."""
        return Planes(self.probable.T, self.looked.T, self.known.T)

    def crossed(self, inside: int, beyond: int, cols: slice) -> list[int]:
        """Return the columns in which a defect continues from one row into the next, where nobody looked yet."""
        if not 0 <= beyond < len(self.probable):
            return []
        first = max(cols.start - OUTLINE_PX, 0)
        slab = self.known[max(beyond - OUTLINE_PX, 0) : beyond + OUTLINE_PX + 1, first : cols.stop + OUTLINE_PX]
        near: Mask = binary_dilation(np.asarray(slab.any(axis=0)), iterations=OUTLINE_PX)[cols.start - first :]
        crossed = self.probable[inside, cols] & ~self.looked[beyond, cols] & ~near[: cols.stop - cols.start]
        return [cols.start + int(each) for each in np.flatnonzero(crossed)]


@dataclass(frozen=True, slots=True)
class Patch:
    """A window and what the network is shown of it: first pixel, and rows and columns, which may exceed the frame."""

    window: Window
    corner: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a network looks at a frame of one size.

    Attributes
    ----------
    shape : (rows, cols)
        Size of the frame, pixels.
    margin_px : int
        Width of the surroundings that run with each window.
    multiple_px : int
        The network takes rows and columns that are multiples of it.
    """

    shape: tuple[int, int]
    margin_px: int
    multiple_px: int

    def everywhere(self) -> list[Window]:
        """Return windows that cover each pixel of the frame once."""
        side = round_up(LARGEST_PX, self.multiple_px)
        rows, cols = ([slice(at, min(at + side, length)) for at in range(0, length, side)] for length in self.shape)
        return list(product(rows, cols))

    def around(self, regions: Regions) -> list[Window]:
        """Return windows that cover the pixels of some regions; they may overlap."""
        rows, cols = regions.rows.astype(np.int64), regions.cols.astype(np.int64)
        owners, cells = regions.owners, self._squares(rows, cols, CELL_PX)
        pieces = owners * (cells.max(initial=0) + 1) + cells
        boxes, first, _ = _united(np.stack([rows, cols, rows + 1, cols + 1], axis=1), pieces)
        boxes = self._joined(boxes, owners[first])
        for side in SQUARES_PX:
            rows, cols = ((boxes[:, :2] + boxes[:, 2:]) // 2).T
            boxes = self._joined(boxes, self._squares(rows, cols, side))
        return [self._window(box) for box in boxes.tolist()]

    def continued(self, window: Window, planes: Planes) -> set[tuple[int, int]]:
        """Return the cells into which defects continue over the sides of a window.

        Parameters
        ----------
        window : Window
            The window.
        planes : Planes
            What is known of the frame.

        Returns
        -------
        set of (int, int)
            Row and column of each cell in the grid of cells.
        """
        rows, cols = window
        above_and_below = {
            (beyond // CELL_PX, col // CELL_PX)
            for inside, beyond in ((rows.start, rows.start - 1), (rows.stop - 1, rows.stop))
            for col in planes.crossed(inside, beyond, cols)
        }
        beside = {
            (row // CELL_PX, beyond // CELL_PX)
            for inside, beyond in ((cols.start, cols.start - 1), (cols.stop - 1, cols.stop))
            for row in planes.turned.crossed(inside, beyond, rows)
        }
        return above_and_below | beside

    def cell(self, at: tuple[int, int]) -> Window:
        """Return the window of a cell, by its row and column in the grid of cells."""
        row, col = (
            slice(index * CELL_PX, min((index + 1) * CELL_PX, length))
            for index, length in zip(at, self.shape, strict=True)
        )
        return row, col

    def patch(self, window: Window) -> Patch:
        """Return a window with its margin."""
        row, col = (max(side.start - self.margin_px, 0) for side in window)
        ends = (min(side.stop + self.margin_px, length) for side, length in zip(window, self.shape, strict=True))
        rows, cols = (round_up(end - start, self.multiple_px) for start, end in zip((row, col), ends, strict=True))
        return Patch(window, (row, col), (rows, cols))

    def _joined(self, boxes: Boxes, groups: Numbers) -> Boxes:
        """Replace the boxes of each group by one around them where that takes less; `groups`: a number for each box."""
        joined, _, index = _united(boxes, groups)
        better = self._run_px(joined) <= np.bincount(index, self._run_px(boxes), len(joined))
        return np.concatenate([joined[better], boxes[~better[index]]])

    def _squares(self, rows: Numbers, cols: Numbers, side: int) -> Numbers:
        """Return the number of the square of this side in which each place lies."""
        return rows // side * -(-self.shape[1] // side) + cols // side

    def _run_px(self, boxes: Boxes) -> npt.NDArray[np.float64]:
        """Return how many pixels run for each box; infinity for one that is too large."""
        sides = self._sides(boxes)
        return np.where(sides.max(axis=1) <= LARGEST_PX, sides.prod(axis=1, dtype=np.float64), np.inf)

    def _sides(self, boxes: Boxes) -> Numbers:
        """Return rows and columns that the network is shown for each box, (boxes, 2)."""
        least = boxes[:, 2:] - boxes[:, :2] + 2 * (RIM_PX + self.margin_px)
        return np.asarray(-(-least // self.multiple_px) * self.multiple_px)

    def _window(self, box: list[int]) -> Window:
        """Return the window of a box: the box, its rim, and what runs anyhow."""
        sides = self._sides(np.array([box]))[0] - 2 * self.margin_px
        rows, cols = (
            _centred(first, behind, int(side), length)
            for first, behind, side, length in zip(box[:2], box[2:], sides, self.shape, strict=True)
        )
        return rows, cols


def round_up(length: int, multiple: int) -> int:
    """Return the first multiple from a length on."""
    return -(-length // multiple) * multiple


def _united(boxes: Boxes, groups: Numbers) -> tuple[Boxes, Numbers, Numbers]:
    """Return the box around each group, the index of a box of each group, and the index of the group of each box."""
    _, one, index = np.unique(groups, return_index=True, return_inverse=True)
    united = boxes[one].copy()
    np.minimum.at(united[:, :2], index, boxes[:, :2])
    np.maximum.at(united[:, 2:], index, boxes[:, 2:])
    return united, one, index


def _centred(first: int, behind: int, side: int, length: int) -> slice:
    """Return a slice of some pixels around a box's extent, cut at the frame's sides."""
    start = first - (side - (behind - first)) // 2
    return slice(max(start, 0), min(start + side, length))
