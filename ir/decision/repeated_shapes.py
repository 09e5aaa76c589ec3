"""Marks of one shape: a flock of birds before the sky, the hooks of a lettering. Dust never repeats a shape.

A speck is round, and a scratch straight: these are all alike, and say nothing. But that three curved marks lie in one
direction and are bent as much, and to the same side, hardly happens to hairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, count_for_area, region_means

# Marks for the root of its megapixels over which chance alone makes hairs of a frame alike.
MOST_MARKS = (0.0, 60.0)
SMALLEST_PX = 20
# A curved mark is so many times as long as it is wide, and bent at least so much (see `Shapes`).
ELONGATED = 1.35
BENT = 0.1
# So far apart, at most, are the directions of marks that are alike, their lengths for their widths (as a factor), how
# much they are bent, and their areas (as a factor).
DIRECTION_RAD = np.radians(8)
ELONGATION_FACTOR = 1.65
BEND = 0.25
AREA_FACTOR = 4.0
# So many others like it make a mark the picture's, at sensitivity 0.5.
OTHERS = 2


def find_repeated(probability: npt.NDArray[np.uint8], regions: Regions, sensitivity: float) -> npt.NDArray[np.bool_]:
    """Tell which marks of a frame repeat a shape.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability times 255: a pixel counts as much for the shape of its mark.
    regions : Regions
        The marks.
    sensitivity : float
        0..1; the more, the more marks have to be alike. At 1 none is taken for the picture's.

    Returns
    -------
    (regions,) ndarray of bool
    """
    found = np.zeros(len(regions), np.bool_)
    if not len(regions) or sensitivity >= 1 or len(regions) > count_for_area(MOST_MARKS, probability.size):
        return found
    shapes = measure_shapes(probability, regions)
    curved = np.flatnonzero(shapes.curved)
    others = np.array([np.count_nonzero(shapes.like(int(mark))[curved]) - 1 for mark in curved])
    found[curved] = others >= OTHERS / (2 * (1 - sensitivity))
    return found


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of marks, by their moments up to the third (Hu 1962, doi:10.1109/TIT.1962.1057692).

    Attributes
    ----------
    areas_px : (marks,) ndarray of int64
    elongations : (marks,) ndarray of float64
        Length for width, at least 1.
    bends : (marks,) ndarray of float64
        How far to one side what lies towards both ends is, in widths; 0 for what is straight or round.
    directions_rad : (marks,) ndarray of float64
        To which side the ends are bent.
    """

    areas_px: npt.NDArray[np.int64]
    elongations: npt.NDArray[np.float64]
    bends: npt.NDArray[np.float64]
    directions_rad: npt.NDArray[np.float64]

    @property
    def curved(self) -> npt.NDArray[np.bool_]:
        """Which of the marks have a shape that tells, (marks,)."""
        return (self.areas_px > SMALLEST_PX) & (self.elongations >= ELONGATED) & (self.bends >= BENT)

    def like(self, mark: int) -> npt.NDArray[np.bool_]:
        """Tell which of the marks are like one of them, (marks,); itself is."""
        turn = np.abs(self.directions_rad - self.directions_rad[mark])
        alike = np.minimum(turn, 2 * np.pi - turn) < DIRECTION_RAD
        alike &= np.abs(self.bends - self.bends[mark]) < BEND
        alike &= _within(self.elongations, self.elongations[mark], ELONGATION_FACTOR)
        return np.asarray(alike & _within(self.areas_px, self.areas_px[mark], AREA_FACTOR))


def _within(values: npt.NDArray[Any], value: float, factor: float) -> npt.NDArray[np.bool_]:
    return np.asarray((values < value * factor) & (values * factor > value))


def measure_shapes(probability: npt.NDArray[np.uint8], regions: Regions) -> Shapes:
    """Measure the shapes of marks, each pixel by its probability."""
    owners, weights = regions.owners, probability[regions.rows, regions.cols]
    mean_weights = region_means(weights, regions)

    def mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return region_means(values * weights, regions) / mean_weights

    down, right = (places - mean(places)[owners] for places in (regions.rows * 1.0, regions.cols * 1.0))
    down_down, down_right, right_right = mean(down * down), mean(down * right), mean(right * right)
    axis_rad = np.arctan2(2 * down_right, right_right - down_down) / 2
    along = np.cos(axis_rad)[owners] * right + np.sin(axis_rad)[owners] * down
    across = np.cos(axis_rad)[owners] * down - np.sin(axis_rad)[owners] * right
    # A pixel is as wide as it is, also where its mark is no wider.
    length, width = (np.sqrt(mean(places * places) + 1 / 12) for places in (along, across))
    bend = mean(along * along * across) / (length**2 * width)
    return Shapes(
        areas_px=np.diff(regions.starts),
        elongations=length / width,
        bends=np.abs(bend),
        directions_rad=(axis_rad + np.where(bend < 0, -np.pi / 2, np.pi / 2)) % (2 * np.pi),
    )
