"""Regions that are plain to see on a smooth background and still not certain: twigs, girders and cables, not dust.

The detector is certain of dust that nothing hides. Where a large region is far darker or brighter than its smooth
background, and the detector is not certain of most of it, it belongs to the picture. On a dusty frame hardly any region
does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.background import measure_backgrounds
from filmscand.ir.decision.dust_rules import FEW_SURE, count_per_piece
from filmscand.ir.decision.sure_regions import certain_level, certain_parts
from filmscand.ir.detection.regions import Regions, select
from filmscand.ir.network.detector import strictness
from filmscand.ir.network.model_file import ModelCard

# Areas of regions that `CERTAIN_PARTS` stand for; the rim of a smaller region is too wide to judge it.
LARGE_PX = (200, 600)
# Least certain part of regions with these areas that are so plain to see.
CERTAIN_PARTS = (0.7, 0.8)
# Largest standard deviation of a smooth background's structures, density.
SMOOTH = 0.035
# Fewest standard deviations of its background by which a region is plain to see.
DEVIATIONS = 10.0


def without_picture_objects(
    rgb: npt.NDArray[np.uint16],
    probability: npt.NDArray[np.uint8],
    regions: Regions,
    card: ModelCard,
    sensitivity: float,
) -> Regions:
    """Drop regions that are objects of the picture on a smooth background, where a frame has few regions.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    regions : Regions
        Regions that count as defects so far.
    card : ModelCard
        Card of the detector; its limits decide which pixels are certain.
    sensitivity : float
        0..1; the higher, the smaller the certain part that is required.

    Returns
    -------
    Regions
        The remaining defects; all of them where a frame has many.
    """
    if len(regions) > count_per_piece(FEW_SURE[1], probability.size):
        return regions
    areas = np.diff(regions.starts)
    least = np.interp(np.log(areas), np.log(LARGE_PX), CERTAIN_PARTS) * strictness(sensitivity)
    doubted = (certain_parts(probability, regions, certain_level(card)) < least) & (areas >= LARGE_PX[0])
    backgrounds = measure_backgrounds(rgb, select(regions, doubted))
    doubted[doubted] = [
        background.roughness <= SMOOTH and background.deviations >= DEVIATIONS for background in backgrounds
    ]
    return select(regions, ~doubted)
