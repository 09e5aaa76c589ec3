"""Which of the marks that a network shows are dust, and which frames only look dusty to it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ir.detection import Regions, chosen, joined, many, none_of, region_means
from ir.detector import CERTAIN, asked_part, find_regions, mean_probability
from ir.likeness import repeated
from ir.model_file import ModelCard
from ir.tint import Tints

# Parts of a frame's marks that are sure between which `Rules` pass from one figure to the other.
MOST_SURE_PARTS = (0.1, 0.25, 0.38)
DUSTY_PARTS = (0.3, 0.5)
SURELY_DUSTY_PARTS = (0.45, 0.55)
DOUBTFUL_PARTS = (0.4, 0.9)
# Seed and grow of what is nearly a mark: wires and foliage show many of these for one that is sure, dust hardly more.
NEARLY = (0.5, 0.3)
# Rules were chosen on frames of this size; of a larger one every such piece may show as much by mistake.
PIECE_PX = 1_500_000
# A frame with fewer sure marks in a piece than the first has few, and with more than the second it has not.
FEW_SURE = (20.0, 30.0)
# Areas of marks between which `Rules.certain_of_few` passes from one figure to the other.
FEW_AREAS_PX = (45, 100)
AREAS_PX = (60, 500, 2000, 8000)
# A mark that is not convincing is cut down to what is over these probabilities. Of a mark so many pixels count at most
# where a picture looks like dust; then so much more is asked of marks, as a part of the way to certainty.
CUTS = (0.5, 0.7, 0.85)
BOUND_PX = 1000
ASKED_MORE = 0.8
# Mean log odds of its tints that a mark needs which is no defect by the picture alone: stars and wires on spotless
# silver had 1.2 at most. What has less than the other lacks a tint; where such marks cover so many times what tinted
# ones cover, the picture alone is wrong.
TINTED_ODDS, UNTINTED_ODDS = 2.0, -0.5
MOST_UNTINTED = 2.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of the marks of a network at sensitivity 0.5; each network is sure in a way of its own.

    Attributes
    ----------
    sure_share : float
        Of a sure mark more than this part is certain (over the seed of sensitivity 0).
    nearly : pair of float or None
        Seed and grow of the marks that sure ones are a part of; without, those of the sensitivity.
    sure_part : float
        Part of a dusty frame's marks that is sure, at least.
    fewest_sure : pair of float
        Sure marks that a dusty frame has at least, beyond one, in a piece (see `in_pieces`) and for the root of its
        megapixels, where `MOST_SURE_PARTS` of its marks are sure: what a picture shows by mistake comes with much that
        is nearly so.
    small_mean, large_means, huge_means : float, pair of float, pair of float
        Mean probability of marks of the first of `AREAS_PX`, of the second (where `DOUBTFUL_PARTS` of the marks are
        sure), and of the others, at least.
    certain_parts : four of float
        Part of marks of `AREAS_PX` that is certain, at least.
    dusty_share : float
        What is asked of large marks beyond what is of small ones is asked to this part only where `DUSTY_PARTS` of a
        frame's marks are sure: on a frame as dusty, what is less sure is dust that is hard to see.
    dusty_limits : pair of float
        Where `SURELY_DUSTY_PARTS` of a frame's marks are sure, these parts of seed and grow make a mark.
    most_doubtful, most_bounded : float
        Where what is not convincing covers more than the first part of what is, or more than the second where of one
        mark `BOUND_PX` count at most, the picture itself looks like dust.
    certain_of_few : pair of float
        Part of a small and of any mark that is certain, at least, on a frame with few sure ones (`FEW_SURE`,
        `FEW_AREAS_PX`): there what is not sure by itself is more often the picture's than dust.
    surest_of_few : float
        There of one mark at least so much is certain, or none is dust, and of each that touches the frame's border.
        Above 0 what repeats a shape is none either.
    """

    sure_share: float
    nearly: tuple[float, float] | None
    sure_part: float
    fewest_sure: tuple[float, float, float]
    small_mean: float
    large_means: tuple[float, float]
    huge_means: tuple[float, float]
    certain_parts: tuple[float, float, float, float]
    dusty_share: float
    dusty_limits: tuple[float, float]
    most_doubtful: float
    most_bounded: float
    certain_of_few: tuple[float, float] = (0.0, 0.0)
    surest_of_few: float = 0.0


