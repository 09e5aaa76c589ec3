"""How much light defects take where only the colours show them.

The density of a defect is measured against a fill. Dust is grey and smooth, and its density rises from the rim: the
profile of that rise is learnt from all defects of the frame, and its height from each defect, shrunk to the usual
height of the frame's defects. Where a pixel's density differs from the profile, only the part that exceeds the fill's
expected error and the grain is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.filling import DISPLAY_GAMMA
from filmscand.ir.statistics import median_and_deviation

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Squared error of a fill per squared detail around, as a part of the value: regression on simulated film.
DETAIL_ERROR = 1.2
# Part of a fill's error that may differ from one pixel to the next; on held-out frames 1 cost 0.15 dB.
SHORT_ERROR = 0.35
# Half width of the window in which densities are smoothed.
REACH_PX = 12
# Density of a defect, as a part of its height, at 0 to 4 pixels from its rim, where a frame has too few defects to
# tell.
USUAL_PROFILE = (0.2, 0.5, 0.85, 1.0, 1.0)
# Weight of the usual profile, against the power of the frame's defects.
USUAL_WEIGHT = 4.0
# Least value of the profile.
LEAST_PROFILE = 0.05
# Rounds in which profile and heights are fitted in turn.
ROUNDS = 3
# Heights, in nepers, of the defects that the profile is learnt from: not lost in noise, and not opaque.
PROFILE_HEIGHTS = (0.05, 1.5)
# Pixels of a fill that count as one observation: neighbouring pixels of a fill are wrong together.
PIXELS_AS_ONE = 6.0
# Fewest well-known defects from which a frame's height or slope is learnt.
FEWEST_KNOWN = 6
# Bright defects are believed where there are at least this many, and where they are more than this part of all.
FEWEST_BRIGHT, BRIGHT_SHARE = 5, 0.5
# Height of a frame's defects and its deviation, nepers, where too few are known.
USUAL_HEIGHT, USUAL_SPREAD = 0.25, 0.4
# Largest error of a well-known height, as a part of it.
KNOWN_HEIGHT = 0.3
# Least deviation of heights that is believed, nepers.
LEAST_SPREAD = 0.05
# Density in the picture per density in infrared, where too few defects tell.
USUAL_SLOPE = 1.1
# Deviation of single defects from the frame's slope, as a part of it.
SLOPE_SPREAD = 0.3
# Largest error of a well-known slope.
KNOWN_SLOPE = 0.3
# Ridge on the part of the profile beside infrared, as a part of its power.
RIDGE = 0.02
# Least absolute value of a profile mixed with infrared.
SMALLEST_PROFILE = 1e-3
# Prior of the height of a profile that is scaled by infrared: 1, with the weight of a deviation of 0.4.
HINT_PRIOR = (1.0, PIXELS_AS_ONE / 0.4**2)
# Deviation of a defect's density about its profile, as a part of its height.
VARIATION = 0.4
# Deviations from the profile at which a pixel's weight is halved (Cauchy's weights).
ROBUST = 1.5
# Squared error of a smoothed density, as a part of the fill's, for the faintest defects.
FAINT_ERROR = 0.08
# What is added to it per neper.
DEEP_ERROR = 0.5


@dataclass(frozen=True, slots=True)
class DefectColours:
    """The colours of each defect pixel, and the errors of its fill.

    Attributes
    ----------
    raw, fill : (pixels, 3) ndarray of float32
        Display values as captured, and as filled from the surroundings.
    rough : (pixels, 3) ndarray of float32
        Part of the fill's squared error that grows with the gap.
    noise : (pixels, 3) ndarray of float32
        Dark noise, as a part of the light.
    detail : (cells, 4) ndarray of float32
        Deviation of detail around each cell, as a part of the value: red, green, blue and common to the three.
    depths : (pixels,) ndarray of int64
        Pixels from the rim, 0..4.
    owners : (pixels,) ndarray of int64
        Cell of each pixel.
    parents : (cells,) ndarray of int64
        Defect that each cell was cut from.
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
        Density, the same for all colours, nepers; negative where a defect is brighter.
    kept : (pixels,) ndarray of float32
        Believed part of the pixel's own difference from its cell's profile, 0..1.
    error : (pixels,) ndarray of float32
        Expected squared error of `density`.
    """

    density: Array
    kept: Array
    error: Array


def estimate_attenuation(cells: Regions, colours: DefectColours, hint: Array | None) -> Attenuation:
    """Estimate how much light the defects of a frame take.

    density = h p + k (d - h p), with d = 2.2 ln(fill / raw) the measured density, p the profile at the pixel, h the
    local height, and k the part of the variance about h p that exceeds the expected error.

    Parameters
    ----------
    cells : Regions
        Cells of the defects.
    colours : DefectColours
        Colours of their pixels.
    hint : (pixels,) ndarray of float32 or None
        Density in infrared, nepers, where infrared shows defects faintly or falsely.

    Returns
    -------
    Attenuation
        Density of each pixel, and its expected error.
    """
    square = np.float32(DISPLAY_GAMMA**2)
    detail = np.square(colours.detail[colours.owners])
    relative = colours.rough / np.square(colours.fill) + np.float32(DETAIL_ERROR) * detail[:, :3]
    share = 1 / (relative + np.float32(1e-6))
    share /= share.sum(axis=1, keepdims=True)
    measured = (share * np.log(colours.fill / colours.raw)).sum(axis=1) * np.float32(DISPLAY_GAMMA)
    gap_error = square * (share * colours.rough / np.square(colours.fill)).sum(axis=1)
    detail_error = square * np.float32(DETAIL_ERROR) * detail[:, 3]
    weights = (1 / (gap_error + detail_error + 0.02)).astype(np.float32)
    profile, heights, prior = _learn_profile(measured, weights, colours)
    # A pixel far from the profile shows the picture: a letter below the dust, which the fill does not contain.
    height = np.abs(heights)[colours.owners]
    beyond = np.square(measured - heights[colours.owners] * profile) / (
        detail_error + gap_error + np.square(VARIATION * height)
    )
    weights = (weights / (1 + beyond / ROBUST**2)).astype(np.float32)
    profile, heights, prior = _learn_profile(measured, weights, colours)
    if hint is not None:
        profile, heights = _with_hint(profile, hint, measured, weights, colours.owners)
        prior = HINT_PRIOR
    table = np.stack([measured, profile, detail_error + np.float32(SHORT_ERROR) * gap_error], axis=1).astype(np.float32)
    smooth, kept, noise = (np.empty(len(measured), np.float32) for _ in range(3))
    positions, expected = (cells.starts, cells.rows, cells.cols), (*prior, VARIATION)
    kernels.smooth_densities(*positions, table, weights, expected, REACH_PX, smooth, kept, noise)
    # A defect darkens. On inverted negatives, and where scratches took the dye, most defects brighten; a few bright
    # ones are lights of the picture, filled from dark surroundings.
    bright = heights < 0
    least = -np.inf if _bright_are_defects(bright, colours.parents) else 0.0
    density = np.where(bright[colours.owners], np.clip(smooth, least, 0), np.maximum(smooth, 0)).astype(np.float32)
    error = noise * (FAINT_ERROR + DEEP_ERROR * np.minimum(np.abs(density), 1))
    return Attenuation(density, kept, error.astype(np.float32))


def _bright_are_defects(bright: npt.NDArray[np.bool_], parents: npt.NDArray[np.int64]) -> bool:
    """Whether enough whole defects are bright: a wire that was cut into a hundred cells is one defect."""
    wholly = np.bincount(parents, bright) > np.bincount(parents) / 2
    return bool(wholly.sum() >= FEWEST_BRIGHT and wholly.mean() > BRIGHT_SHARE)


def _counted(heights: Doubles, parents: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which cells the frame's usual defect is learnt from: not bright ones where those belong to the picture."""
    bright = heights < 0
    return ~bright | _bright_are_defects(bright, parents)


