"""Regions that stand out of a rough background: sure dust, even on frames that do not count as dusty.

In front of a smooth sky a twig or a cable looks like a hair. On gravel, rocks, grass or cloth hardly anything of the
picture stands out, and a region of which the detector is certain there nearly always is dust.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.background import Background, measure_backgrounds
from filmscand.ir.decision.dust_rules import COLOUR_RULES, NEARLY
from filmscand.ir.decision.repeated_shapes import find_repeated
from filmscand.ir.decision.sure_regions import certain_level, certain_parts
from filmscand.ir.detection.regions import Regions, none_of, select
from filmscand.ir.network.detector import find_regions, mean_probability, strictness
from filmscand.ir.network.model_file import ModelCard

# Fewest certain pixels of a region: below, leaves and lettering are as certain as specks.
CERTAIN_PX = 100
# Least mean probability of a region: cracks in rocks have up to 0.92.
MEAN = 0.93
# Regions per megapixel above which the detector sees the picture itself, as in foliage.
MOST_REGIONS = 40
# Least standard deviation of the background's structures, density: a sky with all its grain has 0.02 at most, rocks
# have 0.05 and more.
ROUGH = 0.05
# Least distance of a region from its background's median, in standard deviations of the background.
DEVIATIONS = 1.75
# Largest part of the background that is as dark as the region.
AS_DARK = 0.05


def regions_on_rough_background(
    rgb: npt.NDArray[np.uint16], probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float
) -> Regions:
    """Return the regions of a frame that stand out of a rough background.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    card : ModelCard
        Card of the detector; its limits decide what is a region and what is certain.
    sensitivity : float
        0..1; the higher, the fewer certain pixels are required.

    Returns
    -------
    Regions
        The defects; none where the detector sees the picture itself.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    candidates = select(regions, _is_certain(probability, regions, card, sensitivity))
    if not len(candidates) or len(find_regions(probability, *NEARLY)) > MOST_REGIONS * probability.size / 1e6:
        return none_of(candidates)
    backgrounds = measure_backgrounds(rgb, candidates)
    return select(candidates, np.array([_stands_out(background) for background in backgrounds], np.bool_))


def _stands_out(background: Background) -> bool:
    """Whether a region's background is rough, and shows hardly anything like the region."""
    return background.roughness >= ROUGH and background.deviations >= DEVIATIONS and background.as_dark <= AS_DARK


def _is_certain(
    probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float
) -> npt.NDArray[np.bool_]:
    """Whether each region is certain by itself: large, probable, and like no other."""
    part = certain_parts(probability, regions, certain_level(card))
    enough = part * np.diff(regions.starts) >= CERTAIN_PX * 2 * (1 - sensitivity)
    enough &= mean_probability(probability, regions) >= MEAN * strictness(sensitivity)
    enough &= ~find_repeated(probability, regions, sensitivity)
    return np.asarray(enough & (part > COLOUR_RULES.sure_share))