COLOUR_RULES = Rules(
    sure_share=0.2,
    nearly=NEARLY,
    sure_part=0.0,
    fewest_sure=(6.0, 5.0, 1.0),
    small_mean=0.5,
    large_means=(0.78, 0.78),
    huge_means=(0.85, 0.85),
    certain_parts=(0.0, 0.15, 0.25, 0.3),
    dusty_share=0.0,
    dusty_limits=(0.5, 0.85),
    most_doubtful=0.8,
    most_bounded=1.3,
    certain_of_few=(0.7, 0.25),
    surest_of_few=0.6,
)
# Tints tell as well: what they show need not be certain by the picture. They make much of a picture nearly a mark,
# which says nothing.
TINTED_RULES = replace(
    COLOUR_RULES,
    nearly=None,
    sure_part=0.5,
    fewest_sure=(4.3, 3.5, 3.5),
    certain_parts=(0.0, 0.0, 0.0, 0.0),
    certain_of_few=(0.0, 0.0),
    surest_of_few=0.0,
)
# The network that sees infrared is seldom certain of more than the core of a mark.
INFRARED_RULES = Rules(
    sure_share=0.0,
    nearly=None,
    sure_part=0.4,
    fewest_sure=(5.4, 4.4, 4.4),
    small_mean=0.5,
    large_means=(0.85, 0.65),
    huge_means=(0.85, 0.9),
    certain_parts=(0.0, 0.0, 0.0, 0.0),
    dusty_share=1.0,
    dusty_limits=(1.0, 1.0),
    most_doubtful=0.7,
    most_bounded=0.4,
)


