"""Which regions that a network shows are dust, and which frames only look dusty to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.dust_rules import (
    COLOUR_RULES,
    FEW_SURE,
    TINTED_RULES,
    DustRules,
    Requirements,
    count_per_piece,
)
from filmscand.ir.decision.repeated_shapes import find_repeated
from filmscand.ir.decision.tint import Tints
from filmscand.ir.detection.regions import Regions, none_of, region_means, select, union
from filmscand.ir.network.detector import PROBABILITY_SCALE, find_regions, mean_probability, strictness
from filmscand.ir.network.model_file import ModelCard

Probability = npt.NDArray[np.uint8]

# A region that is not convincing is cut down to its pixels above these probabilities, one after the other.
CUTS = (0.5, 0.7, 0.85)
# Pixels that one region counts for, at most, in the test whether the picture looks like dust.
BOUND_PX = 1000
# Where a picture looks like dust, limits on mean probabilities move this share of their way to 1.
EXTRA_STRICTNESS = 0.8
# A region with this many certain pixels is sure, whatever part of it they are: rough backgrounds hide the rest.
MUCH_CERTAIN_PX = 250
# Mean log odds of its tints above which a region has a tint and needs no defect in the picture. Stars and wires on
# spotless silver had 1.2 at most.
TINTED_ODDS = 2.0
# Mean log odds of its tints below which a region lacks a tint.
UNTINTED_ODDS = -0.5
# Where regions without a tint cover more than this multiple of the area of tinted ones, the picture alone is wrong.
MOST_UNTINTED = 2.0
# Mean probability by the picture alone below which a small region counts as noise of the tints. On frames with few sure
# regions one in ten of such small regions was dust; of larger ones nearly each was.
HARDLY_SHOWN = 0.3
# Smallest region, in pixels, that is no noise of the tints: a tint is averaged over 100 pixels, and its trace of dust
# covers about as many.
FEWEST_TINTED_PX = 60
# Least mean probability, by picture and tints together, of a region that lacks a tint: where many regions are sure, and
# where few are. On simulated silver a quarter of the regions below these was dust.
UNTINTED_MEANS = (0.8, 0.9)


def sure_regions(
    probability: Probability, card: ModelCard, sensitivity: float, rules: DustRules = COLOUR_RULES
) -> Regions:
    """Return the defects that the detector sees at a sensitivity; none on a frame with hardly any sure region.

    1. Collect the regions between the card's limits, and measure which part of them is sure.
    2. Too few are sure: the frame is spotless, return none.
    3. Keep the regions whose mean probability and certain part meet the requirements for their area.
    4. The others cover much: the picture looks like dust, keep only what meets raised requirements.
       Else cut the others down to their cores (`CUTS`), and keep the cores that meet the requirements.
    5. Where few regions are sure, each one has to be certain by itself.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect at each pixel, times 255.
    card : ModelCard
        Card of the detector; its limits decide what is a region and what is certain.
    sensitivity : float
        0..1; a pixel is certain if it would be a seed at 0.
    rules : DustRules
        Rules for regions of this detector.

    Returns
    -------
    Regions
        The defects; none where too few regions are sure.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    required = _requirements(probability, regions, card, sensitivity, rules)
    if required is None:
        return none_of(regions)
    limits = required.limits(card)
    if limits != card.limits(sensitivity):
        regions = find_regions(probability, *limits)
    kept, doubtful = _split_convincing(probability, _without_repeated(probability, regions, required), required)
    if _looks_like_dust(kept, doubtful, rules):
        kept = _split_convincing(probability, kept, replace(required, extra=EXTRA_STRICTNESS))[0]
    else:
        kept = _with_convincing_parts(probability, kept, doubtful, limits[0], required)
    return _certain_enough(probability, kept, required)


def _without_repeated(probability: Probability, regions: Regions, required: Requirements) -> Regions:
    """Drop regions that repeat a shape, where few regions are sure."""
    if not (required.few_share and required.rules.drops_repeated):
        return regions
    return select(regions, ~find_repeated(probability, regions, required.sensitivity))


