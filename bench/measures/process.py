"""Seconds and memory of a process; the copy of a frame is a unit of time, and a child process has its own peak."""

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

from bench.frames.large import Planes

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Peak:
    """Resident memory of a process.

    Parameters
    ----------
    imported_bytes : int
        After all imports.
    loaded_bytes : int
        With the frame in memory.
    most_bytes : int
        Peak.
    """

    imported_bytes: int
    loaded_bytes: int
    most_bytes: int

    def describe(self, frame_bytes: int) -> str:
        """Return the peak as text, in MB and in multiples of a frame of `frame_bytes`."""
        over_imports, over_frame = self.frames_over_imports(frame_bytes), self.frames_over_frame(frame_bytes)
        return (
            f"{self.most_bytes / 1e6:.0f} MB resident at most: {over_imports:.2f} frames above the imports, "
            f"{over_frame:.2f} frames above the imports and the frame itself"
        )

    def frames_over_imports(self, frame_bytes: int) -> float:
        """Return the peak above the imports, in multiples of the frame."""
        return (self.most_bytes - self.imported_bytes) / frame_bytes

    def frames_over_frame(self, frame_bytes: int) -> float:
        """Return the peak above the imports and the frame itself, in multiples of the frame."""
        return (self.most_bytes - self.loaded_bytes) / frame_bytes


def copy_seconds(planes: Planes, times: int = 5) -> float:
    """Return the seconds of a copy of both planes into allocated memory, on one core: the least of several tries."""
    rgb, infrared = np.empty_like(planes.rgb), np.empty_like(planes.infrared)

    def copy() -> None:
        np.copyto(rgb, planes.rgb)
        np.copyto(infrared, planes.infrared)

    copy()  # the first copy is slow: the kernel provides the memory's pages only now
    return min(seconds_of(copy) for _ in range(times))


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall time of a call, seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_child(work: Callable[..., Made], *arguments: object) -> Made:
    """Run a function of a module in a fresh process and return its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def resident_bytes() -> int:
    """Return the resident memory of this process, bytes."""
    return memory_bytes("VmRSS")


def most_resident_bytes() -> int:
    """Return the peak of this process's resident memory since `forget_peak`, bytes."""
    return memory_bytes("VmHWM")


def forget_peak() -> None:
    """Restart the measurement of this process's peak."""
    Path("/proc/self/clear_refs").write_text("5")


def memory_bytes(name: str, pid: int | str = "self") -> int:
    """Return a field of /proc/PID/status, such as VmRSS (resident memory) or VmHWM (its peak), bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, f"/proc/{pid}/status has no field {name}"
    return int(found[1]) << 10
