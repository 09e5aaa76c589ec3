"""The way of a frame that infrared can clean only in part: infrared and the detector find and heal together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ir.colour_frame import sure_regions
from ir.colour_healing import heal_colours
from ir.detection import Regions, chosen, seed_limits
from ir.detector import look_at_colours
from ir.fusion import agreed, fuse, infrared_strength
from ir.healing import Healed, infrared_densities
from ir.model_file import Model, ModelCard
from ir.noise import Base, Noise
from ir.photometry import Photometry
from ir.report import CleanOptions, CleanReport, Method
from ir.residual import Residual
from ir.stopwatch import StopWatch

# Limits of what both say together, whatever those of the detector alone are: measured on simulated Kodachrome.
FUSED = ModelCard(seed=(0.95, 0.8, 0.5), grow=(0.5, 0.35, 0.25))
# What takes more light than this, in nepers, the detector sees at this probability: on simulated Kodachrome 17 of 18
# defects did, and 22 of 24 marks that were none did not.
MOST_UNSEEN, SEEN = 1.2, 0.8


@dataclass(frozen=True, slots=True)
class InfraredView:
    """What infrared says of a frame.

    Attributes
    ----------
    residual, base, noise
        See their modules.
    holder_blocks : ndarray of bool
        Blocks of 8 pixels that are no film.
    """

    residual: Residual
    base: Base
    noise: Noise
    holder_blocks: npt.NDArray[np.bool_]


def heal_by_both(
    rgb: npt.NDArray[np.uint16], photometry: Photometry, view: InfraredView, options: CleanOptions, watch: StopWatch
) -> tuple[Healed, Model]:
    """Find defects by infrared and detector together, and heal them from the colours with what infrared shows.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    photometry : Photometry
    view : InfraredView
    options : CleanOptions
    watch : StopWatch

    Returns
    -------
    Healed, Model
        What was healed, and the detector.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    model, probability = look_at_colours(rgb, options, watch)
    limits = seed_limits(view.noise, 0.5)
    strength = watch.time(
        "fusion", lambda: infrared_strength(view.residual, view.base, view.noise, limits, view.holder_blocks)
    )
    fused = watch.time("fusion", lambda: fuse(probability, strength))
    found = watch.time("detection", lambda: _sure(probability, fused, model.card, options.sensitivity))
    regions = watch.time("fusion", lambda: agreed(found, probability, strength))

    def heal(found: Regions) -> Healed:
        return heal_colours(rgb, found, fused, photometry, lambda at: _density(view, at))

    healed = watch.time("healing", lambda: heal(regions))
    likely = _would_be_seen(rgb, healed, regions, probability)
    if not likely.all():
        healed = watch.time("healing", lambda: heal(chosen(regions, likely)))
    return healed, model


def _would_be_seen(
    rgb: npt.NDArray[np.uint16], healed: Healed, regions: Regions, probability: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """Which regions the detector sees, or take so little light that it may miss them: the rest are the picture's."""
    if not len(regions):
        return np.zeros(0, np.bool_)
    places, first = (regions.rows, regions.cols), regions.starts[:-1]
    lifted = np.log((healed.rgb[places].mean(axis=1) + 1) / (rgb[places].mean(axis=1) + 1))
    taken = np.add.reduceat(lifted, first) / np.diff(regions.starts)
    seen = np.maximum.reduceat(probability[places], first) >= round(255 * SEEN)
    return np.asarray(seen | (taken < MOST_UNSEEN))


def _sure(
    probability: npt.NDArray[np.uint8], fused: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float
) -> Regions:
    """Return what both say is a defect, on a frame that the detector alone calls dusty.

    On a spotless frame whatever the leak's model leaves over is rare, and seems to tell much.
    """
    alone = sure_regions(probability, card, sensitivity)
    return sure_regions(fused, FUSED, sensitivity) if len(alone) else alone


def fused_report(report: CleanReport, model: Model, seed: float) -> CleanReport:
    """Return a report of infrared with what the detector added from a probability on."""
    return replace(
        report,
        method=Method.FUSION,
        probability_threshold=seed,
        models={"detector": model.sha256},
    )


def _density(view: InfraredView, cells: Regions) -> npt.NDArray[np.float32]:
    """Return what the pixels of defects take of the infrared, nepers."""
    return np.maximum(infrared_densities(view.residual, view.base, cells)[:, 0], 0)
