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
from filmscand.ir.decision import evidence as judge
from filmscand.ir.decision.slopes import (
    EDGE_SPREAD,
    UNUSUAL_EXPONENT,
    USUAL_MISFIT,
    DefectSample,
    Edges,
    Prior,
    Slopes,
    edge_slopes,
    frame_prior,
    independent_votes,
    region_slopes,
    sharpened,
    softness,
)

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
# Log odds of depth from which a defect is sure.
SURE_EVIDENCE = 8.0
# Sure defects of a dusty frame, at least.
FEWEST_SURE = 3
# Log odds of depth below which a defect is doubtful; on a frame that is not dusty, doubtful defects do not count.
DOUBTFUL_EVIDENCE = 4.0
# Deviation of a channel's exponent from the region's, as a part of it: dust is neutral.
NEUTRALITY = 0.12
# Factor on the misfit of scratches: they take a part of the dye that is there, much or little.
SCRATCH_MISFIT = 2.5
# Deviations from the frame's exponents above which a defect's own lies in their long tail.
FAR_DEVIATIONS = 4.0
# Least misfit of the relation, as a part of the density.
SMALLEST_MISFIT = 0.06
# Greatest misfit of the relation, as a part of the density.
MOST_MISFIT = 0.5


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
        Density in red, green and blue per infrared density, for each region.
    usual, most : float
        Exponent of the frame's defects, and the one that none of them exceeds.
    misfit : (regions,) ndarray of float64
        Standard deviation about that relation, as a part of the density.
    roughness : (regions,) ndarray of float64
        Squared error of the fills as a multiple of the expected one, at least 1.
    visible : (regions,) ndarray of bool
        Whether the region shows in the picture at all.
    scratched : (regions,) ndarray of bool
        Whether a scratch that took dye away is part of it.
    bare : (pixels,) ndarray of bool
        Where a scratch took the dye away under other defects: nothing can be divided there.
    """

    stray: float
    lift: Doubles
    shape: Array
    exponents: Doubles
    usual: float
    most: float
    misfit: Doubles
    roughness: Doubles
    visible: Truths
    scratched: Truths
    bare: Truths


def fit_absorption(
    sample: DefectSample,
    parents: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    evidence: Doubles,
    response: InfraredResponse,
) -> Absorption:
    """Fit the relation of a frame and of each of its regions.

    Parameters
    ----------
    sample : DefectSample
        Defect pixels of the frame.
    parents : (regions,) ndarray of int64
        Wider defect that each region is a part of.
    places : (regions, 2) ndarray of int64
        Place of the frame in which the wider defect begins, and in which the region itself begins.
    evidence : (regions,) ndarray of float64
        Log odds that each region is a defect (see `depth_evidence`).
    response : InfraredResponse
        How the infrared shows them.

    Returns
    -------
    Absorption
        The relation, and which regions show.
    """
    stray = _stray(sample.density)
    sharpness = _sharpness(sample, stray, _most_sharpness(response.blur_px))
    shape, lift = _shape(sample, stray, sharpness, response)
    slopes = region_slopes(shape, sample, np.zeros(len(shape), np.bool_))
    prior = frame_prior(slopes, parents, places[:, 0])
    edges = edge_slopes(sample.changes, response.gain, response.noise)
    soft = softness(edges, slopes, prior, parents)
    edges = sharpened(edges, soft)
    bright, crossed, bare = judge.find_stripped_scratches(shape, sample, slopes, edges, evidence, parents)
    if crossed.any():
        slopes = region_slopes(shape, sample, bare)
    exponents = np.where(bright[:, None], _bright_exponents(slopes, edges), _posterior(slopes, edges, prior))
    checks = np.empty((len(slopes.pooled), 6))
    planes = (sample.starts, shape, sample.ratio, sample.variance)
    kernels.sum_checks(*planes, bare, exponents, slopes.depths, checks)
    bright |= crossed
    sums, doubtful = _changes_of_doubtful(sample, evidence, places[:, 1])
    neighbours = sharpened(edge_slopes(sums, response.gain, response.noise), soft)
    around = judge.neighbours_evidence(neighbours, doubtful, prior)
    visible = _visible(slopes, edges, prior, evidence, parents, around) | (
        judge.is_unexplained(checks, slopes) & (evidence > 0)
    )
    # No defect takes much more light than its density says: a dark figure on a bright background is the picture's.
    visible = bright | (visible & judge.is_neutral(slopes)) & (slopes.pooled < prior.most + slopes.errors)
    if (visible & (evidence > SURE_EVIDENCE)).sum() < FEWEST_SURE:
        # Dust comes in numbers: on a frame with hardly a sure defect the doubtful ones belong to the picture.
        visible &= evidence > DOUBTFUL_EVIDENCE
    misfit, roughness = _misfit(checks, sample, _trust(edges, prior))
    misfit = np.where(bright, SCRATCH_MISFIT * misfit, misfit)
    outcome = (np.asarray(visible), bright, bare)
    return Absorption(stray, lift, shape, exponents, prior.mean, prior.most, misfit, roughness, *outcome)


def _shape(
    sample: DefectSample, stray: float, sharpness: tuple[float, float], response: InfraredResponse
) -> tuple[Array, Doubles]:
    shape, lift = np.empty(len(sample.density), np.float32), np.empty(len(sample.areas))
    opaque, stray_part, gain = np.float32(np.exp(-DEEPEST)), np.float32(stray), np.float32(response.gain)
    sharp = np.array(sharpness, np.float32)
    kernels.shape_pixels(sample.starts, sample.density, response.noise, stray_part, sharp, gain, opaque, shape, lift)
    return shape, lift


def _changes_of_doubtful(
    sample: DefectSample, evidence: Doubles, places: npt.NDArray[np.int64]
) -> tuple[Doubles, Doubles]:
    """Sum the changes of the doubtful regions around each doubtful one, (regions, 8), and count them."""
    doubtful = evidence < DOUBTFUL_EVIDENCE
    sums = judge.neighbour_changes(sample.changes, doubtful, places)
    counts = sums[:, 8] * doubtful
    # Without a doubtful neighbour there is nothing to regress.
    sums[counts == 0] = 1
    return sums[:, :8], counts


def _visible(
    slopes: Slopes, edges: Edges, prior: Prior, evidence: Doubles, parents: npt.NDArray[np.int64], around: Doubles
) -> Truths:
    """Tell which regions show as dust does; `around`: log odds from their neighbours."""
    own = judge.shown_evidence(slopes, prior) + judge.edge_evidence(edges, prior)
    shown = judge.shared_evidence(own, parents) + around
    odds = judge.frame_odds(shown, evidence, parents)
    # Dust has no bright edges, and no edges that take much more light than its density says.
    dusty = (edges.slopes > -edges.errors) & (edges.slopes < prior.most + edges.errors)
    return np.asarray((shown + np.minimum(odds, evidence) > 0) & dusty)


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


def _posterior(slopes: Slopes, edges: Edges, prior: Prior) -> Doubles:
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


def _bright_exponents(slopes: Slopes, edges: Edges) -> Doubles:
    """Return the exponents of scratches, from fills and edges, each weighted by its inverse squared error."""
    by_fill, by_edge = 1 / slopes.channel_errors**2, 1 / edges.errors[:, None] ** 2
    return np.asarray((by_fill * slopes.channels + by_edge * edges.channels) / (by_fill + by_edge))


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
