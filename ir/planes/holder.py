"""Where the film lies: mounts and holders block the infrared in large regions that reach the frame's border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BLOCK_PX = 8
# A holder lets through less than this part of the film's light (stray light leaves about 5 %).
HOLDER_LIGHT = 0.16
# Smaller dark regions are opaque dust and hairs.
SMALLEST_PART = 0.002
MARGIN_PX = 16
# Part of a colour's highest count from which on it is at the end of its scale.
BLOWN = 0.998


@dataclass(frozen=True, slots=True)
class Holder:
    """The part of a frame that is no film.

    Attributes
    ----------
    blocks : (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        True where a block of 8 by 8 pixels touches the holder or its blurred edge.
    fraction : float
        Part of the frame that is holder, without the margin, 0..1.
    """

    blocks: npt.NDArray[np.bool_]
    fraction: float

    def film_part(self, corner: tuple[int, int], size: tuple[int, int]) -> float:
        """Return how much of a piece of the frame is film, 0..1, from its first row and column and its size, pixels."""
        first = [at // BLOCK_PX for at in corner]
        last = [at - (-length // BLOCK_PX) for at, length in zip(first, size, strict=True)]
        return float(1 - self.blocks[first[0] : last[0], first[1] : last[1]].mean())


def find_holder(infrared: npt.NDArray[np.uint16], black: float) -> Holder:
    """Find the mount or holder in the infrared plane.

    Parameters
    ----------
    infrared : (rows, cols) ndarray of uint16
    black : float
        Black level of the plane, counts.

    Returns
    -------
    Holder
        Dark regions of at least 0.2 % of the frame that reach its border, widened by a margin of 16 pixels.
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
    """Return the median counts of red, green and blue under the holder's core, or None where there is no core."""
    core = ndimage.binary_erosion(holder.blocks, iterations=3 * MARGIN_PX // BLOCK_PX)
    if core.sum() < 16:
        return None
    rows, cols = np.nonzero(core[: rgb.shape[0] // BLOCK_PX, : rgb.shape[1] // BLOCK_PX])
    red, green, blue = np.median(rgb[rows * BLOCK_PX, cols * BLOCK_PX], axis=0)
    return float(red), float(green), float(blue)


def blown_blocks(rgb: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    """Find the blocks that are at the end of the scale in all colours: perforations, and highlights that say nothing.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16

    Returns
    -------
    (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        None where more than half of the frame is at the end of the scale: then that is the film.
    """
    thin = rgb[::BLOCK_PX, ::BLOCK_PX]
    blown = (thin >= BLOWN * thin.reshape(-1, 3).max(axis=0)).all(axis=2)
    # One pixel stands for its block; the blocks beside it may be cut by the rim.
    blocks = ndimage.binary_dilation(blown, np.ones((3, 3), np.bool_))
    return np.asarray(blocks if blocks.mean() <= 0.5 else np.zeros_like(blocks))


def film_holder(holder: Holder, dark: npt.NDArray[np.bool_], dark_block_px: int) -> Holder:
    """Keep as holder what stays dark once the leaked picture is out: under strong leakage a black picture is dark too.

    Parameters
    ----------
    holder : Holder
    dark : ndarray of bool
        Blocks of `dark_block_px` pixels (a multiple of 8) far below the film around them.
    dark_block_px : int

    Returns
    -------
    Holder
        Each region of `holder` that is mostly dark.
    """
    ratio = dark_block_px // BLOCK_PX
    rows, cols = holder.blocks.shape
    fine = np.repeat(np.repeat(dark, ratio, axis=0), ratio, axis=1)[:rows, :cols]
    regions, count = ndimage.label(holder.blocks, structure=np.ones((3, 3)))
    shares = ndimage.mean(fine, regions, np.arange(1, count + 1)) if count else np.zeros(0)
    keep = np.concatenate([[False], np.asarray(shares) > 0.3])
    return Holder(keep[regions], holder.fraction)


def block_light(plane: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Return the mean of every 8 by 8 block, from every second row and column; blocks at the end may be cut."""
    rows, cols = plane.shape
    padded_rows, padded_cols = -rows % BLOCK_PX, -cols % BLOCK_PX
    thin = plane[::2, ::2]
    half = BLOCK_PX // 2
    pad = ((0, (rows + padded_rows) // 2 - thin.shape[0]), (0, (cols + padded_cols) // 2 - thin.shape[1]))
    thin = np.pad(thin, pad, mode="edge")
    blocks = thin.reshape(thin.shape[0] // half, half, thin.shape[1] // half, half)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))
