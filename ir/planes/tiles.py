"""A sample of a frame: small tiles at full resolution, spread evenly, on which all models of the frame are fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.planes.holder import BLOCK_PX, Holder
from filmscand.ir.planes.photometry import Photometry

# Side of a tile, pixels.
TILE_PX = 128
# Largest number of tiles.
TILES = 48
# Largest part of a tile that may be holder.
HOLDER_PART = 0.1

Logs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Square tiles of one frame.

    Attributes
    ----------
    corners : (tiles, 2) ndarray of int64
        Row and column of each tile's first pixel.
    rgb, infrared : (tiles, size, size, 3) and (tiles, size, size) ndarray of uint16
        Counts, 0..65535.
    log_rgb, log_infrared : ndarrays of float32, same shapes
        Natural log of light (see `Photometry`).
    film : (tiles, size, size) ndarray of bool
        False on the holder and where the infrared is clipped.
    shape : (rows, cols)
        Size of the frame, pixels.
    """

    corners: npt.NDArray[np.int64]
    rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16]
    log_rgb: Logs
    log_infrared: Logs
    film: npt.NDArray[np.bool_]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.corners)

    def select(self, indices: npt.NDArray[np.int64]) -> Tiles:
        """Return the tiles with the given indices, in the given order."""
        return Tiles(
            self.corners[indices],
            self.rgb[indices],
            self.infrared[indices],
            self.log_rgb[indices],
            self.log_infrared[indices],
            self.film[indices],
            self.shape,
        )


def take_tiles(
    rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16], photometry: Photometry, holder: Holder
) -> Tiles:
    """Take up to 48 square tiles of 128 pixels, spread over the film.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts, 0..65535.
    photometry : Photometry
        Tables of the same frame, for the logs of light.
    holder : Holder
        Holder of the same frame; the tiles avoid it.

    Returns
    -------
    Tiles
        In reading order; smaller ones on a smaller frame; none where the frame shows no film.
    """
    size = min(TILE_PX, *infrared.shape)
    corners = np.array(_corners(infrared.shape, size, holder), np.int64).reshape(-1, 2)
    cuts = [(slice(r, r + size), slice(c, c + size)) for r, c in corners]
    colour = np.array([rgb[cut] for cut in cuts], np.uint16).reshape(-1, size, size, 3)
    plane = np.array([infrared[cut] for cut in cuts], np.uint16).reshape(-1, size, size)
    tables = photometry.log_tables
    logs = np.stack([tables[channel][colour[..., channel]] for channel in range(3)], axis=-1)
    covered = np.array([_holder_at(holder, corner, size) for corner in corners], np.bool_).reshape(plane.shape)
    film = (plane < photometry.infrared_clip) & ~covered
    return Tiles(corners, colour, plane, logs, tables[3][plane], film, (infrared.shape[0], infrared.shape[1]))


def _corners(shape: tuple[int, ...], size: int, holder: Holder) -> list[tuple[int, int]]:
    rows, cols = shape
    parts = {corner: holder.film_part(corner, (size, size)) for corner in _grid(rows, cols, size)}
    # On a small frame with a mount every tile touches the mount: then the tiles with the most film are taken.
    least = min(1 - HOLDER_PART, max(parts.values()) - HOLDER_PART)
    film = [corner for corner, part in parts.items() if part > max(least, HOLDER_PART)]
    if len(film) <= TILES:
        return film
    indices = np.unique(np.linspace(0, len(film) - 1, TILES).round().astype(int))
    return [film[index] for index in indices]


def _grid(rows: int, cols: int, size: int) -> list[tuple[int, int]]:
    """Return the corners of an even grid of about twice as many tiles as needed, so that a holder leaves enough."""
    down = max(1, min(rows // size, round((2 * TILES * rows / cols) ** 0.5)))
    across = max(1, min(cols // size, round((2 * TILES * cols / rows) ** 0.5)))
    row_corners = np.linspace(0, rows - size, down).round().astype(int)
    col_corners = np.linspace(0, cols - size, across).round().astype(int)
    return [(int(r), int(c)) for r in row_corners for c in col_corners]


def _holder_at(holder: Holder, corner: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.bool_]:
    rows, cols = ((corner[axis] + np.arange(size)) // BLOCK_PX for axis in (0, 1))
    return np.asarray(holder.blocks[rows[:, None], cols[None]])
