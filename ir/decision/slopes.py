"""What each defect's density in the picture is for one in infrared, measured in two ways, and the frame's prior.

A fill from around says how dark a defect is against what should be there; a defect's edges say how much the picture
changes where the infrared does. Fills are wrong by whatever lies under a wide defect, edges by noise.
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

# A defect's density in the picture for one in infrared, where a frame has too few sure ones to tell: mean, deviation.
USUAL_EXPONENT = (1.2, 0.35)
FEWEST_REGIONS = 6
BELIEVED_REGIONS = 12
KNOWN_ERROR = 0.3
LEAST_EXPONENT = 0.4
# An exponent that is not learnt but from defects in so many of the frame's places.
UNUSUAL_EXPONENT = 1.8
FEWEST_PLACES = 16
# Places along each side of a frame.
PLACES = 12
# Dust is neutral: what takes one colour by so much more (part of its slope) is no example of the frame's defects.
LEARNT_COLOUR = 0.25
# The largest exponent lies so many deviations above the mean, and within these multiples of it.
MOST_DEVIATIONS = 4.0
MOST_EXPONENTS = (3.0, 6.0)
# Misfit that is expected of any defect, as a part of its density.
USUAL_MISFIT = 0.15
# Neighbouring pixels of a fill are wrong together: so many count as one, and a large region gives only a few more.
PIXELS_AS_ONE = 6.0
MOST_VOTES = 6.0
# Part of the changes' power that is no noise, at least; how many changes count as one; what else edges are wrong by.
CLEAN_POWER = 0.1
CHANGES_AS_ONE = 3.0
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
        Infrared density plain and smoothed at two scales, nepers.
    ratio : (pixels, 3) ndarray of float32
        Density of the defect in red, green and blue, as far as a fill from around tells, nepers.
    variance : same shape
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
        """Pixels of each region."""
        return np.diff(self.starts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Slopes:
    """Slope of each region: by channel (regions, 3) and pooled (regions,), errors, and root mean square depth."""

    channels: Doubles
    channel_errors: Doubles
    pooled: Doubles
    errors: Doubles
    depths: Doubles


@dataclass(frozen=True, slots=True)
class Edges:
    """Slope of each region from its edges alone, by channel (regions, 3) and pooled (regions,), and its error.

    A fill is wrong by whatever lies under a wide defect; what changes where the infrared changes, is the defect's.
    """

    channels: Doubles
    slopes: Doubles
    errors: Doubles


@dataclass(frozen=True, slots=True)
class Prior:
    """The frame's exponents: mean and deviation, the channels' factors, and the part of regions that shows."""

    mean: float
    spread: float
    channels: Doubles
    shown: float

    @property
    def most(self) -> float:
        """Exponent that no defect of the frame exceeds; exponents scatter as their logarithm does."""
        scatter = np.sqrt(np.log1p((self.spread / self.mean) ** 2))
        return self.mean * float(np.clip(np.exp(MOST_DEVIATIONS * scatter), *MOST_EXPONENTS))


def region_slopes(shape: Array, sample: DefectSample, left_out: Truths) -> Slopes:
    """Regress the density that fills tell on the infrared's; `left_out` (pixels,) are not counted."""
    sums = np.empty((len(sample.areas), 7))
    kernels.sum_slopes(sample.starts, shape, sample.ratio, sample.variance, left_out, USUAL_MISFIT, sums)
    dilution = sample.areas / independent_votes(sample.areas)
    power = sums[:, :3] + 1e-12
    pooled = sums[:, 3:6].sum(axis=1) / power.sum(axis=1)
    # The channels' fills are wrong together: pooling them makes nothing surer.
    errors = np.sqrt(3 * dilution / power.sum(axis=1))
    depths = np.sqrt(sums[:, 6] / sample.areas) + 1e-3
    return Slopes(sums[:, 3:6] / power, np.sqrt(dilution[:, None] / power), pooled, errors, depths)


