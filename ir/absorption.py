"""How a defect's density in infrared gives its density in red, green and blue.

In the picture a defect is denser than in infrared by a factor of its own (1.1 to 1.3 on good scanners, 2 to 10 where
the infrared is weak), which is fitted on each defect with a prior from the frame. What reaches the sensor through
anything opaque (stray light, about 5 %) bends the relation, and a wider infrared focus smears it: both are fitted on
the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ir import _defect_kernels as kernels

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Where no dust is dark enough to tell.
USUAL_STRAY = 0.03
MOST_STRAY = 0.08
DEEPEST = 3.5
SHALLOWEST = 0.03
SAMPLE_PIXELS = 30_000
FEWEST_PIXELS = 1500
ROUNDS = 4
# A defect's density in the picture for one in infrared, where a frame has too few sure ones to tell: mean, deviation.
USUAL_EXPONENT = (1.2, 0.35)
FEWEST_REGIONS = 6
BELIEVED_REGIONS = 12
KNOWN_ERROR = 0.3
LEAST_EXPONENT = 0.4
MOST_EXPONENT = 3.0
DEPTH_EVIDENCE = 4.0
# Log odds of depth that make a defect sure, how many such make a frame a dusty one, and what is asked of a clean one's.
SURE_EVIDENCE = 8.0
BRIGHT_EVIDENCE = 6.0
FEWEST_BRIGHT = 12
FEWEST_SURE = 3
# Largest difference of the channels' exponents, as a part of their mean.
MOST_COLOUR = 0.4
DOUBTFUL_EVIDENCE = 4.0
WIDTH_EVIDENCE = 0.5
# The lens spreads the smallest speck over some pixels; what covers fewer is noise of the sensor or grain.
SMALL_PX = 12.0
SPECK_EVIDENCE = 8.0
WIDE_PX = 500.0
# Squared deviations from the frame's exponent beyond which a defect is no less likely one.
FARTHEST = 6.0
# Expected error of a fill, in density, under which surroundings are smooth.
SMOOTH_DENSITY = 0.08
# Density by which a picture's own structure sets a region off from what is around it.
STRUCTURE = 0.15
# Dust is neutral: deviation of a channel's exponent from the region's, as a part of it.
NEUTRALITY = 0.12
# Misfit that is expected of any defect, as a part of its density.
SMALLEST_MISFIT = 0.06
USUAL_MISFIT = 0.15
# Neighbouring pixels of a fill are wrong together: so many count as one, and a large region gives only a few more.
PIXELS_AS_ONE = 6.0
MOST_VOTES = 6.0
SURE = 3.0
DETAIL_RIDGE = 2e-3


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
    """

    starts: npt.NDArray[np.int64]
    density: Array
    ratio: Array
    variance: Array

    @property
    def areas(self) -> Doubles:
        """Pixels of each region."""
        return np.diff(self.starts).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Absorption:
    """Relation of densities on one frame.

    Attributes
    ----------
    stray : float
        Part of the clear light that reaches the infrared sensor through anything.
    lift : float
        What the noise of the density is lifted by where detail is put back and the leak's share returned.
    shape : (pixels,) ndarray of float32
        Density without stray light, with the detail that the infrared's wider focus lost, and the leak's share of it.
    exponents : (regions, 3) ndarray of float64
        Density in red, green and blue for one of infrared, for each region.
    most : float
        Exponent that no defect of the frame exceeds.
    misfit : (regions,) ndarray of float64
        Standard deviation about that relation, as a part of the density.
    visible : (regions,) ndarray of bool
        Whether the region shows in the picture at all.
    """

    stray: float
    lift: float
    shape: Array
    exponents: Doubles
    most: float
    misfit: Doubles
    visible: Truths


