"""Pixels inside outlines that a person drew on a frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from filmscand.ir.report import Outline


def pixels_inside(outlines: Iterable[Outline], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return the pixels whose centre lies inside one of the outlines.

    A centre is inside if a ray along its row crosses the outline an odd number of times. Pixel (row, col) has its
    centre at (row + 0.5, col + 0.5): the corners (2, 3), (2, 7), (5, 7), (5, 3) enclose rows 2..4 and columns 3..6.

    Parameters
    ----------
    outlines : iterable of Outline
        Corners (row, col), pixels; parts outside the frame enclose nothing.
    shape : (rows, cols)
        Size of the frame, pixels.

    Returns
    -------
    (rows, cols) ndarray of bool
    """
    inside = np.zeros(shape, np.bool_)
    for outline in outlines:
        inside |= _inside(np.asarray(outline, np.float64), shape)
    return inside


def _inside(corners: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    rows, cols = shape
    # One more column takes the crossings on the right of the frame.
    crossings = np.zeros((rows, cols + 1), np.bool_)
    for (row, col), (next_row, next_col) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        first, last = (int(np.clip(np.ceil(end - 0.5), 0, rows)) for end in sorted((row, next_row)))
        crossed = np.arange(first, last)
        if len(crossed):
            at = col + (crossed + 0.5 - row) * (next_col - col) / (next_row - row)
            crossings[crossed, np.clip(np.ceil(at - 0.5), 0, cols).astype(np.intp)] ^= True
    top, bottom = (int(np.clip(edge, 0, rows)) for edge in (corners[:, 0].min(), np.ceil(corners[:, 0].max())))
    inside = np.zeros(shape, np.bool_)
    inside[top:bottom] = np.logical_xor.accumulate(crossings[top:bottom], axis=1)[:, :cols]
    return inside
