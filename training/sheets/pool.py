"""A pool of sheets on disk: processes go on drawing sheets into it while the training reads it at random."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import cv2
import numba
import numpy as np
import numpy.typing as npt

from filmscand.ir.network.infrared_view import PLANES, VIEW_LIMIT
from training.sheets.sources import load_sources
from training.sheets.synthesizer import Sheet, draw_sheet

# Densities and infrared are stored as int16 multiples of these steps: densities within -4..4, and infrared within all
# that the infrared input can hold, so that the network sees here what it sees in use.
DENSITY_STEP = 1 / 8192
INFRARED_STEP = float(VIEW_LIMIT) / 2**15
# A label is one byte: the weight, 0..127, and this bit where there is a defect.
DEFECT_BIT, WEIGHT_STEPS = 128, 127
_NICENESS = 5
# A single drawer shares a processor with the network: once the pool is full, it works for this share of the time.
_SHARE_OF_ONE = 0.3


class WithInfrared(StrEnum):
    """Which sheets of a pool have an infrared plane."""

    NONE = "none"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """Size and sources of a pool.

    Parameters
    ----------
    folder : Path
        Folder of its files.
    photos, artefacts : Path or None
        Folders of the sources, see `training.sheets.sources.load_sources`.
    sheets : int
        Capacity; a full pool replaces its oldest sheets.
    size_px : int
        Rows and columns of a sheet.
    seed : int
        Seed; sheet n depends on (seed, n) only.
    infrared : WithInfrared
        Which sheets have an infrared plane; `NONE` saves its room.
    drawers : int
        Processes that draw sheets. Each has its own places in the pool, so `sheets` is a multiple of it.

    Raises
    ------
    ValueError
        `sheets` is no multiple of `drawers`.
    """

    folder: Path
    photos: Path | None
    artefacts: Path | None
    sheets: int = 3000
    size_px: int = 512
    seed: int = 1
    infrared: WithInfrared = WithInfrared.NONE
    drawers: int = 1

    def __post_init__(self) -> None:
        """Check that no two drawers share a place."""
        if self.sheets % self.drawers:
            raise ValueError(f"--sheets: expected a multiple of the {self.drawers} drawers, found {self.sheets}")


class Pool:
    """The files of a pool, mapped into memory; created if they do not exist.

    Drawer n % drawers draws sheet n and puts it at place n % sheets.

    Parameters
    ----------
    plan : PoolPlan
        Size of the pool.

    Attributes
    ----------
    planes : dict from str to ndarray
        "density" and "infrared", int16, (sheets, 3, size, size), and "label", uint8, (sheets, size, size).

    Raises
    ------
    ValueError
        The folder holds a pool of another size.
    OSError
        The disk has no room for the pool.
    """

    def __init__(self, plan: PoolPlan) -> None:
        plan.folder.mkdir(parents=True, exist_ok=True)
        size = plan.size_px
        shapes: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
            "density": (np.int16, (3, size, size)),
            "label": (np.uint8, (size, size)),
        }
        if plan.infrared is not WithInfrared.NONE:
            shapes["infrared"] = (np.int16, (PLANES, size, size))
        self.size_px, self.drawers, self._places = size, plan.drawers, plan.sheets
        self.planes: dict[str, npt.NDArray[Any]] = {
            name: _file(plan.folder / f"{name}.npy", dtype, (plan.sheets, *shape))
            for name, (dtype, shape) in shapes.items()
        }
        self._drawn = _file(plan.folder / "drawn.npy", np.int64, (plan.drawers,))
        self._drawing: Sequence[BaseProcess] = ()

    @property
    def drawn(self) -> int:
        """Number of sheets drawn so far, replaced ones included."""
        return int(self._drawn.sum())

    def next_number(self, drawer: int = 0) -> int:
        """Return the number of the next sheet of a drawer."""
        return drawer + int(self._drawn[drawer]) * self.drawers

    def put(self, sheet: Sheet, drawer: int = 0) -> None:
        """Store a sheet in the drawer's next place, where its oldest sheet lies if the pool is full."""
        place = self.next_number(drawer) % self._places
        self.planes["density"][place] = _steps(sheet.density, DENSITY_STEP)
        if "infrared" in self.planes:
            self.planes["infrared"][place] = _steps(sheet.infrared, INFRARED_STEP)
        weight = np.rint(sheet.weight * WEIGHT_STEPS).astype(np.uint8)
        self.planes["label"][place] = weight + sheet.defect * np.uint8(DEFECT_BIT)
        self._drawn[drawer] += 1

    @property
    def sheets(self) -> int:
        """Number of sheets to learn from: the first places of the pool, up to the first one not filled yet."""
        return self.complete(self._drawn)

    def complete(self, drawn: npt.NDArray[np.int64]) -> int:
        """Return how many of the first places are filled, given the number of sheets of each drawer, (drawers,)."""
        return min(int(drawn.min()) * self.drawers, self._places)

    def watch(self, drawing: Sequence[BaseProcess]) -> None:
        """Remember the processes that draw, so that `places_since` can report the failure of one."""
        self._drawing = drawing

    def places_since(self, seen: npt.NDArray[np.int64]) -> list[int]:
        """Return the places filled since a former call.

        Parameters
        ----------
        seen : (drawers,) ndarray of int64
            Number of sheets of each drawer at the former call; updated in place.

        Raises
        ------
        RuntimeError
            A process that draws has failed.
        """
        failed = [process.exitcode for process in self._drawing if process.exitcode]
        if failed:
            raise RuntimeError(f"a process that draws sheets has ended with {failed[0]}; its message is above")
        drawn = np.array(self._drawn)
        # A place that was filled several times since then is listed once.
        first = np.maximum(seen, drawn - self._places // self.drawers)
        places = [
            (drawer + turn * self.drawers) % self._places
            for drawer in range(self.drawers)
            for turn in range(int(first[drawer]), int(drawn[drawer]))
        ]
        seen[:] = drawn
        return places


def fill(plan: PoolPlan, drawer: int = 0) -> None:
    """Draw sheets until the parent process ends; runs in a process of its own.

    A single drawer pauses between sheets once the pool is full; several drawers do not.
    """
    os.nice(_NICENESS)
    cv2.setNumThreads(1)
    numba.set_num_threads(1)
    sources = load_sources(plan.photos, plan.artefacts, held_out=False)
    pool = Pool(plan)
    # None: the sheet itself chooses.
    infrared = {WithInfrared.NONE: False, WithInfrared.SOME: None, WithInfrared.ALL: True}[plan.infrared]
    training = multiprocessing.parent_process()
    while training is None or training.is_alive():
        started_s = time.monotonic()
        number = pool.next_number(drawer)
        rng = np.random.default_rng([plan.seed, number])
        pool.put(draw_sheet(rng, plan.size_px, sources, infrared=infrared), drawer)
        if number >= plan.sheets and plan.drawers == 1:
            time.sleep((time.monotonic() - started_s) * (1 / _SHARE_OF_ONE - 1))


@contextlib.contextmanager
def filled(plan: PoolPlan, least_sheets: int, draw: Callable[[PoolPlan, int], None] = fill) -> Iterator[Pool]:
    """Yield a pool once it holds enough sheets, while other processes go on filling it; ends them at exit.

    Parameters
    ----------
    plan : PoolPlan
        Size and sources of the pool.
    least_sheets : int
        Number of sheets to wait for; at most the pool's capacity.
    draw : callable
        Function of a module that each process runs, with the plan and the number of its drawer.

    Raises
    ------
    RuntimeError
        A process that draws has ended before there were enough sheets.
    """
    context = multiprocessing.get_context("spawn")
    pool = Pool(plan)
    drawing = [context.Process(target=draw, args=(plan, drawer), daemon=True) for drawer in range(plan.drawers)]
    for process in drawing:
        process.start()
    pool.watch(drawing)
    try:
        wanted = min(least_sheets, plan.sheets)
        while pool.sheets < wanted:
            # A process may end by itself once it has filled the pool: count the sheets again.
            if not all(process.is_alive() for process in drawing) and pool.sheets < wanted:
                raise RuntimeError("a process that draws sheets has ended; its message is above")
            time.sleep(0.2)
        yield pool
    finally:
        for process in drawing:
            process.terminate()
            process.join()


def _steps(planes: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.int16]:
    steps: npt.NDArray[np.int16] = np.clip(np.rint(planes / step), -32768, 32767).astype(np.int16)
    return steps


def _create(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    """Create a file and reserve its blocks: writing into a mapped file on a full disk kills the process silently."""
    fresh = path.with_suffix(".part")
    try:
        np.lib.format.open_memmap(fresh, "w+", dtype, shape).flush()
        with fresh.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, fresh.stat().st_size)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        size_gb = math.prod(shape) * np.dtype(dtype).itemsize / 1e9
        raise OSError(error.errno, f"{error.strerror}: a pool needs {size_gb:.2g} GB for this", str(path)) from error
    fresh.replace(path)


def _file(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if not path.exists():
        _create(path, dtype, shape)
    plane: npt.NDArray[Any] = np.lib.format.open_memmap(path, "r+")
    if plane.shape != shape:
        raise ValueError(f"{path}: expected a pool of shape {shape}, found {plane.shape}; give another folder")
    return plane