def fit_absorption(sample: DefectSample, parents: npt.NDArray[np.int64], evidence: Doubles, gain: float) -> Absorption:
    """Fit the relation of a frame and of each of its regions.

    Parameters
    ----------
    sample : DefectSample
    parents : (regions,) ndarray of int64
        The wider defect that each region is a part of.
    evidence : (regions,) ndarray of float64
        Log odds that each region is a defect (see `depth_evidence`).
    gain : float
        Factor that gives a neutral defect its full density back (see `Leakage`).

    Returns
    -------
    Absorption
    """
    stray = _stray(sample.density)
    sharpness = _sharpness(sample, stray)
    shape = np.empty(len(sample.density), np.float32)
    opaque = np.float32(np.exp(-DEEPEST))
    kernels.shape_pixels(
        sample.density, np.float32(stray), np.array(sharpness, np.float32), np.float32(gain), opaque, shape
    )
    slopes = _region_slopes(shape, sample)
    prior = _frame_prior(slopes)
    exponents = _posterior(slopes, prior)
    checks = np.empty((len(slopes.pooled), 7))
    kernels.sum_checks(sample.starts, shape, sample.ratio, sample.variance, exponents, slopes.depths, checks)
    bright = _bright(checks, slopes) & (evidence > BRIGHT_EVIDENCE)
    # Scratches run over many cells; a few bright ones are lights of the picture's.
    bright &= bright.sum() >= FEWEST_BRIGHT
    if bright.any():
        exponents[bright] = slopes.channels[bright]
        kernels.sum_checks(sample.starts, shape, sample.ratio, sample.variance, exponents, slopes.depths, checks)
    shown = _shared(_shown_evidence(slopes, prior), parents)
    visible = shown + np.minimum(np.log(prior.shown / (1 - prior.shown)), evidence) > 0
    visible |= bright | (_unlike(checks, slopes) & (evidence > 0))
    # Nothing takes much more light than its density says: a dark figure before a bright ground is the picture's.
    visible &= slopes.pooled < MOST_EXPONENT * prior.mean + slopes.errors
    visible &= bright | _neutral(slopes)
    if (visible & (evidence > SURE_EVIDENCE)).sum() < FEWEST_SURE:
        # Dust comes in numbers: on a frame with hardly one sure defect the doubtful ones are the picture's.
        visible &= evidence > DOUBTFUL_EVIDENCE
    most = MOST_EXPONENT * prior.mean
    return Absorption(stray, gain * (1 + sum(sharpness)), shape, exponents, most, _misfit(checks, sample), visible)


def _stray(density: Array) -> float:
    """Light that opaque dust leaves: the darkest pixels', where any are dark enough to be opaque."""
    darkest = float(np.exp(-np.quantile(density[:, 0], 0.998)))
    return 0.9 * darkest if darkest < MOST_STRAY else USUAL_STRAY


def _without_stray(density: Array, stray: float) -> Doubles:
    through = (np.exp(-density.astype(np.float64)) - stray) / (1 - stray)
    return np.asarray(-np.log(np.maximum(through, np.exp(-DEEPEST))))