def _learn_profile(
    measured: Array, weights: Array, colours: DefectColours
) -> tuple[Array, Doubles, tuple[float, float]]:
    """Learn how densities rise from the rim on this frame, by alternating least squares for profile and heights.

    Returns
    -------
    profile : (pixels,) ndarray of float32
        Value of the profile at each pixel.
    heights : (cells,) ndarray of float64
        Height of each cell, nepers.
    prior : tuple of float
        Expected height, and its weight.
    """
    usual = np.array(USUAL_PROFILE)
    profile, depths, owners = usual, colours.depths, colours.owners
    for _ in range(ROUNDS):
        rise = profile[depths]
        heights = np.bincount(owners, weights * rise * measured) / np.bincount(owners, weights * rise * rise)
        counted = _counted(heights, colours.parents)
        height = heights[owners]
        counted_weights = weights * (
            counted[owners] & (np.abs(height) > PROFILE_HEIGHTS[0]) & (np.abs(height) < PROFILE_HEIGHTS[1])
        )
        power = np.bincount(depths, counted_weights * height * height, len(usual))
        fitted = (np.bincount(depths, counted_weights * height * measured, len(usual)) + USUAL_WEIGHT * usual) / (
            power + USUAL_WEIGHT
        )
        profile = np.maximum.accumulate(np.clip(fitted / fitted.max(), LEAST_PROFILE, 1))
    powers = np.bincount(owners, weights * profile[depths] ** 2)
    usual_height = _usual_height(heights[counted], (PIXELS_AS_ONE / powers)[counted])
    return profile[depths].astype(np.float32), heights, usual_height


