"""Requirements that a detector's regions meet before they count as dust: the rules for each network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import count_for_area
from filmscand.ir.network.detector import strictness
from filmscand.ir.network.model_file import ModelCard

# Sure parts of a frame's regions between which `DustRules.fewest_sure` passes from its first figure to its second.
MOST_SURE_PARTS = (0.25, 0.38)
# Sure part below which the picture looks like foliage.
FOLIAGE_PART = 0.1
# Sure parts between which `DustRules.dusty_share` comes into force.
DUSTY_PARTS = (0.3, 0.5)
# Sure parts between which `DustRules.dusty_limits` come into force.
SURELY_DUSTY_PARTS = (0.45, 0.55)
# Sure parts between which `DustRules.large_means` passes from its first figure to its second.
DOUBTFUL_PARTS = (0.4, 0.9)
# Seed and grow limits of regions that are nearly sure. Wires and foliage show many of these for one sure region; dust
# shows hardly more than the sure ones.
NEARLY = (0.5, 0.3)
# Area of a piece, in pixels. The rules were chosen on frames of this size; on a larger frame each piece may show as
# many regions by mistake.
PIECE_PX = 1_500_000
# Sure regions per piece: below the first figure a frame has few, above the second it has many.
FEW_SURE = (20.0, 30.0)
# Areas of regions between which `DustRules.certain_of_few` passes from its first figure to its second.
FEW_AREAS_PX = (45, 100)
# Areas of regions that the means and certain parts of `DustRules` stand for.
AREAS_PX = (60, 500, 2000, 8000)


@dataclass(frozen=True, slots=True)
class DustRules:
    """Requirements for the regions of one network at sensitivity 0.5; each network is sure in its own way.

    Attributes
    ----------
    sure_share : float
        A region is sure if more than this part of its pixels is certain (above the seed limit of sensitivity 0).
    nearly : pair of float or None
        Seed and grow limits of the regions among which the sure ones are counted; None: those of the sensitivity.
    sure_part : float
        Least part of a dusty frame's regions that is sure.
    fewest_sure : pair of float
        Fewest sure regions of a dusty frame, beyond one, per root of its megapixels: where the first and where the
        second of `MOST_SURE_PARTS` is sure. Regions that the picture shows by mistake come with many that are nearly
        sure.
    small_mean : float
        Least mean probability of regions with the first of `AREAS_PX`.
    large_means : pair of float
        Least mean probability of regions with the second of `AREAS_PX`, at each of `DOUBTFUL_PARTS`.
    huge_means : pair of float
        Least mean probability of regions with the third and the fourth of `AREAS_PX`.
    certain_parts : four of float
        Least certain part of regions with each of `AREAS_PX`.
    dusty_share : float
        Share of the extra requirements for large regions that stays in force from the second of `DUSTY_PARTS` on: on
        such a dusty frame, less sure regions are dust that is hard to see.
    dusty_limits : pair of float
        Factors on the seed and grow limits from the second of `SURELY_DUSTY_PARTS` on.
    most_doubtful : float
        Largest area of doubtful regions, as a multiple of the convincing ones' area, before the picture itself looks
        like dust.
    most_bounded : float
        The same multiple where each region counts for `BOUND_PX` pixels at most.
    certain_of_few : pair of float
        Least certain part of a small and of any larger region (`FEW_AREAS_PX`) on a frame with few sure ones
        (`FEW_SURE`). There a region that is not sure by itself is more often the picture's than dust.
    surest_of_few : float
        On such a frame, least certain part of at least one region, and of each region at the frame's border.
    drops_repeated : bool
        Whether regions that repeat a shape are dropped on such a frame.
    fewest_in_piece : float or None
        Fewest sure regions per piece (see `count_per_piece`), beyond one, where `FOLIAGE_PART` of the regions are sure;
        None: no more than at the first of `MOST_SURE_PARTS`.
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
        """Return the fewest sure regions of a dusty frame of this area, where this part of its regions is sure."""
        doubtful, sure = (count_for_area((0.0, count), area_px) for count in self.fewest_sure)
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
# Tints are evidence of their own: a tinted region need not be certain by the picture. But tints make many parts of a
# picture nearly sure, so that a count of nearly sure regions says nothing.
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
# The network that sees infrared is seldom certain of more than the core of a region.
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
    """Scale a number of regions per piece to a frame's area.

    count * max(n, sqrt(n)) with n = area_px / `PIECE_PX`: in proportion to the area from one piece on, and to its root
    below.

    Parameters
    ----------
    count : float
        Regions in one piece.
    area_px : int
        Pixels of the frame.

    Returns
    -------
    float
        Regions in the frame.
    """
    pieces = area_px / PIECE_PX
    return count * max(pieces, math.sqrt(pieces))


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements for the regions of one frame: the higher, the larger a region is and the fewer are sure.

    Girders and wires are large and certain here and there; of a speck hardly a pixel lies off its rim.

    Attributes
    ----------
    rules : DustRules
        Rules for the network.
    certain : int
        Probability times 255 from which a pixel is certain.
    few_share : float
        1 where few regions are sure, 0 where many are, in between by `FEW_SURE`.
    sure_part : float
        Part of the frame's regions that is sure, 0..1.
    sensitivity : float
        0..1.
    extra : float
        Share of their way to 1 by which limits on mean probabilities are raised, 0..1.
    """

    rules: DustRules
    certain: int
    few_share: float
    sure_part: float
    sensitivity: float
    extra: float = 0.0

    def least_mean(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the least mean probability of regions with these areas, in pixels."""
        small, large = self.rules.small_mean, np.interp(self.sure_part, DOUBTFUL_PARTS, self.rules.large_means)
        mean = small + self._large_share() * (_by_area(areas, (small, large, *self.rules.huge_means)) - small)
        return np.asarray((mean + self.extra * (1 - mean)) * strictness(self.sensitivity))

    def least_certain_part(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the least certain part of regions with these areas, in pixels."""
        return self._large_share() * _by_area(areas, self.rules.certain_parts) * strictness(self.sensitivity)

    def least_certain_part_of_few(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the least certain part of such regions where few are sure; 0 where many are."""
        least = np.interp(np.log(areas), np.log(FEW_AREAS_PX), self.rules.certain_of_few)
        return np.asarray(self.few_share * least * strictness(self.sensitivity))

    @property
    def surest_part(self) -> float:
        """Least certain part of the surest region where few are sure; 0 where many are."""
        return self.few_share * self.rules.surest_of_few * strictness(self.sensitivity)

    def limits(self, card: ModelCard) -> tuple[float, float]:
        """Return the seed and grow limits of a frame's regions: lower where the frame is surely dusty."""
        seed, grow = (
            limit * float(np.interp(self.sure_part, SURELY_DUSTY_PARTS, (1.0, part)))
            for limit, part in zip(card.limits(self.sensitivity), self.rules.dusty_limits, strict=True)
        )
        return seed, grow

    def _large_share(self) -> float:
        return float(np.interp(self.sure_part, DUSTY_PARTS, (1.0, self.rules.dusty_share)))


def _by_area(areas: npt.NDArray[np.int64], values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.asarray(np.interp(np.log(areas), np.log(AREAS_PX), values))
