"""Slopes of defects: density in the picture per density in infrared, measured in two ways, and the frame's prior.

A fill from the surroundings tells how dark a defect is against what should be there; a defect's edges tell how much the
picture changes where the infrared does. Fills are wrong by whatever lies under a wide defect, edges by noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.statistics import weighted_median

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Mean and deviation of defects' exponents (density in the picture per density in infrared), where a frame has too few
# sure defects to tell.
USUAL_EXPONENT = (1.2, 0.35)
# Fewest sure regions that a frame's exponents are learnt from.
FEWEST_REGIONS = 6
# Largest error of a slope that is well known.
KNOWN_ERROR = 0.3
# Exponent of a frame from which its infrared hardly sees dust.
UNUSUAL_EXPONENT = 1.8
# Deviation of a channel's exponent from the region's, as a part of it: dust is neutral.
NEUTRALITY = 0.12
# Deviations from the frame's exponents above which a defect's own lies in their long tail.
FAR_DEVIATIONS = 4.0
# Deviations of the logarithm by which the largest exponent lies above the mean.
MOST_DEVIATIONS = 4.0
# Least and greatest multiple of the mean that the largest exponent may be.
MOST_EXPONENTS = (3.0, 6.0)
# Misfit expected of any defect, as a part of its density.
USUAL_MISFIT = 0.15
# Pixels of a fill that count as one observation: neighbouring pixels of a fill are wrong together.
PIXELS_AS_ONE = 6.0
# Observations above which a region's further pixels count a tenth.
MOST_VOTES = 6.0
# Least part of the changes' power that is not noise.
CLEAN_POWER = 0.1
# Changes that count as one observation.
CHANGES_AS_ONE = 3.0
# Factor on the error of edges, for what the regression does not see.
EDGE_DOUBT = 2.5
# Spread of defects' edge slopes, as a multiple of the exponent.
EDGE_SPREAD = 0.35


@dataclass(frozen=True, slots=True)
class DefectSample:
    """Defect pixels of a frame, region by region.

    Attributes
    ----------
    starts : (regions + 1,) ndarray of int64
        First pixel of each region.
    density : (pixels, 3) ndarray of float32
        Infrared density, nepers: plain, and smoothed at two scales.
    ratio : (pixels, 3) ndarray of float32
        Density of the defect in red, green and blue, as a fill from the surroundings tells it, nepers.
    variance : (pixels, 3) ndarray of float32
        Expected squared error of `ratio`.
    changes : (regions, 8) ndarray of float64
        Sums over each region of changes from pixel to pixel (see `_defect_kernels.sum_changes`).
    """

    starts: npt.NDArray[np.int64]
    density: Array
    ratio: Array
    variance: Array
    changes: Doubles

    @property
    def areas(self) -> Doubles:
        """Pixels of each region, (regions,)."""
        return np.diff(self.starts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Slopes:
    """Slopes of regions from fills.

    Attributes
    ----------
    channels, channel_errors : (regions, 3) ndarray of float64
        Slope in red, green and blue, and its standard error.
    pooled, errors : (regions,) ndarray of float64
        Slope over all channels, and its standard error.
    depths : (regions,) ndarray of float64
        Root mean square infrared density, nepers.
    """

    channels: Doubles
    channel_errors: Doubles
    pooled: Doubles
    errors: Doubles
    depths: Doubles


@dataclass(frozen=True, slots=True)
class Edges:
    """Slopes of regions from their edges alone.

    A fill is wrong by whatever lies under a wide defect; a change where the infrared changes is the defect's.

    Attributes
    ----------
    channels : (regions, 3) ndarray of float64
        Slope in red, green and blue.
    slopes, errors : (regions,) ndarray of float64
        Mean slope, and its standard error.
    """

    channels: Doubles
    slopes: Doubles
    errors: Doubles


@dataclass(frozen=True, slots=True)
class Prior:
    """The frame's exponents.

    Attributes
    ----------
    mean, spread : float
        Mean and standard deviation of the exponents.
    channels : (3,) ndarray of float64
        Factors of red, green and blue on the exponent.
    """

    mean: float
    spread: float
    channels: Doubles

    @property
    def most(self) -> float:
        """Exponent that no defect of the frame exceeds; exponents scatter as their logarithm does."""
        scatter = np.sqrt(np.log1p((self.spread / self.mean) ** 2))
        return self.mean * float(np.clip(np.exp(MOST_DEVIATIONS * scatter), *MOST_EXPONENTS))


def region_slopes(shape: Array, sample: DefectSample, left_out: Truths) -> Slopes:
    """Regress the density that fills tell on the infrared density, region by region.

    slope = sum(w x y) / sum(w x^2), with x the infrared density, y the fill's, and w = 1 / (variance + misfit^2).

    Parameters
    ----------
    shape : (pixels,) ndarray of float32
        Infrared density of each pixel, corrected, nepers (see `ir.healing.absorption.Absorption`).
    sample : DefectSample
        Defect pixels of the frame.
    left_out : (pixels,) ndarray of bool
        Pixels that do not count.

    Returns
    -------
    Slopes
        One entry for each region.
    """
    sums = np.empty((len(sample.areas), 7))
    kernels.sum_slopes(sample.starts, shape, sample.ratio, sample.variance, left_out, USUAL_MISFIT, sums)
    dilution = sample.areas / independent_votes(sample.areas)
    power = sums[:, :3] + 1e-12
    pooled = sums[:, 3:6].sum(axis=1) / power.sum(axis=1)
    # The fills of the three channels are wrong together: pooling them makes nothing surer.
    errors = np.sqrt(3 * dilution / power.sum(axis=1))
    depths = np.sqrt(sums[:, 6] / sample.areas) + 1e-3
    return Slopes(sums[:, 3:6] / power, np.sqrt(dilution[:, None] / power), pooled, errors, depths)


def edge_slopes(changes: Doubles, gain: float, noise: float) -> Edges:
    """Regress the picture's changes on the infrared's; the remainder tells the error.

    slope = sum(dx dy) / (sum(dx^2) - noise), with dx the changes of infrared density, and dy those of the picture's.

    Parameters
    ----------
    changes : (regions, 8) ndarray of float64
        Sums of changes (see `DefectSample`).
    gain : float
        Factor that gives a neutral defect its full infrared density back.
    noise : float
        Standard deviation of clean film's infrared density, nepers.

    Returns
    -------
    Edges
        One entry for each region.
    """
    power, products, squares, count = np.split(changes, [1, 4, 7], axis=1)
    clean = np.maximum(power - 2 * noise**2 * count, CLEAN_POWER * power) + 1e-12
    slopes = products / clean
    remainder = np.maximum(squares - slopes * products, 0) / count + 1e-9
    errors = np.sqrt(CHANGES_AS_ONE * remainder / clean)
    return Edges(slopes / gain, slopes.mean(axis=1) / gain, EDGE_DOUBT * errors.max(axis=1) / gain)


def softness(edges: Edges, slopes: Slopes, prior: Prior, parents: npt.NDArray[np.int64]) -> float:
    """Return the factor by which a softer infrared changes a frame's edge slopes; 1 where too few regions tell."""
    known = (edges.errors < EDGE_SPREAD * prior.mean) & (slopes.errors < KNOWN_ERROR * prior.mean)
    known &= (slopes.pooled > 0.5 * prior.mean) & (slopes.pooled < 2 * prior.mean) & (edges.slopes > 0)
    votes = known / np.maximum(np.bincount(parents, known), 1.0)[parents]
    if votes.sum() < FEWEST_REGIONS:
        return 1.0
    return max(weighted_median(edges.slopes[known] / slopes.pooled[known], votes[known]), 0.5)


