"""The background of a region: how rough it is, and how far the region stands out of it."""

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

# Nearest and farthest background pixel, as a distance from the region; nearer pixels belong to its rim.
BACKGROUND_PX = (4, 30)
# Structures are the difference of two blurs with these standard deviations: finer is grain, coarser is shading.
STRUCTURES_PX = (1.5, 8.0)
# Side of the square around a long region's middle that is measured.
_WINDOW_PX = 1024


@dataclass(frozen=True, slots=True)
class Background:
    """A region against its background.

    Attributes
    ----------
    roughness : float
        Standard deviation of the background's structures, density.
    deviations : float
        Distance of the region's median density from the background's, in standard deviations of the background.
    as_dark : float
        Part of the background that is at least as dark as the region, or as bright where the region is the brighter.
    """

    roughness: float
    deviations: float
    as_dark: float


def measure_backgrounds(rgb: npt.NDArray[np.uint16], regions: Regions) -> Iterator[Background]:
    """Measure the background of each region of a frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    regions : Regions
        Candidate regions.

    Yields
    ------
    Background
        One for each region, in order.
    """
    if not len(regions):
        return
    levels = measure_levels(rgb)
    for first, end in zip(regions.starts[:-1], regions.starts[1:], strict=True):
        yield _measure(rgb, levels, regions.rows[first:end], regions.cols[first:end])


def _measure(
    rgb: npt.NDArray[np.uint16], levels: DensityLevels, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
) -> Background:
    """Measure the background of the region with these pixels."""
    middle = np.argmin(np.abs(rows - np.median(rows)) + np.abs(cols - np.median(cols)))
    window = (_span(rows, int(rows[middle]), rgb.shape[0]), _span(cols, int(cols[middle]), rgb.shape[1]))
    region = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.bool_)
    inside = (rows >= window[0].start) & (rows < window[0].stop) & (cols >= window[1].start) & (cols < window[1].stop)
    region[rows[inside] - window[0].start, cols[inside] - window[1].start] = True
    density: Plane = density_planes(rgb[window], levels).mean(axis=0)
    distance_px = ndimage.distance_transform_edt(~region)
    background = (distance_px > BACKGROUND_PX[0]) & (distance_px <= BACKGROUND_PX[1])
    if not background.any():
        return Background(0.0, 0.0, 1.0)
    return _compare(density, region, background)


def _compare(density: Plane, region: npt.NDArray[np.bool_], background: npt.NDArray[np.bool_]) -> Background:
    core = ndimage.binary_erosion(region, np.ones((3, 3), np.bool_))
    height = float(np.median(density[core if core.any() else region]))
    fine, coarse = (ndimage.gaussian_filter(density, sigma_px) for sigma_px in STRUCTURES_PX)
    middle, deviation = median_and_deviation(density[background])
    _, roughness = median_and_deviation((fine - coarse)[background])
    beyond = density[background] >= height if height > middle else density[background] <= height
    return Background(roughness, abs(height - middle) / max(deviation, 1e-3), float(beyond.mean()))


def _span(positions: npt.NDArray[np.int32], middle: int, length: int) -> slice:
    """Return the rows or columns of a region and its background; of a long region, those around its middle pixel."""
    first = max(int(positions.min()) - BACKGROUND_PX[1], middle - _WINDOW_PX // 2, 0)
    return slice(first, min(int(positions.max()) + BACKGROUND_PX[1] + 1, middle + _WINDOW_PX // 2, length))
