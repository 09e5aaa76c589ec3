"""How a defect's density in infrared gives its density in red, green and blue.

density in a colour = exponent * infrared density, with stray light subtracted and lost detail restored.

The exponent (1.1 to 1.3 on good scanners, 2 to 10 where infrared is weak) is fitted on each defect, with a prior from
the frame. Stray light, which reaches the sensor through anything opaque (about 5 %), bends the relation, and a wider
infrared focus smears it: both are fitted on the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.slopes import (
    EDGE_SPREAD,
    KNOWN_ERROR,
    USUAL_EXPONENT,
    USUAL_MISFIT,
    DefectSample,
    Edges,
    Prior,
    Slopes,
    bright_exponents,
    edge_slopes,
    independent_votes,
    posterior_exponents,
    region_slopes,
    sharpened,
    softness,
)
from filmscand.ir.statistics import weighted_median

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Stray light, as a part of the clear light, where no dust is dark enough to tell.
USUAL_STRAY = 0.03
# Most stray light that is believed.
MOST_STRAY = 0.08
# Largest infrared density, nepers.
DEEPEST = 3.5
# Smallest infrared density of the pixels that the lost detail is fitted on, nepers.
SHALLOWEST = 0.03
# Pixels that the lost detail is fitted on, about.
SAMPLE_PIXELS = 30_000
# Fewest such pixels.
FEWEST_PIXELS = 1500
# Rounds of reweighting.
ROUNDS = 4
# Ridge on the restored detail, as a part of the density's power.
DETAIL_RIDGE = 2e-3
# Most detail restored, as a multiple of what two smoothings remove, at any blur.
MOST_SHARPNESS = 4.0
# The same at no blur.
LEAST_SHARPNESS = 0.1
# Least misfit of the relation, as a part of the density.
SMALLEST_MISFIT = 0.06
# Greatest misfit of the relation, as a part of the density.
MOST_MISFIT = 0.5
# Sure regions that count as much as the usual exponent in learning the frame's.
BELIEVED_REGIONS = 6
# Standard errors by which fill and edges both must call a region brighter: dust beside a light of the picture had 2.
SURE_FILL, SURE_EDGES = 3.0, 2.0
# Greatest exponent: weaker infrared shows its own noise, eight times.
MOST_EXPONENT = 8.0


@dataclass(frozen=True, slots=True)
class InfraredResponse:
    """How the infrared plane of a frame shows its defects.

    Attributes
    ----------
    gain : float
        Factor that gives a neutral defect its full density back (see `Leakage`).
    noise : float
        Standard deviation of clean film's infrared density, nepers.
    blur_px : float
        How much wider the infrared's focus is than the picture's, standard deviation; 0 where that is unknown.
    """

    gain: float
    noise: float
    blur_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Absorption:
    """Relation of infrared density to the picture's densities on one frame.

    Attributes
    ----------
    stray : float
        Part of the clear light that reaches the infrared sensor through anything.
    lift : (regions,) ndarray of float64
        Factor on the density's noise: some is smoothed away, while restored detail and the leakage's share amplify it.
    shape : (pixels,) ndarray of float32
        Infrared density without stray light, with the detail that the wider focus lost and the leakage's share, nepers.
    exponents : (regions, 3) ndarray of float64
        Density in red, green and blue per infrared density, for each region; negative where a scratch took dye away.
    usual, most : float
        Exponent of the frame's defects, and the one that none of them exceeds.
    misfit : (regions,) ndarray of float64
        Standard deviation about that relation, as a part of the density.
    roughness : (regions,) ndarray of float64
        Squared error of the fills as a multiple of the expected one, at least 1.
    bright : (regions,) ndarray of bool
        Scratches that took dye away: brighter than their surroundings by fill and edges.
    bare : (pixels,) ndarray of bool
        Pixels of such a scratch in regions in which dust lies on it: nothing can be divided there.
    """

    stray: float
    lift: Doubles
    shape: Array
    exponents: Doubles
    usual: float
    most: float
    misfit: Doubles
    roughness: Doubles
    bright: Truths
    bare: Truths


def fit_absorption(
    sample: DefectSample, parents: npt.NDArray[np.int64], unknown: Truths, response: InfraredResponse
) -> Absorption:
    """Fit the relation of a frame and of each of its regions.

    Parameters
    ----------
    sample : DefectSample
        Defect pixels of the frame.
    parents : (regions,) ndarray of int64
        Wider defect that each region is a part of.
    unknown : (pixels,) ndarray of bool
        Where infrared tells no density, since it is clipped.
    response : InfraredResponse
        How the infrared shows them.

    Returns
    -------
    Absorption
        The relation.
    """
    stray = _stray(sample.density)
    sharpness = _sharpness(sample, stray, _most_sharpness(response.blur_px))
    shape, lift = _shape(sample, stray, sharpness, response)
    slopes = region_slopes(shape, sample, unknown)
    prior = _frame_prior(slopes, parents)
    edges = edge_slopes(sample.changes, response.gain, response.noise)
    edges = sharpened(edges, softness(edges, slopes, prior, parents))
    bright = (slopes.pooled < -SURE_FILL * slopes.errors) & (edges.slopes < -SURE_EDGES * edges.errors)
    bare = _bare(sample, bright, parents)
    slopes = region_slopes(shape, sample, unknown | bare)
    # Elsewhere dust darkens, whatever a fill from brighter or darker surroundings says.
    darkening = np.clip(posterior_exponents(slopes, edges, prior), 0, prior.most)
    exponents = np.where(bright[:, None], bright_exponents(slopes, edges), darkening)
    checks = _checks(sample, shape, exponents, bright, unknown | bare)
    misfit, roughness = _misfit(checks, sample, _trust(edges, prior))
    return Absorption(stray, lift, shape, exponents, prior.mean, prior.most, misfit, roughness, bright, bare)


def _bare(sample: DefectSample, bright: Truths, parents: npt.NDArray[np.int64]) -> Truths:
    """Tell which pixels of other parts of a scratched defect are surely brighter than their fill, in all colours."""
    along = (np.bincount(parents, bright) > 0)[parents] & ~bright
    is_brighter = np.empty(len(sample.ratio), np.bool_)
    kernels.mark_bright(sample.ratio, sample.variance, SURE_FILL, is_brighter)
    return np.asarray(is_brighter & np.repeat(along, np.diff(sample.starts)))


def _frame_prior(slopes: Slopes, parents: npt.NDArray[np.int64]) -> Prior:
    """Learn the frame's exponent from the well-known ones: one vote for each defect, however many cells it has.

    mean = usual^(1 - b) * median^b, with b = n / (n + `BELIEVED_REGIONS`) for n votes.
    """
    mean, spread = USUAL_EXPONENT
    known = slopes.errors < np.maximum(KNOWN_ERROR, 0.2 * slopes.pooled)
    known &= slopes.channels.min(axis=1) > 0
    if not known.any():
        return Prior(mean, spread, np.ones(3))
    votes = (known / np.maximum(np.bincount(parents, known), 1.0)[parents])[known]
    exponents = slopes.pooled[known]
    belief = votes.sum() / (votes.sum() + BELIEVED_REGIONS)
    middle = min(weighted_median(exponents, votes), MOST_EXPONENT)
    mean = float(np.exp((1 - belief) * np.log(mean) + belief * np.log(middle)))
    deviation = 1.4826 * weighted_median(np.abs(exponents - mean), votes)
    spread = float(np.clip((1 - belief) * spread + belief * deviation, 0.12 * mean, mean))
    ratios = slopes.channels[known] / exponents[:, None]
    channels = np.clip([weighted_median(ratio, votes) for ratio in ratios.T], 0.8, 1.25)
    return Prior(mean, spread, channels)


def _checks(sample: DefectSample, shape: Array, exponents: Doubles, bright: Truths, unknown: Truths) -> Doubles:
    """Sum how well the exponents explain each region, (regions, 3), without what a wrong fill says.

    A fill that is darker than the dust itself is wrong; that says nothing about the exponent.
    """
    dark = np.repeat(~bright, np.diff(sample.starts))
    modelled = exponents.repeat(np.diff(sample.starts), axis=0) * shape[:, None]
    ratio = np.where(dark[:, None] & (sample.ratio < 0), modelled, sample.ratio).astype(np.float32)
    checks = np.empty((len(exponents), 3))
    kernels.sum_checks(sample.starts, shape, ratio, sample.variance, unknown, exponents, checks)
    return checks


def _shape(
    sample: DefectSample, stray: float, sharpness: tuple[float, float], response: InfraredResponse
) -> tuple[Array, Doubles]:
    shape, lift = np.empty(len(sample.density), np.float32), np.empty(len(sample.areas))
    opaque, stray_part, gain = np.float32(np.exp(-DEEPEST)), np.float32(stray), np.float32(response.gain)
    sharp = np.array(sharpness, np.float32)
    kernels.shape_pixels(sample.starts, sample.density, response.noise, stray_part, sharp, gain, opaque, shape, lift)
    return shape, lift


def _stray(density: Array) -> float:
    """Return the light that opaque dust leaves: that of the darkest pixels, where any are dark enough to be opaque."""
    darkest = float(np.exp(-np.quantile(density[:, 0], 0.998)))
    return 0.9 * darkest if darkest < MOST_STRAY else USUAL_STRAY


def _without_stray(density: Array, stray: float) -> Doubles:
    through = (np.exp(-density.astype(np.float64)) - stray) / (1 - stray)
    return np.asarray(-np.log(np.maximum(through, np.exp(-DEEPEST))))


def _most_sharpness(blur_px: float) -> float:
    """Return the most detail that a focus this much wider loses: unbounded, rough background passes for lost detail."""
    return min(blur_px**2 + LEAST_SHARPNESS, MOST_SHARPNESS) if blur_px else MOST_SHARPNESS


def _sharpness(sample: DefectSample, stray: float, most: float) -> tuple[float, float]:
    """Return the detail that the infrared's focus lost at both scales, from all defects; 0 where too few tell."""
    thin = slice(None, None, max(1, len(sample.density) // (4 * SAMPLE_PIXELS)))
    density, ratio, variance = sample.density[thin], sample.ratio[thin], sample.variance[thin]
    inside = np.flatnonzero((density[:, 0] > SHALLOWEST) & (density[:, 0] < 2.0) & (ratio.min(axis=1) > 0))
    if len(inside) < FEWEST_PIXELS:
        return 0.0, 0.0
    picked = inside[:: max(1, len(inside) // SAMPLE_PIXELS)]
    target = ratio[picked].mean(axis=1).astype(np.float64)
    error = variance[picked].mean(axis=1).astype(np.float64)
    solution = _robust_fit(density[picked], target, error, stray)
    small, wide = np.maximum(solution[1:] / max(solution[0], 0.2), 0)
    kept = min(1.0, most / max(small + wide, most))
    return float(kept * small), float(kept * wide)


def _robust_fit(density: Array, target: Doubles, error: Doubles, stray: float) -> Doubles:
    """Fit target = a plain + b (plain - small) + c (plain - wide) by reweighted least squares with Tukey's biweight."""
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


def _trust(edges: Edges, prior: Prior) -> Doubles:
    """Return how far a region's edges alone tell its exponent, 0..1."""
    known = 1 / (1 + np.square(edges.errors / (EDGE_SPREAD * prior.mean)))
    return np.asarray(known * np.exp(-0.5 * np.square((edges.slopes / prior.mean - 1) / (2 * EDGE_SPREAD))))


def _misfit(checks: Doubles, sample: DefectSample, trust: Doubles) -> tuple[Doubles, Doubles]:
    """Return the deviation about the fitted relation, as a part of the density, and the fills' roughness.

    An error that the fill does not expect is assigned to the relation, or to the fill where the edges confirm the
    relation.
    """
    beyond, power, error = checks[:, 0], checks[:, 1] + 1e-9, checks[:, 2]
    measured = np.maximum(beyond / power, 0.0)
    # Where the fill's error is smaller than the density, the misfit is measured; elsewhere the usual one is assumed.
    votes = (1 - trust) * independent_votes(sample.areas) * (power / (power + error)) ** 2
    square = (votes * measured + 4 * USUAL_MISFIT**2) / (votes + 4)
    misfit = np.sqrt(np.clip(square, SMALLEST_MISFIT**2, MOST_MISFIT**2))
    return misfit, 1 + np.maximum(beyond - np.maximum(1 - trust, 0) * misfit**2 * power, 0) / (error + 1e-9)
