"""Regions that repeat a shape: a flock of birds in the sky, the hooks of lettering. Dust never repeats a shape.

Specks are round and scratches straight: they are all alike, and say nothing. But three curved regions that point the
same way, bend as much and to the same side hardly ever are hairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, count_for_area, region_means

# Regions per root of a frame's megapixels above which hairs are alike by chance.
MOST_REGIONS = (0.0, 60.0)
# Smallest area of a region whose shape is compared.
SMALLEST_PX = 20
# Least ratio of length to width of a curved region.
ELONGATED = 1.35
# Least bend of a curved region, in widths (see `Shapes`).
BENT = 0.1
# Regions are alike if their directions differ by less than this,
DIRECTION_RAD = np.radians(8)
# their ratios of length to width by less than this factor,
ELONGATION_FACTOR = 1.65
# their bends by less than this, in widths,
BEND = 0.25
# and their areas by less than this factor.
AREA_FACTOR = 4.0
# Other regions like it that make a region the picture's, at sensitivity 0.5.
OTHERS = 2


def find_repeated(probability: npt.NDArray[np.uint8], regions: Regions, sensitivity: float) -> npt.NDArray[np.bool_]:
    """Tell which regions of a frame repeat a shape.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect times 255: the weight of a pixel in the shape of its region.
    regions : Regions
        Candidate regions of the frame.
    sensitivity : float
        0..1; the higher, the more regions have to be alike. At 1 no region counts as repeated.

    Returns
    -------
    (regions,) ndarray of bool
        True for a curved region with at least `OTHERS` / (2 - 2 `sensitivity`) others like it.
    """
    found = np.zeros(len(regions), np.bool_)
    if not len(regions) or sensitivity >= 1 or len(regions) > count_for_area(MOST_REGIONS, probability.size):
        return found
    shapes = measure_shapes(probability, regions)
    curved = np.flatnonzero(shapes.curved)
    others = np.array([np.count_nonzero(shapes.like(int(region))[curved]) - 1 for region in curved])
    found[curved] = others >= OTHERS / (2 * (1 - sensitivity))
    return found


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of regions, by their moments up to the third (Hu 1962, doi:10.1109/TIT.1962.1057692).

    Attributes
    ----------
    areas_px : (regions,) ndarray of int64
        Pixels of each region.
    elongations : (regions,) ndarray of float64
        Length over width, at least 1.
    bends : (regions,) ndarray of float64
        How far both ends lie to one side of the middle, in widths; 0 for a straight or a round region.
    directions_rad : (regions,) ndarray of float64
        Direction to which the ends are bent, 0..2 pi.
    """

    areas_px: npt.NDArray[np.int64]
    elongations: npt.NDArray[np.float64]
    bends: npt.NDArray[np.float64]
    directions_rad: npt.NDArray[np.float64]

    @property
    def curved(self) -> npt.NDArray[np.bool_]:
        """Which regions are large, long and bent enough for their shape to tell, (regions,)."""
        return (self.areas_px > SMALLEST_PX) & (self.elongations >= ELONGATED) & (self.bends >= BENT)

    def like(self, region: int) -> npt.NDArray[np.bool_]:
        """Tell which regions are like the one with this index, (regions,); the region itself is."""
        turn = np.abs(self.directions_rad - self.directions_rad[region])
        alike = np.minimum(turn, 2 * np.pi - turn) < DIRECTION_RAD
        alike &= np.abs(self.bends - self.bends[region]) < BEND
        alike &= _within(self.elongations, self.elongations[region], ELONGATION_FACTOR)
        return np.asarray(alike & _within(self.areas_px, self.areas_px[region], AREA_FACTOR))


def _within(values: npt.NDArray[Any], value: float, factor: float) -> npt.NDArray[np.bool_]:
    return np.asarray((values < value * factor) & (values * factor > value))


def measure_shapes(probability: npt.NDArray[np.uint8], regions: Regions) -> Shapes:
    """Measure the shapes of regions by their moments, each pixel weighted by its probability.

    With a, b the coordinates along and across a region's main axis, and <> the weighted mean: length = sqrt(<a a>),
    width = sqrt(<b b>), bend = <a a b> / (length^2 width).

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    regions : Regions
        At least one region.

    Returns
    -------
    Shapes
        One entry for each region.
    """
    owners, weights = regions.owners, probability[regions.rows, regions.cols]
    mean_weights = region_means(weights, regions)

    def mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return region_means(values * weights, regions) / mean_weights

    down, right = (positions - mean(positions)[owners] for positions in (regions.rows * 1.0, regions.cols * 1.0))
    down_down, down_right, right_right = mean(down * down), mean(down * right), mean(right * right)
    axis_rad = np.arctan2(2 * down_right, right_right - down_down) / 2
    along = np.cos(axis_rad)[owners] * right + np.sin(axis_rad)[owners] * down
    across = np.cos(axis_rad)[owners] * down - np.sin(axis_rad)[owners] * right
    # A pixel has a variance of 1 / 12 of its own: without it a region one pixel wide would have no width.
    length, width = (np.sqrt(mean(offsets * offsets) + 1 / 12) for offsets in (along, across))
    bend = mean(along * along * across) / (length**2 * width)
    return Shapes(
        areas_px=np.diff(regions.starts),
        elongations=length / width,
        bends=np.abs(bend),
        directions_rad=(axis_rad + np.where(bend < 0, -np.pi / 2, np.pi / 2)) % (2 * np.pi),
    )
