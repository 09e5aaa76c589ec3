"""How much light defects take that only the colours tell of.

What a defect takes is estimated from a fill. Dust is grey and smooth, and rises from its rim: the course of that rise
is learnt from all defects of the frame, its height from each defect, drawn to the height that the frame's defects have.
Of what a pixel's density differs from there only that much is believed as exceeds the fill's own error and the grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.infrared_healing import DISPLAY_GAMMA
from filmscand.ir.statistics import middle_and_deviation

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Squared error of a fill for the detail around, as a part of the value: regression on simulated film.
DETAIL_ERROR = 1.2
# Part of a fill's error that may differ from one pixel to the next; on held-out frames 1 cost 0.15 dB.
SHORT_ERROR = 0.35
REACH_PX = 12
# Rise of a defect's density from its rim, pixel by pixel, where a frame has too few to tell.
USUAL_PROFILE = (0.2, 0.5, 0.85, 1.0, 1.0)
USUAL_WEIGHT = 4.0
LEAST_PROFILE = 0.05
ROUNDS = 3
# Defects that tell of the course: neither lost in noise nor opaque, nepers.
TELLING = (0.05, 1.5)
# A fill's neighbouring pixels are wrong together: so many count as one.
PIXELS_AS_ONE = 6.0
FEWEST_KNOWN = 6
# Bright defects are believed where there are so many, and where they are this part of all.
FEWEST_BRIGHT, BRIGHT_SHARE = 5, 0.5
# Density of a frame's defects and its deviation, nepers, where it has too few to tell; what a known one is known to (as
# a part of it); and the least deviation that is believed.
USUAL_HEIGHT, USUAL_SPREAD = 0.25, 0.4
KNOWN_HEIGHT = 0.3
LEAST_SPREAD = 0.05
# Density in the picture for one in infrared: where a frame has too few defects to tell, how far single ones lie off
# (as a part of it), and what a known one is known to.
USUAL_SLOPE = 1.1
SLOPE_SPREAD = 0.3
KNOWN_SLOPE = 0.3
RIDGE = 0.02
SMALLEST_PROFILE = 1e-3
# What a course from infrared has to be multiplied by: 1, to 0.4.
HINT_PRIOR = (1.0, PIXELS_AS_ONE / 0.4**2)
# Deviation of a defect's density about its course, as a part of its height.
VARIATION = 0.4
# Deviations from the course at which a pixel counts by half (Cauchy's weights).
ROBUST = 1.5
# Squared error of a smoothed density as a part of the fill's: for the faintest, and more with each neper.
FAINT_ERROR = 0.08
DEEP_ERROR = 0.5


@dataclass(frozen=True, slots=True)
class DefectColours:
    """What is seen of each defect pixel.

    Attributes
    ----------
    raw, fill : (pixels, 3) ndarray of float32
        Display values as captured, and as filled from around.
    rough : (pixels, 3) ndarray of float32
        The part of the fill's squared error that grows with the gap.
    noise : (pixels, 3) ndarray of float32
        Dark noise, as a part of the light.
    detail : (cells, 4) ndarray of float32
        Deviation of detail around each cell, as a part of the value: red, green, blue and what they have in common.
    depths : (pixels,) ndarray of int64
        Pixels from the rim, 0..4.
    owners : (pixels,) ndarray of int64
        Cell of each pixel.
    parents : (cells,) ndarray of int64
        The defect that each cell was cut from.
    """

    raw: Array
    fill: Array
    rough: Array
    noise: Array
    detail: Array
    depths: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Attenuation:
    """How much light each defect pixel takes.

    Attributes
    ----------
    density : (pixels,) ndarray of float32
        The same for all colours, nepers; below 0 where a defect is brighter.
    kept : same shape
        Part of what the pixel itself seems to differ from its cell's course that was believed, 0..1.
    error : same shape
        Expected squared error of `density`.
    """

    density: Array
    kept: Array
    error: Array


def estimate_attenuation(cells: Regions, look: DefectColours, hint: Array | None) -> Attenuation:
    """Estimate how much light the defects of a frame take.

    Parameters
    ----------
    cells : Regions
    look : DefectColours
    hint : (pixels,) ndarray of float32 or None
        Density in infrared, nepers, where that shows defects faintly or falsely.

    Returns
    -------
    Attenuation
    """
    square = np.float32(DISPLAY_GAMMA**2)
    detail = np.square(look.detail[look.owners])
    relative = look.rough / np.square(look.fill) + np.float32(DETAIL_ERROR) * detail[:, :3]
    share = 1 / (relative + np.float32(1e-6))
    share /= share.sum(axis=1, keepdims=True)
    seen = (share * np.log(look.fill / look.raw)).sum(axis=1) * np.float32(DISPLAY_GAMMA)
    rough = square * (share * look.rough / np.square(look.fill)).sum(axis=1)
    white = square * np.float32(DETAIL_ERROR) * detail[:, 3]
    weights = (1 / (rough + white + 0.02)).astype(np.float32)
    course, heights, prior = _learn_profile(seen, weights, look)
    # What lies far from the course is the picture's: a letter below the dust, which the fill does not know of.
    height = np.abs(heights)[look.owners]
    beyond = np.square(seen - heights[look.owners] * course) / (white + rough + np.square(VARIATION * height))
    weights = (weights / (1 + beyond / ROBUST**2)).astype(np.float32)
    course, heights, prior = _learn_profile(seen, weights, look)
    if hint is not None:
        course, heights = _with_hint(course, hint, seen, weights, look.owners)
        prior = HINT_PRIOR
    table = np.stack([seen, course, white + np.float32(SHORT_ERROR) * rough], axis=1).astype(np.float32)
    smooth, kept, noise = (np.empty(len(seen), np.float32) for _ in range(3))
    places, expected = (cells.starts, cells.rows, cells.cols), (*prior, VARIATION)
    kernels.smooth_densities(*places, table, weights, expected, REACH_PX, smooth, kept, noise)
    # A defect darkens. On inverted negatives, and where scratches took the dye, most brighten; a few bright ones are
    # lights of the picture, filled from the dark around.
    bright = heights < 0
    least = -np.inf if _bright_are_defects(bright, look.parents) else 0.0
    density = np.where(bright[look.owners], np.clip(smooth, least, 0), np.maximum(smooth, 0)).astype(np.float32)
    error = noise * (FAINT_ERROR + DEEP_ERROR * np.minimum(np.abs(density), 1))
    return Attenuation(density, kept, error.astype(np.float32))


def _bright_are_defects(bright: npt.NDArray[np.bool_], parents: npt.NDArray[np.int64]) -> bool:
    """Whether enough whole defects are bright: one wire that was cut into a hundred cells is one."""
    wholly = np.bincount(parents, bright) > np.bincount(parents) / 2
    return bool(wholly.sum() >= FEWEST_BRIGHT and wholly.mean() > BRIGHT_SHARE)


def _counted(heights: Doubles, parents: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which cells tell of the frame's defects: not the bright ones where those are the picture's."""
    bright = heights < 0
    return ~bright | _bright_are_defects(bright, parents)