def _usual_height(heights: Doubles, variances: Doubles) -> tuple[float, float]:
    """Return the usual height of the frame's defects and its weight: among faint dust a dark defect is unlikely."""
    known = variances < np.square(KNOWN_HEIGHT * heights)
    if known.sum() < FEWEST_KNOWN:
        return USUAL_HEIGHT, PIXELS_AS_ONE / USUAL_SPREAD**2
    middle, spread = median_and_deviation(heights[known])
    return middle, PIXELS_AS_ONE / max(spread, LEAST_SPREAD) ** 2


def _with_hint(
    profile: Array, hint: Array, measured: Array, weights: Array, owners: npt.NDArray[np.int64]
) -> tuple[Array, Doubles]:
    """Mix the profile with the infrared density, cell by cell, so that the mixture a p + b q fits the colours best.

    The slope b is shrunk to the frame's slope, and a to 0. Neither may be negative.
    """
    pairs = ((profile, profile), (profile, hint), (hint, hint), (profile, measured), (hint, measured))
    pp, pq, qq, pd, qd = (_sums(owners, weights * one * other) for one, other in pairs)
    known = PIXELS_AS_ONE / (qq + 1e-9) < KNOWN_SLOPE**2
    slope = float(np.median((qd / (qq + 1e-9))[known])) if known.sum() >= FEWEST_KNOWN else USUAL_SLOPE
    # The infrared part is shrunk to the slope of the frame's defects, the profile's part to 0.
    shrinkage = PIXELS_AS_ONE / max(SLOPE_SPREAD * slope, 0.05) ** 2
    pp, qq, qd = pp * (1 + RIDGE) + 1e-9, qq + shrinkage, qd + shrinkage * slope
    determinant = pp * qq - pq * pq
    profile_part, hint_part = (qq * pd - pq * qd) / determinant, (pp * qd - pq * pd) / determinant
    # Neither part may be negative: that would follow noise.
    alone = pd * pd / pp >= qd * qd / qq
    both = (profile_part > 0) & (hint_part > 0)
    profile_part = np.where(both, profile_part, np.where(alone, pd / pp, 0.0))
    hint_part = np.where(both, hint_part, np.where(alone, 0.0, qd / qq))
    mixed = profile_part[owners] * profile + hint_part[owners] * hint
    # The mixture must not be 0 where both parts are; its sign is the region's.
    heights = _sums(owners, weights * mixed * measured)
    return np.where(np.abs(mixed) < SMALLEST_PROFILE, SMALLEST_PROFILE, mixed).astype(np.float32), heights


def _sums(owners: npt.NDArray[np.int64], values: npt.NDArray[np.floating]) -> Doubles:
    return np.bincount(owners, values).astype(np.float64)