def _certain_enough(probability: Probability, regions: Regions, required: Requirements) -> Regions:
    """Keep the regions that are certain by themselves, where few are sure; none where hardly any is certain."""
    if not required.surest_part:
        return regions
    parts, areas = certain_parts(probability, regions, required.certain), np.diff(regions.starts)
    is_large = parts * areas >= MUCH_CERTAIN_PX
    if not (is_large | (parts >= required.surest_part)).any():
        return none_of(regions)
    least = required.least_certain_part_of_few(areas)
    may_go_on = _at_border(regions, probability.shape) & ~is_large
    least[may_go_on] = np.maximum(least[may_go_on], required.surest_part)
    return select(regions, parts >= least)


def _at_border(regions: Regions, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which regions touch the frame's border: nobody sees whether they end there or go on."""
    on_border = (
        (regions.rows == 0) | (regions.rows == shape[0] - 1) | (regions.cols == 0) | (regions.cols == shape[1] - 1)
    )
    return region_means(on_border, regions) > 0


def tinted_regions(
    probability: Probability, by_picture: Regions, tints: Tints, card: ModelCard, sensitivity: float
) -> tuple[Regions, Probability]:
    """Return the defects of film without colour, by picture and tints, and the probabilities by both.

    A region without a tint is a defect only if the picture alone shows it as well.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect by the picture alone, times 255.
    by_picture : Regions
        Defects by the picture alone (see `sure_regions`).
    tints : Tints
        Tints of the frame, with the log odds of each grade.
    card : ModelCard
        Card of the detector; its limits decide what is a region and what is certain.
    sensitivity : float
        0..1.

    Returns
    -------
    regions : Regions
        The defects.
    combined : (rows, cols) ndarray of uint8
        Probability of a defect by picture and tints, times 255.
    """
    combined = tints.combine(probability)
    regions = _tinted_or_seen(find_regions(combined, *card.limits(sensitivity)), tints, by_picture, combined.shape)
    # Where the picture alone shows defects, the frame is known to be dusty.
    rules = replace(TINTED_RULES, fewest_sure=(0.0, 0.0)) if len(by_picture) else TINTED_RULES
    required = _requirements(combined, regions, card, sensitivity, rules)
    if required is None:
        return none_of(regions), combined
    kept, doubtful = _split_convincing(combined, _without_repeated(combined, regions, required), required)
    found = _with_convincing_parts(combined, kept, doubtful, card.limits(sensitivity)[0], required)
    return _without_untinted(probability, combined, found, tints, required), combined


def _without_untinted(
    probability: Probability, combined: Probability, regions: Regions, tints: Tints, required: Requirements
) -> Regions:
    """Drop specks that are noise of the tints, and regions that lack a tint and are not probable in spite of it."""
    strict = strictness(required.sensitivity)
    hardly_shown = mean_probability(probability, regions) < HARDLY_SHOWN * strict
    is_noise = (np.diff(regions.starts) < FEWEST_TINTED_PX) & hardly_shown
    untinted_mean = np.interp(required.few_share, (0, 1), UNTINTED_MEANS) * strict
    sure = (tints.mean_odds(regions) > UNTINTED_ODDS) | (mean_probability(combined, regions) >= untinted_mean)
    return select(regions, sure & ~is_noise)


def _tinted_or_seen(regions: Regions, tints: Tints, by_picture: Regions, shape: tuple[int, ...]) -> Regions:
    """Keep the regions that have a tint, and those that are defects by the picture alone.

    Where most defects by the picture alone lack a tint, the untinted ones belong to the picture.
    """
    picture = np.zeros(shape, np.uint8)
    picture[by_picture.rows, by_picture.cols] = PROBABILITY_SCALE
    odds, areas = tints.mean_odds(regions), np.diff(regions.starts)
    tinted = odds > TINTED_ODDS
    seen = ~tinted & (mean_probability(picture, regions) > 0.5)
    untinted = seen & (odds < UNTINTED_ODDS)
    if areas[untinted].sum() > MOST_UNTINTED * areas[tinted].sum():
        seen &= ~untinted
    return select(regions, tinted | seen)


def _requirements(
    probability: Probability, regions: Regions, card: ModelCard, sensitivity: float, rules: DustRules
) -> Requirements | None:
    """Return the requirements for a frame's regions, or None where too few of them are sure."""
    if not len(regions):
        return None
    certain, area_px = certain_level(card), probability.size
    sure = certain_parts(probability, regions, certain) > rules.sure_share
    candidates = len(regions)
    if rules.nearly is not None:
        # A model may have limits under these.
        candidates = max(candidates, len(find_regions(probability, *rules.nearly)))
    sure_part = float(sure.sum()) / candidates
    # Most regions of real dust are sure. A picture that is mistaken for dust shows hardly any sure region, but many
    # that are nearly sure.
    fewest = max(rules.fewest(sure_part, area_px), rules.sure_part * candidates) * 2 * (1 - sensitivity)
    if sure.sum() < fewest:
        return None
    few_share = float(np.interp(sure.sum(), [count_per_piece(count, area_px) for count in FEW_SURE], (1.0, 0.0)))
    return Requirements(rules, certain, few_share, sure_part, sensitivity)


def certain_level(card: ModelCard) -> int:
    """Return the probability times 255 from which a pixel is certain: the seed limit at sensitivity 0."""
    return round(PROBABILITY_SCALE * card.limits(0.0)[0])


def certain_parts(probability: Probability, regions: Regions, certain: int) -> npt.NDArray[np.float64]:
    """Return the part of each region's pixels that is certain.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    regions : Regions
        Candidate regions.
    certain : int
        Probability times 255 from which a pixel is certain (see `certain_level`).

    Returns
    -------
    (regions,) ndarray of float64
        0..1.
    """
    return region_means(probability[regions.rows, regions.cols] >= certain, regions)


def _split_convincing(probability: Probability, regions: Regions, required: Requirements) -> tuple[Regions, Regions]:
    """Split regions into those that meet the requirements for their area, and the others."""
    areas = np.diff(regions.starts)
    convincing = mean_probability(probability, regions) >= required.least_mean(areas)
    convincing &= certain_parts(probability, regions, required.certain) >= required.least_certain_part(areas)
    return select(regions, convincing), select(regions, ~convincing)


def _looks_like_dust(kept: Regions, doubtful: Regions, rules: DustRules) -> bool:
    """Whether doubtful regions cover so much that the detector sees the picture; one huge region proves nothing."""
    kept_px, doubtful_px = (np.diff(regions.starts) for regions in (kept, doubtful))
    bounded = np.minimum(doubtful_px, BOUND_PX).sum() > rules.most_bounded * np.minimum(kept_px, BOUND_PX).sum()
    return bool(bounded or doubtful_px.sum() > rules.most_doubtful * kept_px.sum())


def _with_convincing_parts(
    probability: Probability, kept: Regions, doubtful: Regions, seed: float, required: Requirements
) -> Regions:
    """Return the kept regions, and the convincing cores of the doubtful ones."""
    return union((kept, *_cut_down(probability, doubtful, seed, required)), probability.shape)


def _cut_down(probability: Probability, doubtful: Regions, seed: float, required: Requirements) -> Iterator[Regions]:
    """Yield, for each of `CUTS`, the cores above it that meet the requirements."""
    for grow in CUTS:
        if not len(doubtful):
            return
        rest = np.zeros_like(probability)
        rest[doubtful.rows, doubtful.cols] = probability[doubtful.rows, doubtful.cols]
        # On a surely dusty frame the seed limit lies below the cut.
        convincing, doubtful = _split_convincing(probability, find_regions(rest, max(seed, grow), grow), required)
        yield convincing