def sure_regions(
    probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float, rules: Rules = COLOUR_RULES
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
    rules : Rules
        Of the network.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    asked_of = _asked(probability, regions, card, sensitivity, rules)
    if asked_of is None:
        return none_of(regions)
    limits = _limits(card, asked_of)
    if limits != card.limits(sensitivity):
        regions = find_regions(probability, *limits)
    if asked_of.surest():
        regions = chosen(regions, ~repeated(probability, regions, sensitivity))
    kept, doubtful = _told_apart(probability, regions, asked_of)
    if _looks_like_dust(kept, doubtful, rules):
        kept = _told_apart(probability, kept, replace(asked_of, more=ASKED_MORE))[0]
    else:
        kept = _with_parts(probability, kept, doubtful, limits[0], asked_of)
    return _certain(probability, kept, asked_of)


def _certain(probability: npt.NDArray[np.uint8], regions: Regions, asked_of: _Asked) -> Regions:
    """Return the regions that are certain enough by themselves, where that is asked; none where hardly any is."""
    parts = certain_parts(probability, regions, asked_of.certain)
    if parts.max(initial=0.0) < asked_of.surest():
        return none_of(regions)
    asked = asked_of.certain_of_any(np.diff(regions.starts))
    at_border = _at_border(regions, probability.shape)
    asked[at_border] = np.maximum(asked[at_border], asked_of.surest())
    return chosen(regions, parts >= asked)


def _at_border(regions: Regions, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which regions touch the border of a frame: whether these end there or go on cannot be seen."""
    on_border = (
        (regions.rows == 0) | (regions.rows == shape[0] - 1) | (regions.cols == 0) | (regions.cols == shape[1] - 1)
    )
    return region_means(on_border, regions) > 0


def tinted_regions(
    weighed: npt.NDArray[np.uint8], alone: Regions, tints: Tints, card: ModelCard, sensitivity: float
) -> Regions:
    """Return the defects of a film without colour, by the picture and by their tints.

    What has no tint has to be a defect by the picture alone as well.

    Parameters
    ----------
    weighed : (rows, cols) ndarray of uint8
        Probability times 255, by both (see `Tints.weighed`).
    alone : Regions
        The defects by the picture alone.
    tints : Tints
    card, sensitivity
        As for `sure_regions`.
    """
    regions = _with_grounds(find_regions(weighed, *card.limits(sensitivity)), tints, alone, weighed.shape)
    # Where the picture alone shows defects, the frame is known to be dusty.
    rules = replace(TINTED_RULES, fewest_sure=(0.0, 0.0, 0.0)) if len(alone) else TINTED_RULES
    asked_of = _asked(weighed, regions, card, sensitivity, rules)
    if asked_of is None:
        return none_of(regions)
    kept, doubtful = _told_apart(weighed, regions, asked_of)
    return _with_parts(weighed, kept, doubtful, card.limits(sensitivity)[0], asked_of)


def _with_grounds(regions: Regions, tints: Tints, alone: Regions, shape: tuple[int, ...]) -> Regions:
    """Return the regions that have a tint, and those that are defects by the picture alone (`alone`).

    Where most of these lack a tint, they are the picture's.
    """
    seen = np.zeros(shape, np.uint8)
    seen[alone.rows, alone.cols] = CERTAIN
    odds, areas = tints.odds_of(regions), np.diff(regions.starts)
    tinted = odds > TINTED_ODDS
    shown = ~tinted & (mean_probability(seen, regions) > 0.5)
    untinted = shown & (odds < UNTINTED_ODDS)
    if areas[untinted].sum() > MOST_UNTINTED * areas[tinted].sum():
        shown &= ~untinted
    return chosen(regions, tinted | shown)


def _asked(
    probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float, rules: Rules
) -> _Asked | None:
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
    first, *by_root = rules.fewest_sure
    by_part = (in_pieces(first, area_px), *(many((0.0, count), area_px) for count in by_root))
    fewest = 1 + float(np.interp(sure_part, MOST_SURE_PARTS, by_part))
    asked = max(fewest, rules.sure_part * marks) * 2 * (1 - sensitivity)
    if sure.sum() < asked:
        return None
    few_share = float(np.interp(sure.sum(), [in_pieces(count, area_px) for count in FEW_SURE], (1.0, 0.0)))
    return _Asked(rules, certain, few_share, sure_part, sensitivity)


def in_pieces(count: float, area_px: int) -> float:
    """Return a number of marks for a frame's area, of one in a piece; below a piece, for the root of the area."""
    pieces = area_px / PIECE_PX
    return count * max(pieces, math.sqrt(pieces))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of marks: the more, the larger they are and the fewer of a frame's are sure.

    Girders and wires are large, and here and there certain; a speck has hardly a pixel off its rim.
    """

    rules: Rules
    certain: int
    few_share: float
    sure_part: float
    sensitivity: float
    more: float = 0.0

    def mean(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        small, large = self.rules.small_mean, np.interp(self.sure_part, DOUBTFUL_PARTS, self.rules.large_means)
        mean = small + self._large_share() * (_by_area(areas, (small, large, *self.rules.huge_means)) - small)
        return np.asarray((mean + self.more * (1 - mean)) * asked_part(self.sensitivity))

    def certain_part(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return self._large_share() * _by_area(areas, self.rules.certain_parts) * asked_part(self.sensitivity)

    def certain_of_any(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        asked = np.interp(np.log(areas), np.log(FEW_AREAS_PX), self.rules.certain_of_few)
        return np.asarray(self.few_share * asked * asked_part(self.sensitivity))

    def surest(self) -> float:
        return self.few_share * self.rules.surest_of_few * asked_part(self.sensitivity)

    def _large_share(self) -> float:
        return float(np.interp(self.sure_part, DUSTY_PARTS, (1.0, self.rules.dusty_share)))


def _limits(card: ModelCard, asked_of: _Asked) -> tuple[float, float]:
    """Return seed and grow of a frame's marks: less where it is surely dusty."""
    seed, grow = (
        limit * float(np.interp(asked_of.sure_part, SURELY_DUSTY_PARTS, (1.0, part)))
        for limit, part in zip(card.limits(asked_of.sensitivity), asked_of.rules.dusty_limits, strict=True)
    )
    return seed, grow


def _by_area(areas: npt.NDArray[np.int64], values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.asarray(np.interp(np.log(areas), np.log(AREAS_PX), values))


def certain_level(card: ModelCard) -> int:
    """Return the probability times 255 from which on a pixel is certain: what would be a seed at sensitivity 0."""
    return round(CERTAIN * card.limits(0.0)[0])


def certain_parts(probability: npt.NDArray[np.uint8], regions: Regions, certain: int) -> npt.NDArray[np.float64]:
    """Return the part of each region that is certain."""
    return region_means(probability[regions.rows, regions.cols] >= certain, regions)


def _told_apart(probability: npt.NDArray[np.uint8], regions: Regions, asked_of: _Asked) -> tuple[Regions, Regions]:
    """Return the regions that are as likely and as certain as is asked of them, and the others."""
    areas = np.diff(regions.starts)
    convincing = mean_probability(probability, regions) >= asked_of.mean(areas)
    convincing &= certain_parts(probability, regions, asked_of.certain) >= asked_of.certain_part(areas)
    return chosen(regions, convincing), chosen(regions, ~convincing)


def _looks_like_dust(kept: Regions, doubtful: Regions, rules: Rules) -> bool:
    """Whether so much is doubtful that the picture itself is what the detector sees: one huge mark proves neither."""
    kept_px, doubtful_px = (np.diff(regions.starts) for regions in (kept, doubtful))
    bounded = np.minimum(doubtful_px, BOUND_PX).sum() > rules.most_bounded * np.minimum(kept_px, BOUND_PX).sum()
    return bool(bounded or doubtful_px.sum() > rules.most_doubtful * kept_px.sum())


def _with_parts(
    probability: npt.NDArray[np.uint8], kept: Regions, doubtful: Regions, seed: float, asked_of: _Asked
) -> Regions:
    """Return regions, and of doubtful ones what is convincing by itself."""
    return joined((kept, *_cut_down(probability, doubtful, seed, asked_of)), probability.shape)


def _cut_down(
    probability: npt.NDArray[np.uint8], doubtful: Regions, seed: float, asked_of: _Asked
) -> Iterator[Regions]:
    """Yield what is left of regions over each of `CUTS`, as far as that has what is asked of it."""
    for grow in CUTS:
        if not len(doubtful):
            return
        rest = np.zeros_like(probability)
        rest[doubtful.rows, doubtful.cols] = probability[doubtful.rows, doubtful.cols]
        # Where a frame is surely dusty its seed is less than what is cut down to.
        convincing, doubtful = _told_apart(probability, find_regions(rest, max(seed, grow), grow), asked_of)
        yield convincing
