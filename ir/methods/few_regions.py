"""A frame on which infrared found hardly anything may be spotless: then the detector is asked for each mark.

What the leak's model cannot follow (a disc before black, railings before a white sky) looks like a few defects; dust
comes in numbers. The detector sees colours and infrared at once, and looks at the marks alone. What it confirms shows
that there is dust: then a hair on lettering that it does not see is healed as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, many
from filmscand.ir.healing.infrared_healing import Healed, reverted
from filmscand.ir.network.detector import detector_for, mean_probability, run_detector, strictness
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.network.model_file import Model
from filmscand.ir.report import CleanOptions
from filmscand.ir.stopwatch import StopWatch

# Of more marks than this and for the root of its megapixels hardly all are the picture's.
FEW_REGIONS = (5, 5)
# Part of the marks that are confirmed on a dusty frame, at least.
DUSTY_PART = 0.33
# Mean probability of a mark from which on it is confirmed: on spotless frames the detector gave 0.25 at most to what
# the leak had left.
CONFIRMED = 0.4


def may_be_spotless(healed: Healed) -> bool:
    """Whether so little was healed of a frame that it may all be the picture's."""
    return healed.divided + healed.filled > 0 and healed_few(healed)


def healed_few(healed: Healed) -> bool:
    """Whether a few marks were healed at most."""
    return healed.divided + healed.filled <= many(FEW_REGIONS, healed.mask.size)


def keep_confirmed(
    rgb: npt.NDArray[np.uint16],
    found: tuple[Regions, Healed],
    view: InfraredView,
    options: CleanOptions,
    watch: StopWatch,
) -> tuple[Healed, Model | None]:
    """Leave what the detector does not confirm as it was, where it confirms hardly anything.

    The less is asked, the higher the sensitivity.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    found : Regions, Healed
        What infrared found, and what became of it.
    view : InfraredView
    options : CleanOptions
    watch : StopWatch

    Returns
    -------
    Healed, Model or None
        The detector that was asked; none that takes no infrared is.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    regions, healed = found
    asked = CONFIRMED * strictness(options.sensitivity)
    if not detector_for(options, infrared=True).sees_infrared:
        return healed, None
    model, probability = run_detector(rgb, view, options, watch, wanted=healed.mask)
    denied = mean_probability(probability, regions) < asked
    changed = np.maximum.reduceat(healed.mask[regions.rows, regions.cols], regions.starts[:-1])
    if (changed & ~denied).sum() >= DUSTY_PART * changed.sum():
        return healed, model
    return reverted(rgb, healed, regions, denied), model