def sharpened(edges: Edges, factor: float) -> Edges:
    """Divide edge slopes by the factor of a softer infrared (see `softness`)."""
    return Edges(edges.channels / factor, edges.slopes / factor, edges.errors / factor)


def independent_votes(areas: Doubles) -> Doubles:
    """Return the number of independent observations that the pixels of each region amount to."""
    return np.asarray(np.minimum(areas / PIXELS_AS_ONE, MOST_VOTES + areas / (10 * PIXELS_AS_ONE)))


def posterior_exponents(slopes: Slopes, edges: Edges, prior: Prior) -> Doubles:
    """Return each region's exponents: its own, shrunk to the frame's, and the channels shrunk to their mean.

    Edges count first; a fill that disagrees is trusted the less, the farther off it is.
    """
    apart = np.square(edges.slopes - slopes.pooled) / (edges.errors**2 + slopes.errors**2)
    far = np.square((edges.slopes - prior.mean) / prior.spread)
    # Where infrared hardly sees dust, exponents have long tails: an exponent on which edges and fill agree is believed
    # although no other defect has it. Elsewhere it belongs to a line of the picture that runs along the defect.
    outlying = (far > FAR_DEVIATIONS**2) & (edges.errors < EDGE_SPREAD * edges.slopes)
    alike = np.exp(-apart / 2) * (outlying & (prior.mean > UNUSUAL_EXPONENT))
    spread = prior.spread * np.sqrt(1 + alike * far)
    disagreement = (1 - alike) * np.square(edges.slopes / prior.mean - 1)
    doubt = np.hypot(edges.errors, EDGE_SPREAD * prior.mean) * (1 + disagreement)
    precision = 1 / spread**2 + 1 / doubt**2
    expected = (prior.mean / spread**2 + edges.slopes / doubt**2) / precision
    off = np.square(slopes.pooled - expected) / (slopes.errors**2 + 1 / precision)
    errors = slopes.errors * np.sqrt(1 + off / 2)
    belief = 1 / (1 + precision * errors**2)
    region = expected + belief * (slopes.pooled - expected)
    neutral = region[:, None] * prior.channels
    allowed = (NEUTRALITY * region[:, None]) ** 2
    trust = allowed / (allowed + (1 + off[:, None] / 2) * slopes.channel_errors**2)
    return np.asarray(neutral + trust * (slopes.channels - neutral))


def bright_exponents(slopes: Slopes, edges: Edges) -> Doubles:
    """Return the exponents of scratches, from fills and edges, each weighted by its inverse squared error."""
    by_fill, by_edge = 1 / slopes.channel_errors**2, 1 / edges.errors[:, None] ** 2
    return np.asarray((by_fill * slopes.channels + by_edge * edges.channels) / (by_fill + by_edge))
