"""Marks that stand out of a rough ground: dust that is sure by itself, on frames that do not count as dusty.

Before a smooth sky a twig or a cable is all that a hair is. On gravel, rocks, grass or cloth hardly anything of the
picture stands out, and what the detector is certain of there nearly always is dust.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.background import Background, measure_backgrounds
from filmscand.ir.decision.dust_rules import COLOUR_RULES, NEARLY
from filmscand.ir.decision.repeated_shapes import find_repeated
from filmscand.ir.decision.sure_regions import certain_level, certain_parts
from filmscand.ir.detection.regions import Regions, chosen, none_of
from filmscand.ir.network.detector import find_regions, mean_probability, strictness
from filmscand.ir.network.model_file import ModelCard

# Certain pixels of a mark, at least: below, leaves and lettering are as certain as specks.
CERTAIN_PX = 100
# Mean probability of a mark, at least: cracks of rocks have up to 0.92.
MEAN = 0.93
# Marks in a megapixel over which the picture itself is what the detector sees, as in foliage.
MOST_MARKS = 40
# Deviation of the ground's structures, densities: a sky with all its grain has 0.02 at most, rocks 0.05 and more.
ROUGH = 0.05
# A mark is so many deviations of its ground from the ground's middle, and so much of the ground is as dark at most.
DEVIATIONS = 1.75
AS_DARK = 0.05


def regions_on_rough_background(
    rgb: npt.NDArray[np.uint16], probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float
) -> Regions:
    """Return the marks of a frame that stand out of a rough ground.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The frame, counts.
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    card : ModelCard
        Its limits count.
    sensitivity : float
        0..1; the more, the fewer certain pixels are asked for.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    candidates = select(regions, _is_certain(probability, regions, card, sensitivity))
    if not len(candidates) or len(find_regions(probability, *NEARLY)) > MOST_MARKS * probability.size / 1e6:
        return none_of(candidates)
    return chosen(
        candidates, np.array([_stands_out(ground) for ground in measure_backgrounds(rgb, candidates)], np.bool_)
    )


def _stands_out(ground: Background) -> bool:
    """Whether a mark's ground is rough, and shows hardly anything like the mark."""
    return ground.roughness >= ROUGH and ground.deviations >= DEVIATIONS and ground.as_dark <= AS_DARK


def _is_certain(
    probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float
) -> npt.NDArray[np.bool_]:
    """Whether each region is so by itself: of size, and nearly all of it beyond doubt."""
    part = certain_parts(probability, regions, certain_level(card))
    enough = part * np.diff(regions.starts) >= CERTAIN_PX * 2 * (1 - sensitivity)
    enough &= mean_probability(probability, regions) >= MEAN * strictness(sensitivity)
    enough &= ~find_repeated(probability, regions, sensitivity)
    return np.asarray(enough & (part > COLOUR_RULES.sure_share))