def _sharpness(sample: DefectSample, stray: float) -> tuple[float, float]:
    """How much detail the infrared's focus lost, from all defects of the frame; none where there are too few."""
    density, ratio, variance = sample.density, sample.ratio, sample.variance
    inside = np.flatnonzero((density[:, 0] > SHALLOWEST) & (density[:, 0] < 2.0) & (ratio.min(axis=1) > 0))
    if len(inside) < FEWEST_PIXELS:
        return 0.0, 0.0
    chosen = inside[:: max(1, len(inside) // SAMPLE_PIXELS)]
    target = ratio[chosen].mean(axis=1).astype(np.float64)
    error = variance[chosen].mean(axis=1).astype(np.float64)
    solution = _robust_fit(density[chosen], target, error, stray)
    small, wide = np.clip(solution[1:] / max(solution[0], 0.2), 0, 3)
    return float(small), float(wide)


def _robust_fit(density: Array, target: Doubles, error: Doubles, stray: float) -> Doubles:
    plain, small, wide = (_without_stray(density[:, scale], stray) for scale in range(3))
    design = np.stack([plain, plain - small, plain - wide], axis=1)
    base_weight = 1 / (error + (0.15 * plain) ** 2 + 1e-4)
    weights = base_weight
    solution = np.zeros(3)
    for _ in range(ROUNDS):
        weighted = design * weights[:, None]
        normal = weighted.T @ design
        ridge = np.diag([0.0, DETAIL_RIDGE, DETAIL_RIDGE]) * normal[0, 0]
        solution = np.linalg.solve(normal + ridge, weighted.T @ target)
        z = (target - design @ solution) * np.sqrt(base_weight)
        scale = 1.4826 * float(np.median(np.abs(z))) + 1e-6
        weights = base_weight * np.square(np.clip(1 - np.square(z / (4.7 * scale)), 0, None))
    return np.asarray(solution)


def _votes(areas: Doubles) -> Doubles:
    """Independent observations that the pixels of each region amount to."""
    return np.asarray(np.minimum(areas / PIXELS_AS_ONE, MOST_VOTES + areas / (10 * PIXELS_AS_ONE)))


@dataclass(frozen=True, slots=True)
class _Slopes:
    """Slope of each region: by channel (regions, 3) and pooled (regions,), errors, and root mean square depth."""

    channels: Doubles
    channel_errors: Doubles
    pooled: Doubles
    errors: Doubles
    depths: Doubles


@dataclass(frozen=True, slots=True)
class _Prior:
    """The frame's exponents: mean and deviation, the channels' factors, and the part of regions that shows."""

    mean: float
    spread: float
    channels: Doubles
    shown: float


def _region_slopes(shape: Array, sample: DefectSample) -> _Slopes:
    sums = np.empty((len(sample.areas), 7))
    kernels.sum_slopes(sample.starts, shape, sample.ratio, sample.variance, USUAL_MISFIT, sums)
    dilution = sample.areas / _votes(sample.areas)
    power = sums[:, :3] + 1e-12
    pooled = sums[:, 3:6].sum(axis=1) / power.sum(axis=1)
    # The channels' fills are wrong together: pooling them makes nothing surer.
    errors = np.sqrt(3 * dilution / power.sum(axis=1))
    depths = np.sqrt(sums[:, 6] / sample.areas) + 1e-3
    return _Slopes(sums[:, 3:6] / power, np.sqrt(dilution[:, None] / power), pooled, errors, depths)


def _frame_prior(slopes: _Slopes) -> _Prior:
    """Learn from the regions whose slope is well known; which they are must not depend on luck."""
    mean, spread = USUAL_EXPONENT
    known = slopes.errors < np.maximum(KNOWN_ERROR, 0.2 * slopes.pooled)
    shows = known & (slopes.pooled > LEAST_EXPONENT) & (slopes.channels.min(axis=1) > 0)
    absent = known & ((np.abs(slopes.pooled) <= LEAST_EXPONENT) | (slopes.pooled > MOST_EXPONENT * USUAL_EXPONENT[0]))
    # Two regions more than there are: where nothing surely shows, a frame is as likely to be spotless.
    shown = (shows.sum() + 1.0) / (shows.sum() + absent.sum() + 2.0)
    if shows.sum() < FEWEST_REGIONS:
        return _Prior(mean, spread, np.ones(3), shown)
    found = slopes.pooled[shows]
    # A few dark shadows that are no defects may agree on anything; many defects are believed.
    belief = len(found) / (len(found) + BELIEVED_REGIONS)
    mean = float(np.exp((1 - belief) * np.log(mean) + belief * np.log(np.median(found))))
    spread = float(np.clip(1.4826 * np.median(np.abs(found - mean)), 0.12 * mean, mean))
    channels = np.clip(np.median(slopes.channels[shows] / found[:, None], axis=0), 0.8, 1.25)
    return _Prior(mean, spread, channels, shown)


def _posterior(slopes: _Slopes, prior: _Prior) -> Doubles:
    """Exponents of each region and channel: the region's own, drawn to the frame's, and the channels to one another."""
    belief = prior.spread**2 / (prior.spread**2 + slopes.errors**2)
    region = prior.mean + belief * (slopes.pooled - prior.mean)
    expected = region[:, None] * prior.channels
    allowed = (NEUTRALITY * region[:, None]) ** 2
    trust = allowed / (allowed + slopes.channel_errors**2)
    return np.asarray(expected + trust * (slopes.channels - expected))


def _misfit(checks: Doubles, sample: DefectSample) -> Doubles:
    """Deviation about the fitted relation, as a part of the density, beyond what the fill's own error explains."""
    beyond, power, error = checks[:, 0], checks[:, 1] + 1e-9, checks[:, 2]
    measured = np.clip(beyond / power, 0.0, 4.0)
    # Where the fill is surer than the dip is deep, the misfit is seen; else it is supposed.
    votes = _votes(sample.areas) * (power / (power + error)) ** 2
    return np.asarray(np.sqrt(np.maximum((votes * measured + 4 * USUAL_MISFIT**2) / (votes + 4), SMALLEST_MISFIT**2)))


def _shown_evidence(slopes: _Slopes, prior: _Prior) -> Doubles:
    """Log odds, from its slope, that a region shows with the frame's exponents and is no infrared dip alone.

    A shallow region's slope may come out as anything where the picture has structure.
    """
    shown, absent = np.hypot(prior.spread, slopes.errors), np.hypot(STRUCTURE / slopes.depths, slopes.errors)
    distance = np.square((slopes.pooled - prior.mean) / shown)
    # Single defects lie far from the frame's exponent, but none takes light for which it has no density.
    plausible = (slopes.pooled > LEAST_EXPONENT) & (slopes.pooled < MOST_EXPONENT * prior.mean)
    distance = np.where(plausible, np.minimum(distance, FARTHEST), distance)
    # Structure has long tails (Cauchy's): objects before another ground differ from it by any density.
    structure = np.log1p(np.square(slopes.pooled / absent))
    return np.asarray(structure - 0.5 * np.minimum(distance, 50) + np.log(absent / shown))


def _shared(evidence: Doubles, parents: npt.NDArray[np.int64]) -> Doubles:
    """Let the parts of one wide defect speak for one another; where scratches cross hairs they may not against."""
    voices = np.clip(evidence, -2, 2)
    count = np.maximum(np.bincount(parents), 1)
    chorus = np.bincount(parents, voices) / count * np.minimum(np.sqrt(count), 5)
    return np.asarray(evidence + np.maximum(chorus, 0)[parents])


def depth_evidence(strength: Doubles, areas_px: Doubles) -> Doubles:
    """Log odds that a region is a defect: deep ones are; wide, shallow ones follow the picture, tiny ones are noise."""
    rise = DEPTH_EVIDENCE * (np.clip(strength, 0.5, 4.0) - 1.5)
    rise -= SPECK_EVIDENCE * np.log(np.maximum(SMALL_PX / areas_px, 1.0))
    return np.asarray(rise - WIDTH_EVIDENCE * np.log(np.maximum(areas_px / WIDE_PX, 1.0)))


def _bright(checks: Doubles, slopes: _Slopes) -> Truths:
    """Regions that are surely brighter than the film around, throughout and in all channels: scratches without dye."""
    brighter = checks[:, 4] / np.maximum(checks[:, 3], 1)
    return np.asarray((slopes.pooled < -SURE * slopes.errors) & (brighter > 0.8))


def _neutral(slopes: _Slopes) -> Truths:
    """Regions that take about as much of each colour, as far as is known: letters and leaves do not.

    Asked only of what takes unusually much light for its density.
    """
    spread = np.ptp(slopes.channels, axis=1)
    doubt = slopes.channel_errors.max(axis=1)
    usual = slopes.pooled < 2 * USUAL_EXPONENT[0]
    return np.asarray(usual | (spread < MOST_COLOUR * np.abs(slopes.pooled) + 2 * doubt))


def _unlike(checks: Doubles, slopes: _Slopes) -> Truths:
    """Regions that no density explains, in surroundings so smooth that a fill can hardly be wrong."""
    change, error = (checks[:, 5:7] / np.maximum(checks[:, 3:4], 1)).T
    return np.asarray((slopes.pooled < LEAST_EXPONENT) & (error < SMOOTH_DENSITY**2) & (change > SURE**2))