def _learn_profile(seen: Array, weights: Array, look: DefectColours) -> tuple[Array, Doubles, tuple[float, float]]:
    """Learn how densities rise from the rim on this frame.

    Return each pixel's rise, each region's height, and the height that is to be expected with the weight of that.
    """
    usual = np.array(USUAL_PROFILE)
    course, depths, owners = usual, look.depths, look.owners
    for _ in range(ROUNDS):
        rise = course[depths]
        heights = np.bincount(owners, weights * rise * seen) / np.bincount(owners, weights * rise * rise)
        counted = _counted(heights, look.parents)
        height = heights[owners]
        telling = weights * (counted[owners] & (np.abs(height) > TELLING[0]) & (np.abs(height) < TELLING[1]))
        power = np.bincount(depths, telling * height * height, len(usual))
        found = (np.bincount(depths, telling * height * seen, len(usual)) + USUAL_WEIGHT * usual) / (
            power + USUAL_WEIGHT
        )
        course = np.maximum.accumulate(np.clip(found / found.max(), LEAST_PROFILE, 1))
    powers = np.bincount(owners, weights * course[depths] ** 2)
    usual_height = _usual_height(heights[counted], (PIXELS_AS_ONE / powers)[counted])
    return course[depths].astype(np.float32), heights, usual_height


def _usual_height(heights: Doubles, variances: Doubles) -> tuple[float, float]:
    """Return the height of the frame's defects and its weight: a frame with faint dust has no dark one by chance."""
    known = variances < np.square(KNOWN_HEIGHT * heights)
    if known.sum() < FEWEST_KNOWN:
        return USUAL_HEIGHT, PIXELS_AS_ONE / USUAL_SPREAD**2
    middle, spread = median_and_deviation(heights[known])
    return middle, PIXELS_AS_ONE / max(spread, LEAST_SPREAD) ** 2


def _with_hint(
    course: Array, hint: Array, seen: Array, weights: Array, owners: npt.NDArray[np.int64]
) -> tuple[Array, Doubles]:
    """Mix the course from the rim with what infrared shows, region by region, so that it fits the colours best."""
    pairs = ((course, course), (course, hint), (hint, hint), (course, seen), (hint, seen))
    aa, ab, bb, ad, bd = (_sums(owners, weights * one * other) for one, other in pairs)
    known = PIXELS_AS_ONE / (bb + 1e-9) < KNOWN_SLOPE**2
    slope = float(np.median((bd / (bb + 1e-9))[known])) if known.sum() >= FEWEST_KNOWN else USUAL_SLOPE
    # Infrared is drawn to the slope that the frame's defects have; the rest is drawn to nothing.
    drawn = PIXELS_AS_ONE / max(SLOPE_SPREAD * slope, 0.05) ** 2
    aa, bb, bd = aa * (1 + RIDGE) + 1e-9, bb + drawn, bd + drawn * slope
    determinant = aa * bb - ab * ab
    first, second = (bb * ad - ab * bd) / determinant, (aa * bd - ab * ad) / determinant
    # Neither may take from the other: that would follow noise.
    alone = ad * ad / aa >= bd * bd / bb
    both = (first > 0) & (second > 0)
    first = np.where(both, first, np.where(alone, ad / aa, 0.0))
    second = np.where(both, second, np.where(alone, 0.0, bd / bb))
    mixed = first[owners] * course + second[owners] * hint
    # The course has to be known where both say nothing, and its sign is the region's.
    heights = _sums(owners, weights * mixed * seen)
    return np.where(np.abs(mixed) < SMALLEST_PROFILE, SMALLEST_PROFILE, mixed).astype(np.float32), heights


def _sums(owners: npt.NDArray[np.int64], values: npt.NDArray[np.floating]) -> Doubles:
    return np.bincount(owners, values).astype(np.float64)
