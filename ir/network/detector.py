"""Run a network that sees defects, in the colours alone or with infrared, cell by cell.

The frame is divided into cells. Each runs with a margin of its surroundings, as wide as what the network sees matters.
Cells run one after the other, each on all threads: so cells can be large, and only one of them takes memory. Where only
some pixels are asked for, cells are small, and a defect that leaves its cell is followed into the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numba
import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, connected_regions, select
from filmscand.ir.network.density_input import DensityLevels, density_planes, measure_levels
from filmscand.ir.network.infrared_view import PLANES, InfraredView
from filmscand.ir.network.model_file import INFRARED, Model, load_detector
from filmscand.ir.report import CleanOptions
from filmscand.ir.stopwatch import StopWatch

Array = npt.NDArray[np.float32]

# Sides of cells. Larger ones waste less on margins and take more memory (the largest some 350 MB); where only some
# pixels are asked for, the side is taken with which the least has to run.
CELL_SIDES_PX = (32, 96, 192, 384, 768, 1472)
# Probability from which a pixel belongs to a candidate. The network's masks of simulated film are truest at it.
PROBABLE = 0.5
# Byte that stands for probability 1.
PROBABILITY_SCALE = 255
# Largest area of a defect, as a part of the frame and in pixels; a region that exceeds both belongs to the picture.
LARGEST_PART = 0.01
LARGEST_PX = 20_000


def detector_for(options: CleanOptions, *, infrared: bool) -> Model:
    """Return the detector that the options name, or the shipped one, set up to run on as many threads as kernels.

    Parameters
    ----------
    options : CleanOptions
        `detector_model` names a file; None takes a shipped detector.
    infrared : bool
        Whether there is infrared to see.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    return load_detector(options.detector_model, infrared=infrared, threads=numba.get_num_threads())


