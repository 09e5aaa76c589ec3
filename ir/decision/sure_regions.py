"""Which of the marks that a network shows are dust, and which frames only look dusty to it."""

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
from filmscand.ir.detection.regions import Regions, chosen, joined, none_of, region_means
from filmscand.ir.network.detector import CERTAIN, find_regions, mean_probability, strictness
from filmscand.ir.network.model_file import ModelCard

# A mark that is not convincing is cut down to what is over these probabilities. Of a mark so many pixels count at most
# where a picture looks like dust; then so much more is asked of marks, as a part of the way to certainty.
CUTS = (0.5, 0.7, 0.85)
BOUND_PX = 1000
ASKED_MORE = 0.8
# A mark with so many certain pixels is sure whatever part of it they are: rough ground hides the rest.
MUCH_CERTAIN_PX = 250
# Mean log odds of its tints that a mark needs which is no defect by the picture alone: stars and wires on spotless
# silver had 1.2 at most. What has less than the other lacks a tint; where such marks cover so many times what tinted
# ones cover, the picture alone is wrong.
TINTED_ODDS, UNTINTED_ODDS = 2.0, -0.5
MOST_UNTINTED = 2.0
# Tints are averaged over 100 pixels, and what they show of dust covers about as many. What the picture shows with less
# than this probability is their noise where it covers less than that: where few marks are sure one in ten of such was
# dust, and of larger ones nearly each.
HARDLY_SHOWN, FEWEST_TINTED_PX = 0.3, 60
# Mean probability that a mark without a tint needs with what that says: where many marks are sure, and where few are.
# Of those that had less on simulated silver a quarter was dust.
UNTINTED_MEANS = (0.8, 0.9)


def sure_regions(
    probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float, rules: DustRules = COLOUR_RULES
) -> Regions:
    """Return the defects that the detector sees at a sensitivity; none on a frame with hardly any that is sure.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    card : ModelCard
        Its limits count.
    sensitivity : float
        0..1; sure is what would be one at 0.
    rules : DustRules
        Of the network.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    required = _asked(probability, regions, card, sensitivity, rules)
    if required is None:
        return none_of(regions)
    limits = required.limits(card)
    if limits != card.limits(sensitivity):
        regions = find_regions(probability, *limits)
    kept, doubtful = _split_convincing(probability, _without_repeated(probability, regions, required), required)
    if _looks_like_dust(kept, doubtful, rules):
        kept = _split_convincing(probability, kept, replace(required, more=ASKED_MORE))[0]
    else:
        kept = _with_convincing_parts(probability, kept, doubtful, limits[0], required)
    return _certain(probability, kept, required)


def _without_repeated(probability: npt.NDArray[np.uint8], regions: Regions, required: Requirements) -> Regions:
    """Return the regions without those that repeat a shape, where few marks are sure."""
    if not (required.few_share and required.rules.drops_repeated):
        return regions
    return chosen(regions, ~find_repeated(probability, regions, required.sensitivity))


def _certain(probability: npt.NDArray[np.uint8], regions: Regions, required: Requirements) -> Regions:
    """Return the regions that are certain enough by themselves, where that is asked; none where hardly any is."""
    if not required.surest:
        return regions
    parts, areas = certain_parts(probability, regions, required.certain), np.diff(regions.starts)
    is_large = parts * areas >= MUCH_CERTAIN_PX
    if not (is_large | (parts >= required.surest)).any():
        return none_of(regions)
    asked = required.certain_of_any(areas)
    may_go_on = _at_border(regions, probability.shape) & ~is_large
    asked[may_go_on] = np.maximum(asked[may_go_on], required.surest)
    return chosen(regions, parts >= asked)


def _at_border(regions: Regions, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which regions touch the border of a frame: whether these end there or go on cannot be seen."""
    on_border = (
        (regions.rows == 0) | (regions.rows == shape[0] - 1) | (regions.cols == 0) | (regions.cols == shape[1] - 1)
    )
    return region_means(on_border, regions) > 0


def tinted_regions(
    probability: npt.NDArray[np.uint8], alone: Regions, tints: Tints, card: ModelCard, sensitivity: float
) -> tuple[Regions, npt.NDArray[np.uint8]]:
    """Return the defects of a film without colour, by the picture and by their tints, and how likely it is by both.

    What has no tint has to be a defect by the picture alone as well.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability times 255, by the picture alone.
    alone : Regions
        The defects by the picture alone.
    tints : Tints
    card, sensitivity
        As for `sure_regions`.

    Returns
    -------
    Regions, (rows, cols) ndarray of uint8
        The defects, and probability times 255 by picture and tint.
    """
    combined = tints.combine(probability)
    regions = _tinted_or_seen(find_regions(combined, *card.limits(sensitivity)), tints, alone, combined.shape)
    # Where the picture alone shows defects, the frame is known to be dusty.
    rules = replace(TINTED_RULES, fewest_sure=(0.0, 0.0)) if len(alone) else TINTED_RULES
    required = _asked(combined, regions, card, sensitivity, rules)
    if required is None:
        return none_of(regions), combined
    kept, doubtful = _split_convincing(combined, _without_repeated(combined, regions, required), required)
    found = _with_convincing_parts(combined, kept, doubtful, card.limits(sensitivity)[0], required)
    return _without_untinted(probability, combined, found, tints, required), combined


