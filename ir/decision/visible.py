"""Which regions show in the picture as dust does: the rules that judge regions found by infrared alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision import evidence as judge
from filmscand.ir.decision.slopes import (
    EDGE_SPREAD,
    UNUSUAL_EXPONENT,
    DefectSample,
    Edges,
    Prior,
    Slopes,
    edge_slopes,
    frame_prior,
    region_slopes,
    sharpened,
    softness,
)

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Log odds of depth from which a defect is sure.
SURE_EVIDENCE = 8.0
# Sure defects of a dusty frame, at least.
FEWEST_SURE = 3
# Log odds of depth below which a defect is doubtful; on a frame that is not dusty, doubtful defects do not count.
DOUBTFUL_EVIDENCE = 4.0
# Deviation of a channel's exponent from the region's, as a part of it: dust is neutral.
NEUTRALITY = 0.12
# Deviations from the frame's exponents above which a defect's own lies in their long tail.
FAR_DEVIATIONS = 4.0


def visible_cells(
    shape: Array,
    sample: DefectSample,
    parents: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
    evidence: Doubles,
    gain_and_noise: tuple[float, float],
) -> Truths:
    """Tell which cells of regions show in the picture as dust and scratches do.

    Parameters
    ----------
    shape : (pixels,) ndarray of float32
        Infrared density of each pixel, corrected, nepers (see `ir.healing.absorption.Absorption`).
    sample : DefectSample
        Defect pixels of the frame, cell by cell.
    parents : (cells,) ndarray of int64
        Wider defect that each cell is a part of.
    places : (cells, 2) ndarray of int64
        Place of the frame in which the wider defect begins, and in which the cell itself begins.
    evidence : (cells,) ndarray of float64
        Log odds that each cell is a defect (see `depth_evidence`).
    gain_and_noise : tuple of float
        Factor that gives a neutral defect its full density back, and deviation of clean film's density, nepers.

    Returns
    -------
    (cells,) ndarray of bool
    """
    slopes = region_slopes(shape, sample, np.zeros(len(shape), np.bool_))
    prior = frame_prior(slopes, parents, places[:, 0])
    edges = edge_slopes(sample.changes, *gain_and_noise)
    soft = softness(edges, slopes, prior, parents)
    edges = sharpened(edges, soft)
    bright, crossed, bare = judge.find_stripped_scratches(shape, sample, slopes, edges, evidence, parents)
    if crossed.any():
        slopes = region_slopes(shape, sample, bare)
    exponents = np.where(bright[:, None], bright_exponents(slopes, edges), posterior_exponents(slopes, edges, prior))
    checks = np.empty((len(slopes.pooled), 6))
    planes = (sample.starts, shape, sample.ratio, sample.variance)
    kernels.sum_checks(*planes, bare, exponents, slopes.depths, checks)
    bright |= crossed
    sums, doubtful = _changes_of_doubtful(sample, evidence, places[:, 1])
    neighbours = sharpened(edge_slopes(sums, *gain_and_noise), soft)
    around = judge.neighbours_evidence(neighbours, doubtful, prior)
    visible = _visible(slopes, edges, prior, evidence, parents, around) | (
        judge.is_unexplained(checks, slopes) & (evidence > 0)
    )
    # No defect takes much more light than its density says: a dark figure on a bright background is the picture's.
    visible = bright | (visible & judge.is_neutral(slopes)) & (slopes.pooled < prior.most + slopes.errors)
    if (visible & (evidence > SURE_EVIDENCE)).sum() < FEWEST_SURE:
        # Dust comes in numbers: on a frame with hardly a sure defect the doubtful ones belong to the picture.
        visible &= evidence > DOUBTFUL_EVIDENCE
    return np.asarray(visible)


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
