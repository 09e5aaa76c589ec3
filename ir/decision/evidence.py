"""How likely each region is a defect that shows: log odds from its depth, fill, edges, fellows and colour.

All take and give one value for each region, (regions,) of float64 or bool.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.slopes import (
    EDGE_SPREAD,
    LEAST_EXPONENT,
    PLACES,
    USUAL_EXPONENT,
    DefectSample,
    Edges,
    Prior,
    Slopes,
)

Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

DEPTH_EVIDENCE = 4.0
WIDTH_EVIDENCE = 0.5
WIDE_PX = 500.0
# The lens spreads the smallest speck over some pixels; what covers fewer is noise of the sensor or grain.
SMALL_PX = 12.0
SPECK_EVIDENCE = 8.0
# Log odds of depth from which a region counts in learning how many defects show.
COUNTED_EVIDENCE = 4.0
# Log odds of what is told of a region from which on it counts; and what stands for a frame of which nothing is told.
TELLING = 1.0
SPOTLESS = 0.1
ROUNDS = 4
# Density by which a picture's own structure sets a region off from what is around it.
STRUCTURE = 0.15
# The edge slopes of pictures, and the doubt of defects that only the infrared saw, as multiples of the exponent.
PICTURE_SLOPE = 8.0
ABSENT_SPREAD = 0.1
# Log odds that the other parts of a wide defect may add to one part.
MOST_SHARED = 4.0
# Doubtful regions around that are heard, at least, and the error of what they say together, as a part of the exponent.
FEWEST_NEIGHBOURS = 13
NEIGHBOURS_ERROR = 0.3
SURE = 3.0
# Scratches that took dye away: evidence and number that are asked for; part of a region's pixels that are bright where
# a scratch is all there is, and where dust crosses it.
BRIGHT_EVIDENCE = 6.0
FEWEST_BRIGHT = 12
FEWEST_PROVEN = 3
BRIGHT_PART = 0.6
# Where so many parts of one region agree, fills with edges to a part, it is a scratch however shallow: lights differ.
FEWEST_AGREEING = 4
AGREEMENT = 0.5
MIXED_PART = 0.1
# Part of a region's pixels from which on something else lies on the scratch: darker, or so many times as dense.
OTHER_PART, MUCH_DENSER = 0.02, 3.0
# Largest difference of the channels' exponents, as a part of their mean.
MOST_COLOUR = 0.25
# Expected error of a fill, in density, under which surroundings are smooth.
SMOOTH_DENSITY = 0.08


def depth_evidence(strength: Doubles, areas_px: Doubles) -> Doubles:
    """Log odds that a region is a defect: deep ones are; wide, shallow ones follow the picture, tiny ones are noise."""
    rise = DEPTH_EVIDENCE * (np.clip(strength, 0.5, 4.0) - 1.5)
    rise -= SPECK_EVIDENCE * np.log(np.maximum(SMALL_PX / areas_px, 1.0))
    return np.asarray(rise - WIDTH_EVIDENCE * np.log(np.maximum(areas_px / WIDE_PX, 1.0)))


def shown_evidence(slopes: Slopes, prior: Prior) -> Doubles:
    """Log odds, from its slope, that a region shows with the frame's exponents and is no infrared dip alone.

    A shallow region's slope may come out as anything where the picture has structure. Fills have long tails (Cauchy's)
    under either supposition: objects before another ground differ from it by any density.
    """
    shown = np.hypot(prior.spread, slopes.errors)
    dip = _odds(slopes.pooled, prior.mean, shown, np.hypot(ABSENT_SPREAD * prior.mean, slopes.errors))
    picture = _odds(slopes.pooled, prior.mean, shown, np.hypot(STRUCTURE / slopes.depths, slopes.errors))
    return _against_both(dip, picture)


def edge_evidence(edges: Edges, prior: Prior) -> Doubles:
    """Log odds, from its edges, that a region shows: edges of the picture's own have slopes of any size."""
    mean, spread = prior.mean, EDGE_SPREAD * prior.mean
    shown = np.hypot(spread, edges.errors)
    dip = _odds(edges.slopes, mean, shown, np.hypot(ABSENT_SPREAD * mean, edges.errors))
    picture = _odds(edges.slopes, mean, shown, np.hypot(PICTURE_SLOPE * mean, edges.errors))
    return _against_both(dip, picture)


def _against_both(dip: Doubles, picture: Doubles) -> Doubles:
    """Log odds against either of two suppositions, an infrared dip alone and the picture's own structure."""
    return np.asarray(np.log(2) - np.logaddexp(-dip, -picture))


def _odds(slope: Doubles, mean: float, shown: Doubles, absent: Doubles) -> Doubles:
    """Log odds of a Cauchy distribution about `mean` against one about 0."""
    near, far = np.square((slope - mean) / shown), np.square(slope / absent)
    return np.asarray(np.log1p(far) - np.log1p(near) + np.log(absent / shown))


def frame_odds(shown: Doubles, evidence: Doubles, parents: npt.NDArray[np.int64]) -> float:
    """Log odds that a defect of this frame shows, from all of them (expectation maximization)."""
    told = (evidence > COUNTED_EVIDENCE) & (np.abs(shown) > TELLING)
    votes = told / np.maximum(np.bincount(parents), 1)[parents]
    odds = 0.0
    for _ in range(ROUNDS):
        seen = float((votes / (1 + np.exp(-np.clip(shown + odds, -30, 30)))).sum())
        part = (seen + SPOTLESS) / (votes.sum() + 2.0)
        odds = float(np.log(part / (1 - part)))
    return odds


