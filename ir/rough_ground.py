"""Marks that stand out of a rough ground: dust that is sure by itself, on frames that do not count as dusty.

Before a smooth sky a twig or a cable is all that a hair is. On gravel, rocks, grass or cloth hardly anything of the
picture stands out, and what the detector is certain of there nearly always is dust.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ir.convincing import COLOUR_RULES, NEARLY, certain_level, certain_parts
from ir.density_input import DensityLevels, density_planes, measure_levels
from ir.detection import Regions, chosen, none_of
from ir.detector import asked_part, find_regions, mean_probability
from ir.model_file import ModelCard
from ir.robust import middle_and_deviation

Plane = npt.NDArray[np.float32]

# Certain pixels of a mark, at least: below, leaves and lettering are as certain as specks.
CERTAIN_PX = 100
# Mean probability of a mark, at least: cracks of rocks have up to 0.92.
MEAN = 0.93
# Marks in a megapixel over which the picture itself is what the detector sees, as in foliage.
MOST_MARKS = 40
# The ground of a mark lies so far from it; what is nearer belongs to its rim.
GROUND_PX = (4, 30)
# Deviation of the ground's structures, densities: a sky with all its grain has 0.02 at most, rocks 0.05 and more.
# Structures are what is between these two blurs, pixels: finer is grain, coarser is shading.
ROUGH = 0.05
STRUCTURES_PX = (1.5, 8.0)
# A mark is so many deviations of its ground from the ground's middle, and so much of the ground is as dark at most.
DEVIATIONS = 1.75
AS_DARK = 0.05
# Of a long mark as much as fits into a square of this size is looked at.
_WINDOW_PX = 1024


def outstanding_regions(
    rgb: npt.NDArray[np.uint16], probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float
) -> Regions:
    """Return the marks of a frame that stand out of a rough ground.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The frame, counts.
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    card : ModelCard
        Its limits count.
    sensitivity : float
        0..1; the more, the fewer certain pixels are asked for.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    candidates = chosen(regions, _is_certain(probability, regions, card, sensitivity))
    if not len(candidates) or len(find_regions(probability, *NEARLY)) > MOST_MARKS * probability.size / 1e6:
        return none_of(candidates)
    levels = measure_levels(rgb)
    stands_out = [_measure(rgb, levels, *pixels).stands_out for pixels in _pixels_of(candidates)]
    return chosen(candidates, np.array(stands_out, np.bool_))


@dataclass(frozen=True, slots=True)
class Ground:
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

    @property
    def stands_out(self) -> bool:
        """Whether the ground is rough, and shows hardly anything like the mark."""
        return self.roughness >= ROUGH and self.deviations >= DEVIATIONS and self.as_dark <= AS_DARK


def _is_certain(
    probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float
) -> npt.NDArray[np.bool_]:
    """Whether each region is so by itself: of size, and nearly all of it beyond doubt."""
    part = certain_parts(probability, regions, certain_level(card))
    enough = part * np.diff(regions.starts) >= CERTAIN_PX * 2 * (1 - sensitivity)
    enough &= mean_probability(probability, regions) >= MEAN * asked_part(sensitivity)
    return np.asarray(enough & (part > COLOUR_RULES.sure_share))


def _pixels_of(regions: Regions) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    spans = zip(regions.starts[:-1], regions.starts[1:], strict=True)
    return [(regions.rows[first:end], regions.cols[first:end]) for first, end in spans]


def _measure(
    rgb: npt.NDArray[np.uint16], levels: DensityLevels, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
) -> Ground:
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
        return Ground(0.0, 0.0, 1.0)
    return _before(density, mark, ground)


def _before(density: Plane, mark: npt.NDArray[np.bool_], ground: npt.NDArray[np.bool_]) -> Ground:
    core = ndimage.binary_erosion(mark, np.ones((3, 3), np.bool_))
    height = float(np.median(density[core if core.any() else mark]))
    fine, coarse = (ndimage.gaussian_filter(density, sigma_px) for sigma_px in STRUCTURES_PX)
    middle, deviation = middle_and_deviation(density[ground])
    _, roughness = middle_and_deviation((fine - coarse)[ground])
    towards = density[ground] >= height if height > middle else density[ground] <= height
    return Ground(roughness, abs(height - middle) / max(deviation, 1e-3), float(towards.mean()))


def _span(places: npt.NDArray[np.int32], middle: int, length: int) -> slice:
    """Return the rows or columns of a mark with its ground; of a long mark, those around the pixel in its middle."""
    first = max(int(places.min()) - GROUND_PX[1], middle - _WINDOW_PX // 2, 0)
    return slice(first, min(int(places.max()) + GROUND_PX[1] + 1, middle + _WINDOW_PX // 2, length))