def frame_prior(slopes: Slopes, parents: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> Prior:
    """Learn from the regions whose slope is well known; which they are must not depend on luck.

    The parts of one wide defect have one vote together: a girder taken for a defect may be cut into a hundred. Where
    infrared hardly sees the dust, it does so all over the frame; railings and small print, which the leak's model does
    not follow, have as unusual exponents, but lie in one part of it (places).
    """
    mean, spread = USUAL_EXPONENT
    known = slopes.errors < np.maximum(KNOWN_ERROR, 0.2 * slopes.pooled)
    shows = known & (slopes.pooled > LEAST_EXPONENT) & (slopes.channels.min(axis=1) > 0)
    colour = np.ptp(slopes.channels, axis=1) - 2 * slopes.channel_errors.max(axis=1)
    coloured = shows & (colour > LEARNT_COLOUR * slopes.pooled)
    absent = known & (
        (np.abs(slopes.pooled) <= LEAST_EXPONENT) | (slopes.pooled > MOST_EXPONENTS[0] * USUAL_EXPONENT[0])
    )
    # Two regions more than there are: where nothing surely shows, a frame is as likely to be spotless.
    votes = 1.0 / np.maximum(np.bincount(parents, known), 1.0)[parents]
    shows &= ~coloured
    seen, mostly_unhealed, odd = (float(votes[chosen].sum()) for chosen in (shows, absent | coloured, coloured))
    shown = (seen + 1.0) / (seen + mostly_unhealed + 2.0)
    # Where coloured things are as many, what is neutral among them is so by chance.
    usual = Prior(mean, spread, np.ones(3), shown)
    if seen < FEWEST_REGIONS + odd:
        return usual
    found, votes = slopes.pooled[shows], votes[shows]
    middle = weighted_median(found, votes)
    if middle > UNUSUAL_EXPONENT and len(np.unique(places[shows])) < FEWEST_PLACES:
        return usual
    # A few dark shadows that are no defects may agree on anything; many defects are believed.
    belief = seen / (seen + BELIEVED_REGIONS)
    mean = float(np.exp((1 - belief) * np.log(mean) + belief * np.log(middle)))
    spread = float(np.clip(1.4826 * weighted_median(np.abs(found - mean), votes), 0.12 * mean, mean))
    ratios = slopes.channels[shows] / found[:, None]
    channels = np.clip([weighted_median(ratio, votes) for ratio in ratios.T], 0.8, 1.25)
    return Prior(mean, spread, channels, shown)


def edge_slopes(changes: Doubles, gain: float, noise: float) -> Edges:
    """Regress the picture's changes on the infrared's; what is left over tells the error.

    changes: (regions, 8), see `DefectSample`.
    """
    power, products, squares, count = np.split(changes, [1, 4, 7], axis=1)
    clean = np.maximum(power - 2 * noise**2 * count, CLEAN_POWER * power) + 1e-12
    slopes = products / clean
    left = np.maximum(squares - slopes * products, 0) / count + 1e-9
    errors = np.sqrt(CHANGES_AS_ONE * left / clean)
    return Edges(slopes / gain, slopes.mean(axis=1) / gain, EDGE_DOUBT * errors.max(axis=1) / gain)


def softness(edges: Edges, slopes: Slopes, prior: Prior, parents: npt.NDArray[np.int64]) -> float:
    """Return what a softer infrared makes of all the frame's edges, as a factor; 1 where too few tell."""
    known = (edges.errors < EDGE_SPREAD * prior.mean) & (slopes.errors < KNOWN_ERROR * prior.mean)
    known &= (slopes.pooled > 0.5 * prior.mean) & (slopes.pooled < 2 * prior.mean) & (edges.slopes > 0)
    votes = known / np.maximum(np.bincount(parents, known), 1.0)[parents]
    if votes.sum() < FEWEST_REGIONS:
        return 1.0
    return max(weighted_median(edges.slopes[known] / slopes.pooled[known], votes[known]), 0.5)


def sharpened(edges: Edges, factor: float) -> Edges:
    """Take off what a softer infrared makes of edges (see `softness`)."""
    return Edges(edges.channels / factor, edges.slopes / factor, edges.errors / factor)


def independent_votes(areas: Doubles) -> Doubles:
    """Independent observations that the pixels of each region amount to."""
    return np.asarray(np.minimum(areas / PIXELS_AS_ONE, MOST_VOTES + areas / (10 * PIXELS_AS_ONE)))
