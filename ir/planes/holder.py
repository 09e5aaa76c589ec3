"""Find the mount or holder of a frame: it blocks the infrared in large areas that reach the frame's border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

# Side of the blocks in which the holder is found, pixels.
BLOCK_PX = 8
# Part of the film's light below which a block is holder. Stray light leaves a holder about 5 %.
HOLDER_LIGHT = 0.16
# Smallest holder area, part of the frame. Smaller dark areas are opaque dust and hairs.
SMALLEST_PART = 0.002
# Margin around the holder that counts as holder too, since its edge is blurred, pixels.
MARGIN_PX = 16
# A colour is clipped from this part of its highest count on.
BLOWN = 0.998


@dataclass(frozen=True, slots=True)
class Holder:
    """The part of a frame that mount or holder cover.

    Attributes
    ----------
    blocks : (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        True where a block of 8 by 8 pixels touches the holder or its blurred edge.
    fraction : float
        Part of the frame that is holder, 0..1, without the margin.
    """

    blocks: npt.NDArray[np.bool_]
    fraction: float

    def film_part(self, corner: tuple[int, int], size: tuple[int, int]) -> float:
        """Return the part of a rectangle that is film.

        Parameters
        ----------
        corner : (row, col)
            First row and column of the rectangle, pixels.
        size : (rows, cols)
            Size of the rectangle, pixels.

        Returns
        -------
        float
            0..1, over as many whole blocks as the size takes, from the block of the corner on.
        """
        first = [at // BLOCK_PX for at in corner]
        last = [at - (-length // BLOCK_PX) for at, length in zip(first, size, strict=True)]
        return float(1 - self.blocks[first[0] : last[0], first[1] : last[1]].mean())


def find_holder(infrared: npt.NDArray[np.uint16], black: float) -> Holder:
    """Find the mount or holder in the infrared plane.

    ::

        dark   = light < 0.16 * (90 % quantile of light)      light: mean of a block, less the black level
        holder = connected dark blocks that reach the border and cover at least 0.2 % of the frame

    Parameters
    ----------
    infrared : (rows, cols) ndarray of uint16
        Counts, 0..65535.
    black : float
        Black level of the plane, counts.

    Returns
    -------
    Holder
        The holder, widened by a margin of 16 pixels.
    """
    light = block_light(infrared) - np.float32(black)
    film_light = float(np.quantile(light, 0.9))
    dark = light < HOLDER_LIGHT * film_light
    regions, count = ndimage.label(dark, structure=np.ones((3, 3)))
    holder = np.zeros_like(dark)
    if count:
        sizes = np.bincount(regions.ravel(), minlength=count + 1)
        border = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
        keep = np.zeros(count + 1, np.bool_)
        keep[border] = sizes[border] >= SMALLEST_PART * dark.size
        keep[0] = False
        holder = keep[regions]
    fraction = float(holder.mean())
    if fraction > 0:
        holder = ndimage.binary_dilation(holder, np.ones((3, 3), np.bool_), iterations=MARGIN_PX // BLOCK_PX)
    return Holder(holder, fraction)


def holder_light(rgb: npt.NDArray[np.uint16], holder: Holder) -> tuple[float, float, float] | None:
    """Return the median counts of the picture under the core of the holder.

    The core lies at least 48 pixels within the widened holder, where no light of the film reaches.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    holder : Holder
        The holder of the same frame.

    Returns
    -------
    tuple of float or None
        Counts of red, green and blue; None where the core has fewer than 16 blocks.
    """
    core = ndimage.binary_erosion(holder.blocks, iterations=3 * MARGIN_PX // BLOCK_PX)
    if core.sum() < 16:
        return None
    rows, cols = np.nonzero(core[: rgb.shape[0] // BLOCK_PX, : rgb.shape[1] // BLOCK_PX])
    red, green, blue = np.median(rgb[rows * BLOCK_PX, cols * BLOCK_PX], axis=0)
    return float(red), float(green), float(blue)


def blown_blocks(rgb: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Find the blocks in which all colours are clipped: perforations and blown highlights.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.

    Returns
    -------
    (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        All False where more than half of the frame is clipped: then the film itself is.
    """
    thin = rgb[::BLOCK_PX, ::BLOCK_PX]
    blown = (thin >= BLOWN * thin.reshape(-1, 3).max(axis=0)).all(axis=2)
    # One pixel is read of each block; the edge of a clipped area may run through the neighbouring blocks.
    blocks = ndimage.binary_dilation(blown, np.ones((3, 3), np.bool_))
    return np.asarray(blocks if blocks.mean() <= 0.5 else np.zeros_like(blocks))


def block_light(plane: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Return the mean of each 8 by 8 block, read on every second row and column.

    Parameters
    ----------
    plane : (rows, cols) ndarray of uint16
        Counts, 0..65535.

    Returns
    -------
    (ceil(rows / 8), ceil(cols / 8)) ndarray of float32
        Counts. Blocks that the frame's end cuts are filled with its last row and column.
    """
    rows, cols = plane.shape
    padded_rows, padded_cols = -rows % BLOCK_PX, -cols % BLOCK_PX
    thin = plane[::2, ::2]
    half = BLOCK_PX // 2
    pad = ((0, (rows + padded_rows) // 2 - thin.shape[0]), (0, (cols + padded_cols) // 2 - thin.shape[1]))
    thin = np.pad(thin, pad, mode="edge")
    blocks = thin.reshape(thin.shape[0] // half, half, thin.shape[1] // half, half)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))
