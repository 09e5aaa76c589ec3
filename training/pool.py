"""A ring of sheets in files that training reads at random while another process draws fresh ones."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numba
import numpy as np
import numpy.typing as npt

from ir.infrared_view import PLANES
from training.sources import load_sources
from training.synthesizer import Sheet, draw_sheet

# Densities are kept as whole steps of this size, within -4..4; what infrared says within -32..32.
DENSITY_STEP = 1 / 8192
INFRARED_STEP = 1 / 1024
_DEFECT_BIT, _WEIGHT_STEPS = 128, 127
_NICENESS = 5


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
    share : float
        Part of the time that drawing may take once the pool is full, 0..1.
    """

    folder: Path
    photos: Path | None
    artefacts: Path | None
    sheets: int = 3000
    size_px: int = 512
    seed: int = 1
    infrared: bool = False
    share: float = 0.3


class Pool:
    """The files of a pool: densities, infrared, labels, and how many sheets were ever drawn."""

    def __init__(self, plan: PoolPlan) -> None:
        plan.folder.mkdir(parents=True, exist_ok=True)
        size = plan.size_px
        self._density = _file(plan.folder / "density.npy", np.int16, (plan.sheets, 3, size, size))
        self._infrared = _file(plan.folder / "infrared.npy", np.int16, (plan.sheets, PLANES, size, size))
        self._label = _file(plan.folder / "label.npy", np.uint8, (plan.sheets, size, size))
        self._drawn = _file(plan.folder / "drawn.npy", np.int64, (1,))

    @property
    def drawn(self) -> int:
        """Sheets drawn so far; those over the pool's size have replaced older ones."""
        return int(self._drawn[0])

    def put(self, sheet: Sheet) -> None:
        """Keep one sheet, in the place of the oldest."""
        place = self.drawn % len(self._density)
        self._density[place] = _steps(sheet.density, DENSITY_STEP)
        self._infrared[place] = _steps(sheet.infrared, INFRARED_STEP)
        weight = np.rint(sheet.weight * _WEIGHT_STEPS).astype(np.uint8)
        self._label[place] = weight + sheet.defect * np.uint8(_DEFECT_BIT)
        self._drawn[0] += 1

    @property
    def sheets(self) -> int:
        """Sheets that can be drawn from."""
        return min(self.drawn, len(self._density))

    def crop(self, rng: np.random.Generator, size_px: int, place: int | None = None) -> Sheet:
        """Return a random square of a sheet, a random one if none is named."""
        place = int(rng.integers(self.sheets)) if place is None else place
        top, left = rng.integers(0, self._density.shape[2] - size_px + 1, 2)
        cut = (slice(top, top + size_px), slice(left, left + size_px))
        label = np.asarray(self._label[place][cut])
        density, infrared = (
            plane[place][:, cut[0], cut[1]].astype(np.float32) * np.float32(step)
            for plane, step in ((self._density, DENSITY_STEP), (self._infrared, INFRARED_STEP))
        )
        weight = (label & np.uint8(_WEIGHT_STEPS)).astype(np.float32) / _WEIGHT_STEPS
        return Sheet(density, label >= _DEFECT_BIT, weight, infrared)


def fill(plan: PoolPlan) -> None:
    """Draw sheets while the training lives: without a pause until the pool is full, then as much as the plan allows."""
    os.nice(_NICENESS)
    cv2.setNumThreads(1)
    numba.set_num_threads(1)
    sources = load_sources(plan.photos, plan.artefacts, held_out=False)
    pool = Pool(plan)
    training = multiprocessing.parent_process()
    while training is None or training.is_alive():
        started_s = time.monotonic()
        rng = np.random.default_rng([plan.seed, pool.drawn])
        pool.put(draw_sheet(rng, plan.size_px, sources, infrared=plan.infrared))
        if pool.drawn > plan.sheets:
            time.sleep((time.monotonic() - started_s) * (1 / plan.share - 1))


@contextlib.contextmanager
def filled(plan: PoolPlan, least_sheets: int, draw: Callable[[PoolPlan], None] = fill) -> Iterator[Pool]:
    """Give a pool of at least so many sheets while a process goes on filling it.

    Parameters
    ----------
    plan : PoolPlan
        What the pool holds.
    least_sheets : int
        How many it must hold before it is given; a full pool is enough.
    draw : callable
        What that process runs: it puts sheets into the pool of a plan. It must be a function of a module.

    Raises
    ------
    RuntimeError
        The process that draws has ended.
    """
    drawing = multiprocessing.get_context("spawn").Process(target=draw, args=(plan,), daemon=True)
    pool = Pool(plan)
    drawing.start()
    try:
        wanted = min(least_sheets, plan.sheets)
        while pool.drawn < wanted:
            # Who has filled the pool meanwhile may have ended.
            if not drawing.is_alive() and pool.drawn < wanted:
                raise RuntimeError("the process that draws sheets has ended; its message is above")
            time.sleep(0.2)
        yield pool
    finally:
        drawing.terminate()
        drawing.join()


def _steps(planes: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(planes / step), -32768, 32767).astype(np.int16)


def _file(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    if not path.exists():
        np.lib.format.open_memmap(path, "w+", dtype, shape).flush()
    plane: npt.NDArray[np.generic] = np.lib.format.open_memmap(path, "r+")
    if plane.shape != shape:
        raise ValueError(f"{path}: expected a pool of shape {shape}, found {plane.shape}; give another folder")
    return plane
