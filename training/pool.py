"""A ring of sheets in files that training reads at random while another process draws fresh ones."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import cv2
import numba
import numpy as np
import numpy.typing as npt

from filmscand.ir.network.infrared_view import PLANES
from training.sources import load_sources
from training.synthesizer import Sheet, draw_sheet

# Densities are kept as whole steps of this size, within -4..4; what infrared says within -32..32.
DENSITY_STEP = 1 / 8192
INFRARED_STEP = 1 / 1024
# A label is a weight in so many steps, and this bit where there is a defect.
DEFECT_BIT, WEIGHT_STEPS = 128, 127
_NICENESS = 5
# One that draws alone shares the processor with the network: so much of the time it takes once the pool is full.
_SHARE_OF_ONE = 0.3


@dataclass(frozen=True, slots=True)
class PoolPlan:
    """What a pool holds and how it is filled.

    Parameters
    ----------
    folder : Path
        Where its files lie.
    photos, artefacts : Path or None
        Sources, see `training.sources`.
    sheets : int
        How many it holds; then the oldest are replaced.
    size_px : int
        Rows and columns of a sheet.
    seed : int
        Sheet n is drawn from (seed, n), always the same.
    infrared : bool
        Whether its sheets come with an infrared.
    drawers : int
        Processes that draw. `sheets` is a multiple of it: each has places of its own.
    """

    folder: Path
    photos: Path | None
    artefacts: Path | None
    sheets: int = 3000
    size_px: int = 512
    seed: int = 1
    infrared: bool = False
    drawers: int = 1

    def __post_init__(self) -> None:
        """Refuse places that two would draw into."""
        if self.sheets % self.drawers:
            raise ValueError(f"--sheets: expected a multiple of the {self.drawers} drawers, found {self.sheets}")


class Pool:
    """The files of a pool: densities, infrared if it has any, labels, and how many sheets each drawer ever drew.

    Sheet n is drawn by drawer n % drawers and lies at place n % sheets.
    """

    def __init__(self, plan: PoolPlan) -> None:
        plan.folder.mkdir(parents=True, exist_ok=True)
        size = plan.size_px
        shapes = {"density": (np.int16, (3, size, size)), "label": (np.uint8, (size, size))}
        if plan.infrared:
            shapes["infrared"] = (np.int16, (PLANES, size, size))
        self.size_px, self.drawers, self._places = size, plan.drawers, plan.sheets
        self.planes: dict[str, npt.NDArray[np.generic]] = {
            name: _file(plan.folder / f"{name}.npy", dtype, (plan.sheets, *shape))
            for name, (dtype, shape) in shapes.items()
        }
        self._drawn = _file(plan.folder / "drawn.npy", np.int64, (plan.drawers,))
        self._drawing: Sequence[BaseProcess] = ()

    @property
    def drawn(self) -> int:
        """Sheets drawn so far; those over the pool's size have replaced older ones."""
        return int(self._drawn.sum())

    def next_number(self, drawer: int = 0) -> int:
        """Return the number of the sheet that a drawer is to draw next."""
        return drawer + int(self._drawn[drawer]) * self.drawers

    def put(self, sheet: Sheet, drawer: int = 0) -> None:
        """Keep one sheet, in the place of the drawer's oldest."""
        place = self.next_number(drawer) % self._places
        self.planes["density"][place] = _steps(sheet.density, DENSITY_STEP)
        if "infrared" in self.planes:
            self.planes["infrared"][place] = _steps(sheet.infrared, INFRARED_STEP)
        weight = np.rint(sheet.weight * WEIGHT_STEPS).astype(np.uint8)
        self.planes["label"][place] = weight + sheet.defect * np.uint8(DEFECT_BIT)
        self._drawn[drawer] += 1

    @property
    def sheets(self) -> int:
        """Sheets that can be drawn from: the first so many places, which every drawer has filled."""
        return self.complete(self._drawn)

    def complete(self, drawn: npt.NDArray[np.int64]) -> int:
        """Return how many of the first places are filled once each drawer has drawn so many."""
        return min(int(drawn.min()) * self.drawers, self._places)

    def watch(self, drawing: Sequence[BaseProcess]) -> None:
        """Take note of the processes that draw, to give nothing more where one has failed."""
        self._drawing = drawing

    def places_since(self, seen: npt.NDArray[np.int64]) -> list[int]:
        """Return the places filled since each drawer had drawn so many, and count them as seen.

        Raises
        ------
        RuntimeError
            A process that draws has failed.
        """
        failed = [process.exitcode for process in self._drawing if process.exitcode]
        if failed:
            raise RuntimeError(f"a process that draws sheets has ended with {failed[0]}; its message is above")
        drawn = np.array(self._drawn)
        # What a ring has gone round over more than once is taken up once.
        first = np.maximum(seen, drawn - self._places // self.drawers)
        places = [
            (drawer + turn * self.drawers) % self._places
            for drawer in range(self.drawers)
            for turn in range(int(first[drawer]), int(drawn[drawer]))
        ]
        seen[:] = drawn
        return places


def fill(plan: PoolPlan, drawer: int = 0) -> None:
    """Draw sheets while the training lives: without a pause until the pool is full, and beyond where several draw."""
    os.nice(_NICENESS)
    cv2.setNumThreads(1)
    numba.set_num_threads(1)
    sources = load_sources(plan.photos, plan.artefacts, held_out=False)
    pool = Pool(plan)
    training = multiprocessing.parent_process()
    while training is None or training.is_alive():
        started_s = time.monotonic()
        number = pool.next_number(drawer)
        rng = np.random.default_rng([plan.seed, number])
        pool.put(draw_sheet(rng, plan.size_px, sources, infrared=plan.infrared), drawer)
        if number >= plan.sheets and plan.drawers == 1:
            time.sleep((time.monotonic() - started_s) * (1 / _SHARE_OF_ONE - 1))


@contextlib.contextmanager
def filled(plan: PoolPlan, least_sheets: int, draw: Callable[[PoolPlan, int], None] = fill) -> Iterator[Pool]:
    """Give a pool of at least so many sheets while processes go on filling it.

    Parameters
    ----------
    plan : PoolPlan
        What the pool holds.
    least_sheets : int
        How many it must hold before it is given; a full pool is enough.
    draw : callable
        What each of those processes runs: as which drawer it puts sheets into the pool of a plan. It must be a
        function of a module.

    Raises
    ------
    RuntimeError
        A process that draws has ended.
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
            # Who has filled the pool meanwhile may have ended.
            if not all(process.is_alive() for process in drawing) and pool.sheets < wanted:
                raise RuntimeError("a process that draws sheets has ended; its message is above")
            time.sleep(0.2)
        yield pool
    finally:
        for process in drawing:
            process.terminate()
            process.join()


def _steps(planes: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(planes / step), -32768, 32767).astype(np.int16)


def _create(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    """Create a file with all its room: a disk that is full would kill who draws into it, without a word."""
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


def _file(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    if not path.exists():
        _create(path, dtype, shape)
    plane: npt.NDArray[np.generic] = np.lib.format.open_memmap(path, "r+")
    if plane.shape != shape:
        raise ValueError(f"{path}: expected a pool of shape {shape}, found {plane.shape}; give another folder")
    return plane
