"""Run a network that sees defects, in the colours alone or with infrared, window by window.

Each window runs with a margin of its surroundings, as wide as what the network sees matters. Windows run one after the
other, each on all threads: so they can be large, and only one of them takes memory. Where only some pixels are asked
for, windows are small, and a defect that leaves its window is followed beyond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, connected_regions, select
from filmscand.ir.network.density_input import DensityLevels, density_planes, measure_levels
from filmscand.ir.network.infrared_view import PLANES, InfraredView
from filmscand.ir.network.model_file import INFRARED, Model, load_detector
from filmscand.ir.network.windows import LARGEST_PX, Asked, Layout, Patch, Planes, round_up
from filmscand.ir.report import CleanOptions
from filmscand.ir.stopwatch import StopWatch

Array = npt.NDArray[np.float32]

# Probability from which a pixel belongs to a candidate. The network's masks of simulated film are truest at it.
PROBABLE = 0.5
# Byte that stands for probability 1.
PROBABILITY_SCALE = 255
# Largest area of a defect, as a part of the frame and in pixels; a region that exceeds both belongs to the picture.
LARGEST_PART = 0.01
LARGEST_AREA_PX = 20_000


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
    asked: Asked | None = None,
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
    asked : Asked, optional
        What to look at. None: all pixels.

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
    return model, watch.time("detector", lambda: find_probability(rgb, model, view, asked))


def find_probability(
    rgb: npt.NDArray[np.uint16],
    model: Model,
    view: InfraredView | None = None,
    asked: Asked | None = None,
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
    asked : Asked, optional
        What to look at; a probable defect is followed. The probability of the other pixels is 0. None: all pixels.

    Returns
    -------
    (rows, cols) ndarray of uint8
        Probability times 255.
    """
    source = _Input(rgb, measure_levels(rgb), view if model.sees_infrared else None)
    margin = round_up(model.card.margin_px, model.card.multiple_px)
    layout = Layout((rgb.shape[0], rgb.shape[1]), margin, model.card.multiple_px)
    plane = np.zeros(rgb.shape[:2], np.uint8)
    if asked is None:
        _look(source, model, [layout.patch(each) for each in layout.everywhere()], plane)
        return plane
    windows, looked = layout.around(asked.regions), np.zeros(plane.shape, np.bool_)
    while windows:
        _look(source, model, [layout.patch(each) for each in windows], plane)
        for window in windows:
            looked[window] = True
        planes = Planes(plane >= _level(PROBABLE), looked, asked.known)
        cells = {cell for each in windows for cell in layout.continued(each, planes)}
        windows = [layout.cell(each) for each in sorted(cells)]
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
        Each has at least 3 pixels, and none covers more than dirt ever does (`LARGEST_PART`, `LARGEST_AREA_PX`).
    """
    classes = (probability >= _level(grow)).astype(np.uint8)
    classes += probability >= _level(seed)
    regions = connected_regions(classes)
    areas = np.diff(regions.starts)
    return select(regions, areas <= max(LARGEST_AREA_PX, LARGEST_PART * probability.size))


def _level(probability: float) -> int:
    # At 0 every pixel would count as a defect.
    return max(round(probability * PROBABILITY_SCALE), 1)


@dataclass(frozen=True, slots=True)
class _Input:
    """What a detector sees: a frame, how its counts become densities, and residual infrared."""

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    view: InfraredView | None


def _look(source: _Input, model: Model, patches: Sequence[Patch], plane: npt.NDArray[np.uint8]) -> None:
    """Run the network on patches, and write the probability of their windows.

    Kernels and network have threads of their own, which spin a while after their work: to change over for each patch
    takes twice as long. So the planes of several are made first.
    """
    for batch in _batches(patches):
        for patch, planes in zip(batch, [_planes(source, model, patch) for patch in batch], strict=True):
            # One patch at a time: several in one run were not faster.
            (answer,) = model.session.run(None, planes)
            _write(answer[0, 0], patch, plane)


def _batches(patches: Sequence[Patch]) -> Iterator[list[Patch]]:
    """Yield patches in their order, as many at a time as have no more pixels than the largest window."""
    batch: list[Patch] = []
    for patch in patches:
        if batch and sum(each.size[0] * each.size[1] for each in [*batch, patch]) > LARGEST_PX**2:
            yield batch
            batch = []
        batch.append(patch)
    if batch:
        yield batch


def _planes(source: _Input, model: Model, patch: Patch) -> dict[str, Array]:
    """Return what the network is shown of a patch, by the names of its inputs; (1, planes, rows, cols) each."""
    (row, col), (rows, cols) = patch.corner, patch.size
    part = source.rgb[row : row + rows, col : col + cols]
    planes = {"density": _padded(density_planes(part, source.levels), patch.size)}
    if source.view is not None:
        planes[INFRARED] = _padded(source.view.planes(patch.corner, patch.size), patch.size)
    elif model.sees_infrared:
        planes[INFRARED] = np.zeros((1, PLANES, *patch.size), np.float32)
    return planes


def _write(answer: npt.ArrayLike, patch: Patch, plane: npt.NDArray[np.uint8]) -> None:
    """Write the probability of a patch's window into the frame's plane, without the patch's margins."""
    inner = tuple(slice(side.start - at, side.stop - at) for side, at in zip(patch.window, patch.corner, strict=True))
    probability = np.clip(np.asarray(answer, np.float32)[inner], 0, 1)
    plane[patch.window] = np.rint(probability * np.float32(PROBABILITY_SCALE))


def _padded(planes: Array, size: tuple[int, int]) -> Array:
    """Mirror planes at their end up to a size that the network accepts; (1, planes, *size)."""
    missing = [length - present for length, present in zip(size, planes.shape[1:], strict=True)]
    if any(missing):
        planes = np.pad(planes, ((0, 0), (0, missing[0]), (0, missing[1])), "symmetric")
    return planes[None]
