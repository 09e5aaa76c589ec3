"""What is plain to see before a smooth ground, and still not certain: twigs, girders and cables, not dust.

A detector is certain of dust that nothing hides. Where a large mark is far darker or brighter than the smooth ground
it lies on, and the detector is not certain of most of it, it is the picture's. On a dusty frame so is hardly anything.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.background import measure_backgrounds
from filmscand.ir.decision.dust_rules import FEW_SURE, count_per_piece
from filmscand.ir.decision.sure_regions import certain_level, certain_parts
from filmscand.ir.detection.regions import Regions, chosen
from filmscand.ir.network.detector import strictness
from filmscand.ir.network.model_file import ModelCard

# Of marks of these areas at least so much is certain where they are so plain to see; what is smaller has a wide rim.
LARGE_PX = (200, 600)
CERTAIN_PARTS = (0.7, 0.8)
# Most deviation of a smooth ground's structures, densities, and fewest deviations by which a mark is plain to see.
SMOOTH = 0.035
DEVIATIONS = 10.0


def without_picture_objects(
    rgb: npt.NDArray[np.uint16],
    probability: npt.NDArray[np.uint8],
    regions: Regions,
    card: ModelCard,
    sensitivity: float,
) -> Regions:
    """Return the defects of a frame without what is the picture's before a smooth ground, where they are few.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The frame, counts.
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    regions : Regions
        The defects.
    card : ModelCard
        Its limits count.
    sensitivity : float
        0..1; the more, the less has to be certain.
    """
    if len(regions) > count_per_piece(FEW_SURE[1], probability.size):
        return regions
    areas = np.diff(regions.starts)
    asked = np.interp(np.log(areas), np.log(LARGE_PX), CERTAIN_PARTS) * strictness(sensitivity)
    doubted = (certain_parts(probability, regions, certain_level(card)) < asked) & (areas >= LARGE_PX[0])
    grounds = measure_backgrounds(rgb, chosen(regions, doubted))
    doubted[doubted] = [ground.roughness <= SMOOTH and ground.deviations >= DEVIATIONS for ground in grounds]
    return select(regions, ~doubted)
