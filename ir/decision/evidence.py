"""Log odds that each region is a defect that shows, from its depth, fill, edges, neighbours and colour.

All functions take and return one value for each region, (regions,) of float64 or bool.
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

# Log odds per threshold of depth.
DEPTH_EVIDENCE = 4.0
# Log odds lost per factor e of area above `WIDE_PX`.
WIDTH_EVIDENCE = 0.5
# Area in pixels above which a region is wider than most dirt.
WIDE_PX = 500.0
# Area in pixels over which the lens spreads the smallest speck; a smaller region is noise of the sensor or grain.
SMALL_PX = 12.0
# Log odds lost per factor e of area below `SMALL_PX`.
SPECK_EVIDENCE = 8.0
# Log odds of depth from which a region counts in learning how many defects show.
COUNTED_EVIDENCE = 4.0
# Log odds, in either direction, from which a region counts there.
INFORMATIVE = 1.0
# Votes for showing that stand in a frame without any informative region.
SPOTLESS = 0.1
# Rounds of expectation maximization.
ROUNDS = 4
# Density by which a picture's own structure differs from its surroundings.
STRUCTURE = 0.15
# Spread of the edge slopes of pictures, as a multiple of the exponent.
PICTURE_SLOPE = 8.0
# Spread of the slopes of defects that only the infrared saw, as a multiple of the exponent.
ABSENT_SPREAD = 0.1
# Largest log odds that other parts of a wide defect, or its neighbours, add to one region.
MOST_SHARED = 4.0
# Fewest doubtful neighbours that count.
FEWEST_NEIGHBOURS = 13
# Largest error of the neighbours' common slope, as a part of the exponent.
NEIGHBOURS_ERROR = 0.3
# Standard deviations beyond which a difference is sure.
SURE = 3.0
# Least log odds of a scratch that took dye away.
BRIGHT_EVIDENCE = 6.0
# Fewest bright cells of a frame with such scratches.
FEWEST_BRIGHT = 12
# Fewest cells among them that are bright throughout.
FEWEST_PROVEN = 3
# Least part of bright pixels of a cell in which a scratch is all there is.
BRIGHT_PART = 0.6
# Cells of one region whose fills and edges agree that make it a scratch however shallow: lights of the picture differ.
FEWEST_AGREEING = 4
# Largest difference of fill and edge slope, as a part of the slope, of cells that agree.
AGREEMENT = 0.5
# Least part of bright pixels of a cell in which dust crosses a scratch.
MIXED_PART = 0.1
# Part of other pixels from which something else lies on the scratch; other pixels are darker, or so many times as
# dense.
OTHER_PART, MUCH_DENSER = 0.02, 3.0
# Largest range of the channels' exponents, as a part of their mean, of a neutral region.
MOST_COLOUR = 0.25
# Expected error of a fill below which surroundings are smooth, density in nepers.
SMOOTH_DENSITY = 0.08


def depth_evidence(strength: Doubles, areas_px: Doubles) -> Doubles:
    """Return the log odds of a defect by depth; wide, shallow regions follow the picture, and tiny ones are noise.

    4 (clip(s, 0.5, 4) - 1.5) - 8 max(ln(12 / a), 0) - 0.5 max(ln(a / 500), 0), for strength s and area a.

    Parameters
    ----------
    strength : (regions,) ndarray of float64
        Density as a multiple of the threshold.
    areas_px : (regions,) ndarray of float64
        Pixels of each region.
    """
    rise = DEPTH_EVIDENCE * (np.clip(strength, 0.5, 4.0) - 1.5)
    rise -= SPECK_EVIDENCE * np.log(np.maximum(SMALL_PX / areas_px, 1.0))
    return np.asarray(rise - WIDTH_EVIDENCE * np.log(np.maximum(areas_px / WIDE_PX, 1.0)))


def shown_evidence(slopes: Slopes, prior: Prior) -> Doubles:
    """Return the log odds, by fills, that a region shows with the frame's exponents and is not an infrared dip alone.

    In a picture with structure, a shallow region's slope may come out as anything. Fills have long tails (Cauchy's)
    under either hypothesis: objects on another background differ from it by any density.

    Parameters
    ----------
    slopes : Slopes
        Slopes of the regions from fills.
    prior : Prior
        The frame's exponents.
    """
    shown = np.hypot(prior.spread, slopes.errors)
    dip = _odds(slopes.pooled, prior.mean, shown, np.hypot(ABSENT_SPREAD * prior.mean, slopes.errors))
    picture = _odds(slopes.pooled, prior.mean, shown, np.hypot(STRUCTURE / slopes.depths, slopes.errors))
    return _against_both(dip, picture)


def edge_evidence(edges: Edges, prior: Prior) -> Doubles:
    """Return the log odds, by edges, that a region shows: edges of the picture have slopes of any size.

    Parameters
    ----------
    edges : Edges
        Slopes of the regions from edges.
    prior : Prior
        The frame's exponents.
    """
    mean, spread = prior.mean, EDGE_SPREAD * prior.mean
    shown = np.hypot(spread, edges.errors)
    dip = _odds(edges.slopes, mean, shown, np.hypot(ABSENT_SPREAD * mean, edges.errors))
    picture = _odds(edges.slopes, mean, shown, np.hypot(PICTURE_SLOPE * mean, edges.errors))
    return _against_both(dip, picture)


def _against_both(dip: Doubles, picture: Doubles) -> Doubles:
    """Return the log odds against either of two hypotheses: an infrared dip alone, and the picture's own structure."""
    return np.asarray(np.log(2) - np.logaddexp(-dip, -picture))