def shared_evidence(evidence: Doubles, parents: npt.NDArray[np.int64]) -> Doubles:
    """Let the parts of one wide defect speak for one another; where scratches cross hairs they may not against."""
    voices = np.clip(evidence, -2, 2)
    others = np.bincount(parents)[parents] - 1
    chorus = (np.bincount(parents, voices)[parents] - voices) / np.sqrt(np.maximum(others, 1))
    return np.asarray(evidence + np.clip(chorus, 0, MOST_SHARED))


def neighbour_changes(changes: Doubles, doubtful: Truths, places: npt.NDArray[np.int64]) -> Doubles:
    """Sum up the changes of the doubtful regions in the places around each, itself left out.

    Parameters
    ----------
    changes : (regions, 8) ndarray of float64
        See `DefectSample`.
    doubtful : (regions,) ndarray of bool
    places : (regions,) ndarray of int64
        Row and column of the place that each lies in, of PLACES a side, as one number.

    Returns
    -------
    (regions, 9) ndarray of float64
        The sums, and how many regions they are of.
    """
    rows, cols = np.divmod(places, PLACES)
    own = np.column_stack([changes, np.ones(len(changes))]) * doubtful[:, None]
    grid = np.zeros((PLACES + 2, PLACES + 2, own.shape[1]))
    np.add.at(grid, (rows + 1, cols + 1), own)
    around = np.lib.stride_tricks.sliding_window_view(grid, (3, 3), axis=(0, 1)).sum(axis=(-2, -1))
    return np.asarray(around[rows, cols] - own)


def neighbours_evidence(around: Edges, counts: Doubles, prior: Prior) -> Doubles:
    """Log odds that regions show, from the edges of the doubtful ones around: none for few, and none against.

    A fingerprint is many shallow ridges, each of which says little of itself, and together they take of the picture
    what dust takes; what a leak's misfit shows, has slopes of any size.
    """
    told = (counts >= FEWEST_NEIGHBOURS) & (around.errors < NEIGHBOURS_ERROR * prior.mean)
    return np.where(told, np.clip(edge_evidence(around, prior), 0, MOST_SHARED), 0.0)


def find_stripped_scratches(
    shape: npt.NDArray[np.float32],
    sample: DefectSample,
    slopes: Slopes,
    edges: Edges,
    evidence: Doubles,
    parents: npt.NDArray[np.int64],
) -> tuple[Truths, Truths, Truths]:
    """Find scratches that took dye away: regions that are bright throughout, such that dust crosses, and bare pixels.

    Scratches run over many cells; a few bright ones are lights of the picture's. The bare pixels (pixels,) are the
    bright ones of crossed regions.
    """
    bright, shares = np.empty(len(sample.ratio), np.bool_), np.empty((len(sample.areas), 2))
    kernels.mark_bright(sample.starts, shape, sample.ratio, sample.variance, (SURE, MUCH_DENSER), bright, shares)
    share, others = shares.T
    proven = (slopes.pooled < -SURE * slopes.errors) & (share > BRIGHT_PART)
    regions = proven | (edges.slopes < -edges.errors) & (slopes.pooled < 0)
    # The parts of one scratch speak for one another.
    voices, count = np.bincount(parents, regions * np.maximum(evidence, 0)), np.bincount(parents, regions)
    surely = regions & (voices / np.sqrt(np.maximum(count, 1)) > BRIGHT_EVIDENCE)[parents]
    scratched = np.zeros(int(parents.max()) + 1, np.bool_)
    # On a rough ground edges are bright by chance: without regions that are bright throughout there is no scratch.
    if surely.sum() >= FEWEST_BRIGHT and (surely & proven).sum() >= FEWEST_PROVEN:
        scratched[parents[surely]] = True
    agree = proven & (np.abs(edges.slopes - slopes.pooled) < AGREEMENT * np.abs(slopes.pooled))
    long = np.bincount(parents, agree) >= FEWEST_AGREEING
    along = (scratched | long)[parents]
    # A scratch's slope would darken the dust that lies beside it.
    regions &= along & ((evidence > 0) | long[parents]) & (others < OTHER_PART)
    crossed = along & ~regions & (share > MIXED_PART)
    return regions, crossed, bright & np.repeat(crossed, np.diff(sample.starts))


def is_neutral(slopes: Slopes) -> Truths:
    """Regions that take about as much of each colour, as far as is known: letters and leaves do not.

    Requirements only of what takes unusually much light for its density.
    """
    spread = np.ptp(slopes.channels, axis=1)
    doubt = slopes.channel_errors.max(axis=1)
    usual = slopes.pooled < 2 * USUAL_EXPONENT[0]
    return np.asarray(usual | (spread < MOST_COLOUR * np.abs(slopes.pooled) + 2 * doubt))


def is_unexplained(checks: Doubles, slopes: Slopes) -> Truths:
    """Regions that no density explains, in surroundings so smooth that a fill can hardly be wrong."""
    change, error = (checks[:, 4:6] / np.maximum(checks[:, 3:4], 1)).T
    return np.asarray((slopes.pooled < LEAST_EXPONENT) & (error < SMOOTH_DENSITY**2) & (change > SURE**2))
