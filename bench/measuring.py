"""Time and memory: large frames made cheaply, one copy of a frame as the unit, and children whose peak can be told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bench.frames import suite
from filmscand.film.fields import stream

TILE_ROWS, TILE_COLS = 1600, 2400
# About the shot noise of a bright pixel: the mirrored tiles are then no exact copies of each other.
_NOISE_SHARE = np.float32(0.004)
_BAND_ROWS = 256

Counts = npt.NDArray[np.uint16]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Planes:
    """A frame without its truth."""

    rgb: Counts
    infrared: Counts

    @property
    def nbytes(self) -> int:
        """Size of both planes, bytes."""
        return self.rgb.nbytes + self.infrared.nbytes

    def save(self, folder: Path) -> None:
        """Write both planes as they lie in memory."""
        np.save(folder / "rgb.npy", self.rgb)
        np.save(folder / "infrared.npy", self.infrared)

    @classmethod
    def load(cls, folder: Path) -> Planes:
        """Read what `save` wrote."""
        return cls(np.load(folder / "rgb.npy"), np.load(folder / "infrared.npy"))


@dataclass(frozen=True, slots=True)
class Peak:
    """Resident memory of a process, bytes: with everything imported, with the frame, and at most."""

    imported_bytes: int
    loaded_bytes: int
    most_bytes: int

    def describe(self, frame_bytes: int) -> str:
        """Return both peaks as multiples of the frame."""
        over_imports, over_frame = (self.most_bytes - base for base in (self.imported_bytes, self.loaded_bytes))
        return (
            f"{self.most_bytes / 1e6:.0f} MB resident at most = {over_imports / frame_bytes:.2f} frames over the "
            f"imports, {over_frame / frame_bytes:.2f} over the imports and the frame itself"
        )


def tiled_frame(rows: int, cols: int, kind: str = "leaky_slide") -> Planes:
    """Return a frame of mirrored tiles of a simulated one, with noise of its own in each."""
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


def copy_seconds(planes: Planes, times: int = 5) -> float:
    """Return the least time that a copy of both planes into memory at hand takes, on one core."""
    rgb, infrared = np.empty_like(planes.rgb), np.empty_like(planes.infrared)

    def copy() -> None:
        np.copyto(rgb, planes.rgb)
        np.copyto(infrared, planes.infrared)

    copy()  # the first one meets memory that the kernel has not given yet
    return min(seconds_of(copy) for _ in range(times))


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_child(work: Callable[..., Made], *arguments: object) -> Made:
    """Return what a fresh process makes of it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    return _status_bytes("VmRSS")


def most_resident_bytes() -> int:
    """Return the largest resident memory since `forget_peak`."""
    return _status_bytes("VmHWM")


def forget_peak() -> None:
    """Let the largest resident memory count from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def _status_bytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, f"the kernel does not tell {name}"
    return int(found[1]) << 10
