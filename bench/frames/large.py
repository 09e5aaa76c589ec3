"""Large frames that are made cheaply, of mirrored tiles of a simulated one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.frames.suite import suite
from filmscand.film.fields import stream

TILE_ROWS, TILE_COLS = 1600, 2400
# About the shot noise of a bright pixel. With it the mirrored tiles are no exact copies of each other.
_NOISE_SHARE = np.float32(0.004)
_BAND_ROWS = 256

Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Planes:
    """The planes of a frame, without its truth.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts.
    infrared : (rows, cols) ndarray of uint16
        Counts.
    """

    rgb: Counts
    infrared: Counts

    @property
    def nbytes(self) -> int:
        """Size of both planes, bytes."""
        return self.rgb.nbytes + self.infrared.nbytes

    def save(self, folder: Path) -> None:
        """Write both planes into a folder, uncompressed."""
        np.save(folder / "rgb.npy", self.rgb)
        np.save(folder / "infrared.npy", self.infrared)

    @classmethod
    def load(cls, folder: Path) -> Planes:
        """Read the planes that `save` wrote."""
        return cls(np.load(folder / "rgb.npy"), np.load(folder / "infrared.npy"))


def tiled_frame(rows: int, cols: int, kind: str = "leaky_slide") -> Planes:
    """Return a large frame: a simulated one, mirrored at its edges, with new noise over all.

    Parameters
    ----------
    rows, cols : int
        Size of the frame.
    kind : str
        Name from `filmscand.film.kinds.KINDS`.
    """
    frame = next(suite([kind])).simulate(TILE_ROWS, TILE_COLS)
    return Planes(_tiled(frame.rgb, rows, cols, "rgb"), _tiled(frame.infrared, rows, cols, "infrared"))


def _tiled(plane: Counts, rows: int, cols: int, name: str) -> Counts:
    grow = ((0, max(rows - plane.shape[0], 0)), (0, max(cols - plane.shape[1], 0)), (0, 0))
    tiled = np.pad(plane, grow[: plane.ndim], "symmetric")[:rows, :cols]
    noise = stream(1, f"bench {name}")
    for first in range(0, rows, _BAND_ROWS):
        band = tiled[first : first + _BAND_ROWS].astype(np.float32)
        band += band * (_NOISE_SHARE * noise.standard_normal(band.shape, np.float32))
        tiled[first : first + _BAND_ROWS] = np.rint(band.clip(0, 65535)).astype(np.uint16)
    return np.ascontiguousarray(tiled)