def _odds(slope: Doubles, mean: float, shown: Doubles, absent: Doubles) -> Doubles:
    """Return the log odds of a Cauchy distribution about `mean` against one about 0."""
    near, far = np.square((slope - mean) / shown), np.square(slope / absent)
    return np.asarray(np.log1p(far) - np.log1p(near) + np.log(absent / shown))


def frame_odds(shown: Doubles, evidence: Doubles, parents: npt.NDArray[np.int64]) -> float:
    """Return the log odds that a defect of this frame shows, from all of them (expectation maximization).

    Parameters
    ----------
    shown : (regions,) ndarray of float64
        Log odds that each region shows.
    evidence : (regions,) ndarray of float64
        Log odds that each region is a defect by its depth.
    parents : (regions,) ndarray of int64
        Defect that each region was cut from; all its cells have one vote together.
    """
    informative = (evidence > COUNTED_EVIDENCE) & (np.abs(shown) > INFORMATIVE)
    votes = informative / np.maximum(np.bincount(parents), 1)[parents]
    odds = 0.0
    for _ in range(ROUNDS):
        seen = float((votes / (1 + np.exp(-np.clip(shown + odds, -30, 30)))).sum())
        part = (seen + SPOTLESS) / (votes.sum() + 2.0)
        odds = float(np.log(part / (1 - part)))
    return odds


def shared_evidence(evidence: Doubles, parents: npt.NDArray[np.int64]) -> Doubles:
    """Add to each part of a wide defect the other parts' evidence; never against it, where scratches cross hairs.

    Parameters
    ----------
    evidence : (regions,) ndarray of float64
        Log odds of each part.
    parents : (regions,) ndarray of int64
        Defect that each part was cut from.
    """
    bounded = np.clip(evidence, -2, 2)
    others = np.bincount(parents)[parents] - 1
    others_evidence = (np.bincount(parents, bounded)[parents] - bounded) / np.sqrt(np.maximum(others, 1))
    return np.asarray(evidence + np.clip(others_evidence, 0, MOST_SHARED))


def neighbour_changes(changes: Doubles, doubtful: Truths, places: npt.NDArray[np.int64]) -> Doubles:
    """Sum the changes of the doubtful regions in the nine places around each region, itself left out.

    Parameters
    ----------
    changes : (regions, 8) ndarray of float64
        Sums of changes (see `DefectSample`).
    doubtful : (regions,) ndarray of bool
        Regions that are summed.
    places : (regions,) ndarray of int64
        Place that each region lies in, row * PLACES + column, with PLACES places a side.

    Returns
    -------
    (regions, 9) ndarray of float64
        The sums, and the number of regions in them.
    """
    rows, cols = np.divmod(places, PLACES)
    own = np.column_stack([changes, np.ones(len(changes))]) * doubtful[:, None]
    grid = np.zeros((PLACES + 2, PLACES + 2, own.shape[1]))
    np.add.at(grid, (rows + 1, cols + 1), own)
    around = np.lib.stride_tricks.sliding_window_view(grid, (3, 3), axis=(0, 1)).sum(axis=(-2, -1))
    return np.asarray(around[rows, cols] - own)


