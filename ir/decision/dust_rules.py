"""What is asked of a detector's marks before they count as dust: the rules for each network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import many
from filmscand.ir.network.detector import strictness
from filmscand.ir.network.model_file import ModelCard

# Parts of a frame's marks that are sure between which `DustRules` pass from one figure to the other.
MOST_SURE_PARTS = (0.25, 0.38)
# Where a smaller part than this is sure, the picture looks like foliage.
FOLIAGE_PART = 0.1
DUSTY_PARTS = (0.3, 0.5)
SURELY_DUSTY_PARTS = (0.45, 0.55)
DOUBTFUL_PARTS = (0.4, 0.9)
# Seed and grow of what is nearly a mark: wires and foliage show many of these for one that is sure, dust hardly more.
NEARLY = (0.5, 0.3)
# DustRules were chosen on frames of this size; of a larger one every such piece may show as much by mistake.
PIECE_PX = 1_500_000
# A frame with fewer sure marks in a piece than the first has few, and with more than the second it has not.
FEW_SURE = (20.0, 30.0)
# Areas of marks between which `DustRules.certain_of_few` passes from one figure to the other.
FEW_AREAS_PX = (45, 100)
AREAS_PX = (60, 500, 2000, 8000)


@dataclass(frozen=True, slots=True)
class DustRules:
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
        Sure marks that a dusty frame has at least, beyond one and for the root of its megapixels, where
        `MOST_SURE_PARTS` of its marks are sure: what a picture shows by mistake comes with much that is nearly so.
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
    drops_repeated : bool
        There what repeats a shape is none either.
    fewest_in_piece : float or None
        Sure marks in a piece (see `count_per_piece`), beyond one, that are asked for where `FOLIAGE_PART` of the marks are
        sure; without, no more than where the first of `MOST_SURE_PARTS` are.
    """

    sure_share: float
    nearly: tuple[float, float] | None
    sure_part: float
    fewest_sure: tuple[float, float]
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
    drops_repeated: bool = False
    fewest_in_piece: float | None = None

    def fewest(self, sure_part: float, area_px: int) -> float:
        """Return how many sure marks a dusty frame of some area has, at least, where this part of its marks is sure."""
        doubtful, sure = (many((0.0, count), area_px) for count in self.fewest_sure)
        foliage = doubtful if self.fewest_in_piece is None else count_per_piece(self.fewest_in_piece, area_px)
        return 1 + float(np.interp(sure_part, (FOLIAGE_PART, *MOST_SURE_PARTS), (foliage, doubtful, sure)))


COLOUR_RULES = DustRules(
    sure_share=0.2,
    nearly=NEARLY,
    sure_part=0.0,
    fewest_sure=(5.0, 1.0),
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
    drops_repeated=True,
    fewest_in_piece=6.0,
)
# Tints tell as well: what they show need not be certain by the picture. They make much of a picture nearly a mark,
# which says nothing.
TINTED_RULES = replace(
    COLOUR_RULES,
    nearly=None,
    sure_part=0.5,
    fewest_sure=(3.5, 3.5),
    certain_parts=(0.0, 0.0, 0.0, 0.0),
    certain_of_few=(0.0, 0.0),
    surest_of_few=0.0,
    fewest_in_piece=None,
)
# The network that sees infrared is seldom certain of more than the core of a mark.
INFRARED_RULES = DustRules(
    sure_share=0.0,
    nearly=None,
    sure_part=0.4,
    fewest_sure=(4.4, 4.4),
    small_mean=0.5,
    large_means=(0.85, 0.65),
    huge_means=(0.85, 0.9),
    certain_parts=(0.0, 0.0, 0.0, 0.0),
    dusty_share=1.0,
    dusty_limits=(1.0, 1.0),
    most_doubtful=0.7,
    most_bounded=0.4,
)


def count_per_piece(count: float, area_px: int) -> float:
    """Return a number of marks for a frame's area, of one in a piece; below a piece, for the root of the area."""
    pieces = area_px / PIECE_PX
    return count * max(pieces, math.sqrt(pieces))


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is asked of marks: the more, the larger they are and the fewer of a frame's are sure.

    Girders and wires are large, and here and there certain; a speck has hardly a pixel off its rim.

    Attributes
    ----------
    rules : DustRules
    certain : int
        Probability times 255 from which on a pixel is certain.
    few_share : float
        1 where few marks are sure, 0 where many are (`FEW_SURE`).
    sure_part : float
        Of the marks.
    sensitivity : float
    more : float
        So much more is asked, as a part of the way to certainty.
    """

    rules: DustRules
    certain: int
    few_share: float
    sure_part: float
    sensitivity: float
    more: float = 0.0

    def mean(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the mean probability that marks of these areas have, at least."""
        small, large = self.rules.small_mean, np.interp(self.sure_part, DOUBTFUL_PARTS, self.rules.large_means)
        mean = small + self._large_share() * (_by_area(areas, (small, large, *self.rules.huge_means)) - small)
        return np.asarray((mean + self.more * (1 - mean)) * strictness(self.sensitivity))

    def certain_part(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the part of marks of these areas that is certain, at least."""
        return self._large_share() * _by_area(areas, self.rules.certain_parts) * strictness(self.sensitivity)

    def certain_of_any(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return that part where few marks are sure; 0 where many are."""
        asked = np.interp(np.log(areas), np.log(FEW_AREAS_PX), self.rules.certain_of_few)
        return np.asarray(self.few_share * asked * strictness(self.sensitivity))

    @property
    def surest(self) -> float:
        """The part of one mark that is certain, at least, where few are sure; 0 where many are."""
        return self.few_share * self.rules.surest_of_few * strictness(self.sensitivity)

    def limits(self, card: ModelCard) -> tuple[float, float]:
        """Return seed and grow of a frame's marks: less where it is surely dusty."""
        seed, grow = (
            limit * float(np.interp(self.sure_part, SURELY_DUSTY_PARTS, (1.0, part)))
            for limit, part in zip(card.limits(self.sensitivity), self.rules.dusty_limits, strict=True)
        )
        return seed, grow

    def _large_share(self) -> float:
        return float(np.interp(self.sure_part, DUSTY_PARTS, (1.0, self.rules.dusty_share)))


def _by_area(areas: npt.NDArray[np.int64], values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.asarray(np.interp(np.log(areas), np.log(AREAS_PX), values))
