"""Run a network that sees defects, in the colours alone or with infrared, tile by tile and without seams.

Tiles overlap. A strip along each tile's side, as wide as the network's reach, is dropped, and one tile fades into the
next, so that the result equals that of the whole frame. Tiles run one after the other, each on all threads: so tiles
can be large, which wastes less on the overlap, and only one of them takes memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

# Side of a tile. Larger tiles waste less on the overlap and take more memory: some 350 MB during a run.
TILE_PX = 1536
# Side of a tile where only some tiles run: smaller ones cost less.
SPARSE_TILE_PX = 768
# Width over which one tile fades into the next.
FADE_PX = 16
# Byte that stands for probability 1.
PROBABILITY_SCALE = 255
# Largest area of a defect, as a part of the frame and in pixels; a region that exceeds both belongs to the picture.
LARGEST_PART = 0.01
LARGEST_PX = 20_000


@dataclass(frozen=True, slots=True)
class _Axis:
    """Tiles along one side of the frame: where each begins, their common size, and the weights of each one's pixels."""

    starts: tuple[int, ...]
    size: int
    weights: tuple[Array, ...]


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
    needed: npt.NDArray[np.bool_] | None = None,
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
    needed : (rows, cols) ndarray of bool, optional
        Pixels whose probability is needed. Tiles without any of them do not run and give 0. None: all pixels.

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
    needed: npt.NDArray[np.bool_] | None = None,
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
    needed : (rows, cols) ndarray of bool, optional
        Pixels whose probability is needed; tiles without any of them give 0. None: all pixels.

    Returns
    -------
    (rows, cols) ndarray of uint8
        Probability times 255.
    """
    plane = np.empty(rgb.shape[:2], np.uint8)
    for first, strip in probability_strips(rgb, model, view, needed):
        np.rint(strip * np.float32(PROBABILITY_SCALE), out=strip)
        plane[first : first + len(strip)] = strip
    return plane


def probability_strips(
    rgb: npt.NDArray[np.uint16],
    model: Model,
    view: InfraredView | None = None,
    needed: npt.NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, Array]]:
    """Yield the probability strip by strip from the top, each with its first row.

    p(y, x) = sum of w_t(y, x) p_t(y, x) over the tiles t, where the weights w_t of a pixel sum to 1.

    Parameters
    ----------
    rgb, model, view, needed
        As for `find_probability`.

    Yields
    ------
    first : int
        First row of the strip.
    strip : (rows, cols) ndarray of float32
        Probability, 0..1.
    """
    source = _Input(rgb, measure_levels(rgb), view if model.sees_infrared else None, needed)
    multiple, margin = model.card.multiple_px, model.card.margin_px
    tile_px = TILE_PX if needed is None else SPARSE_TILE_PX
    down, across = (_axis(length, multiple, margin, tile_px) for length in rgb.shape[:2])
    open_rows = np.zeros((down.size, across.starts[-1] + across.size), np.float32)
    cols = rgb.shape[1]
    size = (down.size, across.size)
    for index, row in enumerate(down.starts):
        for col, weight in zip(across.starts, across.weights, strict=True):
            tile = _run_tile(source, model, (row, col), size)
            open_rows[:, col : col + across.size] += down.weights[index][:, None] * weight * tile
        last = index + 1 == len(down.starts)
        done = min(down.size, rgb.shape[0] - row) if last else down.starts[index + 1] - row
        yield row, np.clip(open_rows[:done, :cols], 0, 1)
        open_rows[:-done] = open_rows[done:]
        open_rows[-done:] = 0


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
    """What a detector sees: a frame, how its counts become densities, residual infrared, and the needed pixels."""

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    view: InfraredView | None
    needed: npt.NDArray[np.bool_] | None


def _run_tile(source: _Input, model: Model, corner: tuple[int, int], size: tuple[int, int]) -> Array:
    place = np.s_[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    if source.needed is not None and not source.needed[place].any():
        return np.zeros(size, np.float32)
    part = source.rgb[place]
    planes = {"density": _padded(density_planes(part, source.levels), size)}
    if source.view is not None:
        planes[INFRARED] = _padded(source.view.planes(corner, size), size)
    elif model.sees_infrared:
        planes[INFRARED] = np.zeros((1, PLANES, *size), np.float32)
    (probability,) = model.session.run(None, planes)
    return np.asarray(probability[0, 0], np.float32)


def _padded(planes: Array, size: tuple[int, int]) -> Array:
    """Mirror planes where a tile goes beyond the end of the frame; (1, planes, *size)."""
    missing = [length - present for length, present in zip(size, planes.shape[1:], strict=True)]
    if any(missing):
        planes = np.pad(planes, ((0, 0), (0, missing[0]), (0, missing[1])), "symmetric")
    return planes[None]


def _axis(length: int, multiple: int, margin: int, tile_px: int) -> _Axis:
    padded = _round_up(length, multiple)
    overlap = _round_up(2 * margin + FADE_PX, multiple)
    largest = max(tile_px, 2 * overlap)
    count = 1 if padded <= largest else -(-(padded - overlap) // (largest - overlap))
    size = min(_round_up(-(-(padded + (count - 1) * overlap) // count), multiple), padded)
    starts = tuple(min(index * (size - overlap), padded - size) for index in range(count))
    total = np.zeros(padded, np.float32)
    weights = []
    for index, start in enumerate(starts):
        weight = _fade(size, margin, index > 0, index + 1 < count)
        total[start : start + size] += weight
        weights.append(weight)
    normal = tuple(weight / total[start : start + size] for weight, start in zip(weights, starts, strict=True))
    return _Axis(starts, size, normal)


def _fade(size: int, margin: int, fades_in: bool, fades_out: bool) -> Array:
    """Weight 1; on a side with a neighbouring tile 0 in the margin, then 3 t^2 - 2 t^3 over `FADE_PX`."""
    beyond_margin = np.arange(size) + 0.5 - margin
    rise = np.clip(beyond_margin / FADE_PX, 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    weight = np.ones(size)
    if fades_in:
        weight *= rise
    if fades_out:
        weight *= rise[::-1]
    return weight.astype(np.float32)


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