def neighbours_evidence(around: Edges, counts: Doubles, prior: Prior) -> Doubles:
    """Return the log odds that regions show, by the edges of their doubtful neighbours: 0 for few, and never negative.

    A fingerprint is many shallow ridges. Each says little by itself, but together they take of the picture what dust
    takes; misfits of the leakage have slopes of any size.

    Parameters
    ----------
    around : Edges
        Slopes of each region's neighbours together.
    counts : (regions,) ndarray of float64
        Number of those neighbours.
    prior : Prior
        The frame's exponents.
    """
    known = (counts >= FEWEST_NEIGHBOURS) & (around.errors < NEIGHBOURS_ERROR * prior.mean)
    return np.where(known, np.clip(edge_evidence(around, prior), 0, MOST_SHARED), 0.0)


def find_stripped_scratches(
    shape: npt.NDArray[np.float32],
    sample: DefectSample,
    slopes: Slopes,
    edges: Edges,
    evidence: Doubles,
    parents: npt.NDArray[np.int64],
) -> tuple[Truths, Truths, Truths]:
    """Find scratches that took dye away.

    A scratch runs over many cells; a few bright ones are lights of the picture.

    Parameters
    ----------
    shape : (pixels,) ndarray of float32
        Infrared density of each pixel, corrected, nepers.
    sample : DefectSample
        Defect pixels of the frame.
    slopes, edges : Slopes, Edges
        Slopes of the regions from fills and from edges.
    evidence : (regions,) ndarray of float64
        Log odds that each region is a defect by its depth.
    parents : (regions,) ndarray of int64
        Defect that each region was cut from.

    Returns
    -------
    bright : (regions,) ndarray of bool
        Regions that are scratches throughout.
    crossed : (regions,) ndarray of bool
        Regions in which dust crosses a scratch.
    bare : (pixels,) ndarray of bool
        The bright pixels of crossed regions.
    """
    bright, shares = np.empty(len(sample.ratio), np.bool_), np.empty((len(sample.areas), 2))
    kernels.mark_bright(sample.starts, shape, sample.ratio, sample.variance, (SURE, MUCH_DENSER), bright, shares)
    share, others = shares.T
    proven = (slopes.pooled < -SURE * slopes.errors) & (share > BRIGHT_PART)
    regions = proven | (edges.slopes < -edges.errors) & (slopes.pooled < 0)
    # The cells of one scratch add their evidence.
    votes, bright_cells = np.bincount(parents, regions * np.maximum(evidence, 0)), np.bincount(parents, regions)
    surely = regions & (votes / np.sqrt(np.maximum(bright_cells, 1)) > BRIGHT_EVIDENCE)[parents]
    scratched = np.zeros(int(parents.max()) + 1, np.bool_)
    # On rough backgrounds edges are bright by chance: without cells that are bright throughout there is no scratch.
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
    """Tell which regions take about as much of each colour, as far as is known: letters and leaves do not.

    Only regions that take unusually much light for their density can fail.
    """
    spread = np.ptp(slopes.channels, axis=1)
    doubt = slopes.channel_errors.max(axis=1)
    usual = slopes.pooled < 2 * USUAL_EXPONENT[0]
    return np.asarray(usual | (spread < MOST_COLOUR * np.abs(slopes.pooled) + 2 * doubt))


def is_unexplained(checks: Doubles, slopes: Slopes) -> Truths:
    """Tell which regions no density explains, in surroundings so smooth that a fill can hardly be wrong.

    Parameters
    ----------
    checks : (regions, 6) ndarray of float64
        Sums of `_defect_kernels.sum_checks`.
    slopes : Slopes
        Slopes of the regions from fills.
    """
    change, error = (checks[:, 4:6] / np.maximum(checks[:, 3:4], 1)).T
    return np.asarray((slopes.pooled < LEAST_EXPONENT) & (error < SMOOTH_DENSITY**2) & (change > SURE**2))