def run_detector(
    rgb: npt.NDArray[np.uint16],
    view: InfraredView | None,
    options: CleanOptions,
    watch: StopWatch,
    *,
    needed: Regions | None = None,
) -> tuple[Model, npt.NDArray[np.uint8]]:
    """Run the detector that the options name on a frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    view : InfraredView or None
        Residual infrared of the frame, if there is any; a detector without an infrared input ignores it.
    options : CleanOptions
        `detector_model` names the detector.
    watch : StopWatch
        Takes the time of the step "detector".
    needed : Regions, optional
        Pixels to look at, with their surroundings (see `find_probability`). None: all pixels.

    Returns
    -------
    model : Model
        The detector.
    probability : (rows, cols) ndarray of uint8
        Probability of a defect at each pixel, times 255.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    model = detector_for(options, infrared=view is not None)
    return model, watch.time("detector", lambda: find_probability(rgb, model, view, needed))


def find_probability(
    rgb: npt.NDArray[np.uint16],
    model: Model,
    view: InfraredView | None = None,
    needed: Regions | None = None,
) -> npt.NDArray[np.uint8]:
    """Return the probability of a defect at each pixel.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    model : Model
        The detector.
    view : InfraredView, optional
        Residual infrared of the frame.
    needed : Regions, optional
        Pixels to look at: their cells run, and those into which a probable defect continues. The others give 0. None:
        all pixels.

    Returns
    -------
    (rows, cols) ndarray of uint8
        Probability times 255.
    """
    source = _Input(rgb, measure_levels(rgb), view if model.sees_infrared else None)
    grid, waiting = _cheapest((rgb.shape[0], rgb.shape[1]), model, needed)
    plane = np.zeros(rgb.shape[:2], np.uint8)
    looked = set(waiting)
    while waiting:
        _look(source, model, [_patch(grid.pixels(cell), grid.shape, model) for cell in waiting], plane)
        further = set() if needed is None else {each for cell in waiting for each in grid.continued(cell, plane)}
        waiting = sorted(further - looked)
        looked.update(waiting)
    return plane


def find_regions(probability: npt.NDArray[np.uint8], seed: float, grow: float) -> Regions:
    """Collect connected pixels of at least probability `grow` that contain one of at least `seed`.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    seed, grow : float
        Probabilities, 0..1.

    Returns
    -------
    Regions
        Each has at least 3 pixels, and none covers more than dirt ever does (`LARGEST_PART`, `LARGEST_PX`).
    """
    classes = (probability >= _level(grow)).astype(np.uint8)
    classes += probability >= _level(seed)
    regions = connected_regions(classes)
    areas = np.diff(regions.starts)
    return select(regions, areas <= max(LARGEST_PX, LARGEST_PART * probability.size))


def _level(probability: float) -> int:
    # At 0 every pixel would count as a defect.
    return max(round(probability * PROBABILITY_SCALE), 1)


@dataclass(frozen=True, slots=True)
class _Input:
    """What a detector sees: a frame, how its counts become densities, and residual infrared."""

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    view: InfraredView | None


@dataclass(frozen=True, slots=True)
class _Grid:
    """Cells of a frame: its size, and the side of a cell, pixels."""

    shape: tuple[int, int]
    side: int

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield the row and column of each cell in the grid."""
        rows, cols = (range(-(-length // self.side)) for length in self.shape)
        yield from product(rows, cols)

    def touched(self, regions: Regions) -> list[tuple[int, int]]:
        """Return the cells with pixels of some regions, in order."""
        cols = -(-self.shape[1] // self.side)
        numbers = np.unique(regions.rows // self.side * cols + regions.cols // self.side)
        return [divmod(int(number), cols) for number in numbers]

    def pixels(self, cell: tuple[int, int]) -> tuple[slice, slice]:
        """Return the pixels of a cell."""
        first, second = (
            slice(at * self.side, min((at + 1) * self.side, length))
            for at, length in zip(cell, self.shape, strict=True)
        )
        return first, second

    def continued(self, cell: tuple[int, int], plane: npt.NDArray[np.uint8]) -> list[tuple[int, int]]:
        """Return the neighbours of a cell at whose side it has pixels that are probably a defect."""
        probable = plane[self.pixels(cell)] >= _level(PROBABLE)
        row, col = cell
        last_row, last_col = ((length - 1) // self.side for length in self.shape)
        sides = (
            (row > 0, (row - 1, col), probable[0]),
            (row < last_row, (row + 1, col), probable[-1]),
            (col > 0, (row, col - 1), probable[:, 0]),
            (col < last_col, (row, col + 1), probable[:, -1]),
        )
        return [neighbour for within, neighbour, side in sides if within and side.any()]


@dataclass(frozen=True, slots=True)
class _Patch:
    """A cell and what the network is shown of it: the first pixel, and rows and columns, which may exceed the frame."""

    cell: tuple[slice, slice]
    corner: tuple[int, int]
    size: tuple[int, int]


def _patch(cell: tuple[slice, slice], shape: tuple[int, int], model: Model) -> _Patch:
    multiple = model.card.multiple_px
    margin = _round_up(model.card.margin_px, multiple)
    row, col = (max(side.start - margin, 0) for side in cell)
    ends = (min(side.stop + margin, length) for side, length in zip(cell, shape, strict=True))
    rows, cols = (_round_up(end - start, multiple) for start, end in zip((row, col), ends, strict=True))
    return _Patch(cell, (row, col), (rows, cols))


def _cheapest(shape: tuple[int, int], model: Model, needed: Regions | None) -> tuple[_Grid, list[tuple[int, int]]]:
    """Return the grid with which the least has to run, and its cells to run."""
    grids = [_Grid(shape, _round_up(side, model.card.multiple_px)) for side in CELL_SIDES_PX]
    if needed is None:
        return grids[-1], list(grids[-1].cells())
    margins = 2 * model.card.margin_px
    plans = [(grid, grid.touched(needed)) for grid in grids]
    return min(plans, key=lambda plan: len(plan[1]) * (plan[0].side + margins) ** 2)


def _look(source: _Input, model: Model, patches: Sequence[_Patch], plane: npt.NDArray[np.uint8]) -> None:
    """Run the network on patches, and write the probability of their cells.

    Kernels and network have threads of their own, which spin a while after their work: to change over for each patch
    takes twice as long. So the planes of several are made first, as many as take no more memory than the largest cell.
    """
    largest_px = max(patch.size[0] * patch.size[1] for patch in patches)
    at_once = max(CELL_SIDES_PX[-1] ** 2 // largest_px, 1)
    for first in range(0, len(patches), at_once):
        batch = patches[first : first + at_once]
        for patch, planes in zip(batch, [_planes(source, model, patch) for patch in batch], strict=True):
            # One patch at a time: several in one run were not faster.
            (answer,) = model.session.run(None, planes)
            _write(answer[0, 0], patch, plane)


def _planes(source: _Input, model: Model, patch: _Patch) -> dict[str, Array]:
    """Return what the network is shown of a patch, by the names of its inputs; (1, planes, rows, cols) each."""
    (row, col), (rows, cols) = patch.corner, patch.size
    part = source.rgb[row : row + rows, col : col + cols]
    planes = {"density": _padded(density_planes(part, source.levels), patch.size)}
    if source.view is not None:
        planes[INFRARED] = _padded(source.view.planes(patch.corner, patch.size), patch.size)
    elif model.sees_infrared:
        planes[INFRARED] = np.zeros((1, PLANES, *patch.size), np.float32)
    return planes


def _write(answer: npt.ArrayLike, patch: _Patch, plane: npt.NDArray[np.uint8]) -> None:
    """Write the probability of a patch's cell into the frame's plane, without the patch's margins."""
    inner = tuple(slice(side.start - at, side.stop - at) for side, at in zip(patch.cell, patch.corner, strict=True))
    probability = np.clip(np.asarray(answer, np.float32)[inner], 0, 1)
    plane[patch.cell] = np.rint(probability * np.float32(PROBABILITY_SCALE))


def _padded(planes: Array, size: tuple[int, int]) -> Array:
    """Mirror planes at their end up to a size that the network accepts; (1, planes, *size)."""
    missing = [length - present for length, present in zip(size, planes.shape[1:], strict=True)]
    if any(missing):
        planes = np.pad(planes, ((0, 0), (0, missing[0]), (0, missing[1])), "symmetric")
    return planes[None]


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
