"""What a mark lies on: how rough it is, and how far the mark stands out of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.detection.regions import Regions
from filmscand.ir.network.density_input import DensityLevels, density_planes, measure_levels
from filmscand.ir.statistics import median_and_deviation

Plane = npt.NDArray[np.float32]

# The ground of a mark lies so far from it; what is nearer belongs to its rim.
GROUND_PX = (4, 30)
# Structures are what is between these two blurs, pixels: finer is grain, coarser is shading.
STRUCTURES_PX = (1.5, 8.0)
# Of a long mark as much as fits into a square of this size is findings at.
_WINDOW_PX = 1024


@dataclass(frozen=True, slots=True)
class Background:
    """A mark before its ground.

    Attributes
    ----------
    roughness : float
        Deviation of the ground's structures, densities.
    deviations : float
        Of the ground, between its middle and the mark.
    as_dark : float
        Part of the ground that is as dark as the mark, or as bright where the mark is the brighter.
    """

    roughness: float
    deviations: float
    as_dark: float


def measure_backgrounds(rgb: npt.NDArray[np.uint16], regions: Regions) -> Iterator[Background]:
    """Measure the ground of each mark of a frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The frame, counts.
    regions : Regions
        The marks.
    """
    if not len(regions):
        return
    levels = measure_levels(rgb)
    for first, end in zip(regions.starts[:-1], regions.starts[1:], strict=True):
        yield _measure(rgb, levels, regions.rows[first:end], regions.cols[first:end])


def _measure(
    rgb: npt.NDArray[np.uint16], levels: DensityLevels, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
) -> Background:
    """Measure the ground of the mark with these pixels."""
    middle = np.argmin(np.abs(rows - np.median(rows)) + np.abs(cols - np.median(cols)))
    window = (_span(rows, int(rows[middle]), rgb.shape[0]), _span(cols, int(cols[middle]), rgb.shape[1]))
    mark = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.bool_)
    inside = (rows >= window[0].start) & (rows < window[0].stop) & (cols >= window[1].start) & (cols < window[1].stop)
    mark[rows[inside] - window[0].start, cols[inside] - window[1].start] = True
    density: Plane = density_planes(rgb[window], levels).mean(axis=0)
    distance_px = ndimage.distance_transform_edt(~mark)
    ground = (distance_px > GROUND_PX[0]) & (distance_px <= GROUND_PX[1])
    if not ground.any():
        return Background(0.0, 0.0, 1.0)
    return _before(density, mark, ground)


def _before(density: Plane, mark: npt.NDArray[np.bool_], ground: npt.NDArray[np.bool_]) -> Background:
    core = ndimage.binary_erosion(mark, np.ones((3, 3), np.bool_))
    height = float(np.median(density[core if core.any() else mark]))
    fine, coarse = (ndimage.gaussian_filter(density, sigma_px) for sigma_px in STRUCTURES_PX)
    middle, deviation = median_and_deviation(density[ground])
    _, roughness = median_and_deviation((fine - coarse)[ground])
    towards = density[ground] >= height if height > middle else density[ground] <= height
    return Background(roughness, abs(height - middle) / max(deviation, 1e-3), float(towards.mean()))


def _span(places: npt.NDArray[np.int32], middle: int, length: int) -> slice:
    """Return the rows or columns of a mark with its ground; of a long mark, those around the pixel in its middle."""
    first = max(int(places.min()) - GROUND_PX[1], middle - _WINDOW_PX // 2, 0)
    return slice(first, min(int(places.max()) + GROUND_PX[1] + 1, middle + _WINDOW_PX // 2, length))
