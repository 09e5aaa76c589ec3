"""Confirm defects one by one on frames where infrared found hardly any: such a frame may be spotless.

What the leakage model cannot follow (a disc on black, railings against a white sky) looks like a few defects; dust
comes in numbers. The detector sees colours and infrared together, and looks at the healed regions only. Regions that it
confirms prove that there is dust: then a hair on lettering that the detector does not see stays healed as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection.regions import Regions, count_for_area
from filmscand.ir.healing.infrared_healing import Healed, reverted
from filmscand.ir.network.detector import detector_for, mean_probability, run_detector, strictness
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.network.model_file import Model
from filmscand.ir.report import CleanOptions
from filmscand.ir.stopwatch import StopWatch

# Healed regions up to which all of them may belong to the picture: the first figure, and the second per root of the
# frame's megapixels.
FEW_REGIONS = (5, 5)
# Least part of the healed regions that is confirmed on a dusty frame.
DUSTY_PART = 0.33
# Mean probability from which a region is confirmed: on spotless frames the detector gave at most 0.25 to regions that
# the leakage model had left over.
CONFIRMED = 0.4


def may_be_spotless(healed: Healed) -> bool:
    """Whether so few regions were healed that all of them may belong to the picture."""
    return healed.divided + healed.filled > 0 and healed_few(healed)


def healed_few(healed: Healed) -> bool:
    """Whether few regions were healed, or none (`FEW_REGIONS`)."""
    return healed.divided + healed.filled <= count_for_area(FEW_REGIONS, healed.mask.size)


def keep_confirmed(
    rgb: npt.NDArray[np.uint16],
    found: tuple[Regions, Healed],
    view: InfraredView,
    options: CleanOptions,
    watch: StopWatch,
) -> tuple[Healed, Model | None]:
    """Revert the regions that the detector does not confirm, where it confirms hardly any.

    A region is confirmed if its mean probability is at least `CONFIRMED` * strictness(sensitivity).

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    found : Regions, Healed
        The regions that infrared found, and the frame with them healed; this is changed in place.
    view : InfraredView
        Residual infrared, for the detector.
    options : CleanOptions
        Sensitivity and detector.
    watch : StopWatch
        Takes the time of the step "detector".

    Returns
    -------
    healed : Healed
        The frame with the remaining defects healed.
    model : Model or None
        The detector that was run; None where it has no input for infrared, and so does not run.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    regions, healed = found
    least_mean = CONFIRMED * strictness(options.sensitivity)
    if not detector_for(options, infrared=True).sees_infrared:
        return healed, None
    model, probability = run_detector(rgb, view, options, watch, needed=healed.mask)
    denied = mean_probability(probability, regions) < least_mean
    was_healed = np.maximum.reduceat(healed.mask[regions.rows, regions.cols], regions.starts[:-1])
    if (was_healed & ~denied).sum() >= DUSTY_PART * was_healed.sum():
        return healed, model
    return reverted(rgb, healed, regions, denied), model
