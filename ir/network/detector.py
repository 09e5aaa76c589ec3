"""Where a neural network sees defects, in the colours alone or with what infrared shows, tile by tile, without seams.

Tiles overlap. What lies nearer to a tile's side than the network looks is dropped, and the rest fades from one tile
into the next, so that the answer is the whole frame's. One tile is run after the other, by all threads: so tiles may be
large, which lose less to the overlap, and only one of them takes memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, connected_regions, region_means, select
from filmscand.ir.network.density_input import DensityLevels, density_planes, measure_levels
from filmscand.ir.network.infrared_view import PLANES, InfraredView
from filmscand.ir.network.model_file import INFRARED, Model, load_detector
from filmscand.ir.report import CleanOptions
from filmscand.ir.stopwatch import StopWatch

Array = npt.NDArray[np.float32]

# Larger ones lose less to the overlap, and take more memory: some 350 MB while one is run.
TILE_PX = 1536
# Where only those are findings at that hold what is asked for, smaller ones cost less.
SPARSE_TILE_PX = 768
# Width over which one tile fades into the next.
FADE_PX = 16
CERTAIN = 255
# What covers more of the frame than this is the picture's.
LARGEST_PART = 0.01
LARGEST_PX = 20_000


@dataclass(frozen=True, slots=True)
class _Axis:
    """Tiles along one side of the frame: where each begins, their common size, and the weight of each one's pixels."""

    starts: tuple[int, ...]
    size: int
    weights: tuple[Array, ...]


def detector_for(options: CleanOptions, *, infrared: bool) -> Model:
    """Return the detector that the options name, or that comes along, to be run by as many threads as kernels are.

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
    wanted: npt.NDArray[np.bool_] | None = None,
) -> tuple[Model, npt.NDArray[np.uint8]]:
    """Return the detector that the options name, and how likely it finds each pixel a defect.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    view : InfraredView or None
        What infrared shows of the frame, where it shows anything; a detector that takes no infrared goes without.
    options : CleanOptions
    watch : StopWatch
    wanted : (rows, cols) ndarray of bool, optional
        Pixels that are asked for; tiles without any are not findings at, and 0 there.

    Returns
    -------
    Model, (rows, cols) ndarray of uint8
        Probability times 255 (see `find_probability`).

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    model = detector_for(options, infrared=view is not None)
    return model, watch.time("detector", lambda: find_probability(rgb, model, view, wanted))


def find_probability(
    rgb: npt.NDArray[np.uint16],
    model: Model,
    view: InfraredView | None = None,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint8]:
    """Return how likely each pixel is a defect.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    model : Model
    view : InfraredView, optional
        What infrared shows of the frame.
    wanted : (rows, cols) ndarray of bool, optional
        Pixels that are asked for; tiles without any are 0.

    Returns
    -------
    (rows, cols) ndarray of uint8
        Probability times 255.
    """
    plane = np.empty(rgb.shape[:2], np.uint8)
    for first, strip in probability_strips(rgb, model, view, wanted):
        np.rint(strip * np.float32(CERTAIN), out=strip)
        plane[first : first + len(strip)] = strip
    return plane


def probability_strips(
    rgb: npt.NDArray[np.uint16],
    model: Model,
    view: InfraredView | None = None,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, Array]]:
    """Yield the probability strip by strip, from the top: first row, and (rows, cols) of float32, 0..1.

    See `find_probability`.
    """
    seen = _Seen(rgb, measure_levels(rgb), view if model.sees_infrared else None, wanted)
    multiple, margin = model.card.multiple_px, model.card.margin_px
    tile_px = TILE_PX if wanted is None else SPARSE_TILE_PX
    down, across = (_axis(length, multiple, margin, tile_px) for length in rgb.shape[:2])
    open_rows = np.zeros((down.size, across.starts[-1] + across.size), np.float32)
    cols = rgb.shape[1]
    size = (down.size, across.size)
    for index, start in enumerate(down.starts):
        for place, weight in zip(across.starts, across.weights, strict=True):
            tile = _run_tile(seen, model, (start, place), size)
            open_rows[:, place : place + across.size] += down.weights[index][:, None] * weight * tile
        last = index + 1 == len(down.starts)
        done = min(down.size, rgb.shape[0] - start) if last else down.starts[index + 1] - start
        yield start, np.clip(open_rows[:done, :cols], 0, 1)
        open_rows[:-done] = open_rows[done:]
        open_rows[-done:] = 0


def find_regions(probability: npt.NDArray[np.uint8], seed: float, grow: float) -> Regions:
    """Collect the defects: connected pixels of at least `grow` that hold one of at least `seed`.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    seed, grow : float
        Probabilities, 0..1.

    Returns
    -------
    Regions
        Each of 3 pixels at least, and none that covers as much as dirt never does.
    """
    classes = (probability >= _level(grow)).astype(np.uint8)
    classes += probability >= _level(seed)
    regions = connected_regions(classes)
    areas = np.diff(regions.starts)
    return select(regions, areas <= max(LARGEST_PX, LARGEST_PART * probability.size))


def strictness(sensitivity: float) -> float:
    """Return the part of a limit on a mark's mean probability that is asked: all of it up to 0.5, and nothing at 1."""
    return min(2 * (1 - sensitivity), 1.0)


def mean_probability(probability: npt.NDArray[np.uint8], regions: Regions) -> npt.NDArray[np.float64]:
    """Return the mean probability of each region, 0..1, of one times 255."""
    return region_means(probability[regions.rows, regions.cols], regions) / CERTAIN


def _level(probability: float) -> int:
    # 0 would take every pixel for a defect.
    return max(round(probability * CERTAIN), 1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a detector looks at: a frame, how counts become densities, what infrared shows, and where it is asked."""

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    view: InfraredView | None
    wanted: npt.NDArray[np.bool_] | None


def _run_tile(seen: _Seen, model: Model, corner: tuple[int, int], size: tuple[int, int]) -> Array:
    place = np.s_[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    if seen.wanted is not None and not seen.wanted[place].any():
        return np.zeros(size, np.float32)
    part = seen.rgb[place]
    planes = {"density": _padded(density_planes(part, seen.levels), size)}
    if seen.view is not None:
        planes[INFRARED] = _padded(seen.view.planes(corner, size), size)
    elif model.sees_infrared:
        planes[INFRARED] = np.zeros((1, PLANES, *size), np.float32)
    (answer,) = model.session.run(None, planes)
    return np.asarray(answer[0, 0], np.float32)


def _padded(planes: Array, size: tuple[int, int]) -> Array:
    """Mirror planes beyond the end of the frame, where a tile goes on; (1, planes, *size)."""
    missing = [length - have for length, have in zip(size, planes.shape[1:], strict=True)]
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
    """Weight 1, but 0 in the margin and rising beyond it where another tile lies beside."""
    into = np.arange(size) + 0.5 - margin
    rise = np.clip(into / FADE_PX, 0, 1)
    rise = rise * rise * (3 - 2 * rise)
    weight = np.ones(size)
    if fades_in:
        weight *= rise
    if fades_out:
        weight *= rise[::-1]
    return weight.astype(np.float32)


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