def _without_untinted(
    probability: npt.NDArray[np.uint8],
    combined: npt.NDArray[np.uint8],
    regions: Regions,
    tints: Tints,
    required: Requirements,
) -> Regions:
    """Return the regions without specks of tints' noise, and without those that lack a tint and are not sure by it."""
    asked = strictness(required.sensitivity)
    hardly_shown = mean_probability(probability, regions) < HARDLY_SHOWN * asked
    is_noise = (np.diff(regions.starts) < FEWEST_TINTED_PX) & hardly_shown
    untinted_mean = np.interp(required.few_share, (0, 1), UNTINTED_MEANS) * asked
    sure = (tints.mean_odds(regions) > UNTINTED_ODDS) | (mean_probability(combined, regions) >= untinted_mean)
    return chosen(regions, sure & ~is_noise)


def _tinted_or_seen(regions: Regions, tints: Tints, alone: Regions, shape: tuple[int, ...]) -> Regions:
    """Return the regions that have a tint, and those that are defects by the picture alone (`alone`).

    Where most of these lack a tint, they are the picture's.
    """
    seen = np.zeros(shape, np.uint8)
    seen[alone.rows, alone.cols] = CERTAIN
    odds, areas = tints.mean_odds(regions), np.diff(regions.starts)
    tinted = odds > TINTED_ODDS
    shown = ~tinted & (mean_probability(seen, regions) > 0.5)
    untinted = shown & (odds < UNTINTED_ODDS)
    if areas[untinted].sum() > MOST_UNTINTED * areas[tinted].sum():
        shown &= ~untinted
    return select(regions, tinted | shown)


def _asked(
    probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float, rules: DustRules
) -> Requirements | None:
    """Return what is asked of a frame's marks, or None where too few of them are sure."""
    if not len(regions):
        return None
    certain, area_px = certain_level(card), probability.size
    sure = certain_parts(probability, regions, certain) > rules.sure_share
    marks = len(regions)
    if rules.nearly is not None:
        # A model may have limits under these.
        marks = max(marks, len(find_regions(probability, *rules.nearly)))
    sure_part = float(sure.sum()) / marks
    # Of real dust most is sure; of what a picture shows by mistake hardly anything, and much is nearly so.
    asked = max(rules.fewest(sure_part, area_px), rules.sure_part * marks) * 2 * (1 - sensitivity)
    if sure.sum() < asked:
        return None
    few_share = float(np.interp(sure.sum(), [count_per_piece(count, area_px) for count in FEW_SURE], (1.0, 0.0)))
    return Requirements(rules, certain, few_share, sure_part, sensitivity)


def certain_level(card: ModelCard) -> int:
    """Return the probability times 255 from which on a pixel is certain: what would be a seed at sensitivity 0."""
    return round(CERTAIN * card.limits(0.0)[0])


def certain_parts(probability: npt.NDArray[np.uint8], regions: Regions, certain: int) -> npt.NDArray[np.float64]:
    """Return the part of each region that is certain."""
    return region_means(probability[regions.rows, regions.cols] >= certain, regions)


def _split_convincing(
    probability: npt.NDArray[np.uint8], regions: Regions, required: Requirements
) -> tuple[Regions, Regions]:
    """Return the regions that are as likely and as certain as is asked of them, and the others."""
    areas = np.diff(regions.starts)
    convincing = mean_probability(probability, regions) >= required.mean(areas)
    convincing &= certain_parts(probability, regions, required.certain) >= required.certain_part(areas)
    return chosen(regions, convincing), chosen(regions, ~convincing)


def _looks_like_dust(kept: Regions, doubtful: Regions, rules: DustRules) -> bool:
    """Whether so much is doubtful that the picture itself is what the detector sees: one huge mark proves neither."""
    kept_px, doubtful_px = (np.diff(regions.starts) for regions in (kept, doubtful))
    bounded = np.minimum(doubtful_px, BOUND_PX).sum() > rules.most_bounded * np.minimum(kept_px, BOUND_PX).sum()
    return bool(bounded or doubtful_px.sum() > rules.most_doubtful * kept_px.sum())


def _with_convincing_parts(
    probability: npt.NDArray[np.uint8], kept: Regions, doubtful: Regions, seed: float, required: Requirements
) -> Regions:
    """Return regions, and of doubtful ones what is convincing by itself."""
    return joined((kept, *_cut_down(probability, doubtful, seed, required)), probability.shape)


def _cut_down(
    probability: npt.NDArray[np.uint8], doubtful: Regions, seed: float, required: Requirements
) -> Iterator[Regions]:
    """Yield what is left of regions over each of `CUTS`, as far as that has what is asked of it."""
    for grow in CUTS:
        if not len(doubtful):
            return
        rest = np.zeros_like(probability)
        rest[doubtful.rows, doubtful.cols] = probability[doubtful.rows, doubtful.cols]
        # Where a frame is surely dusty its seed is less than what is cut down to.
        convincing, doubtful = _split_convincing(probability, find_regions(rest, max(seed, grow), grow), required)
        yield convincing
