"""The way of a frame that infrared can clean only in part: the detector sees colours and infrared, the colours heal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ir.colour_frame import sure_regions
from ir.colour_healing import heal_colours
from ir.detection import Regions
from ir.detector import look_at_frame
from ir.healing import Healed, infrared_densities
from ir.infrared_view import InfraredView
from ir.model_file import Model
from ir.photometry import Photometry
from ir.report import CleanOptions, CleanReport, Method
from ir.stopwatch import StopWatch


def heal_by_both(
    rgb: npt.NDArray[np.uint16], photometry: Photometry, view: InfraredView, options: CleanOptions, watch: StopWatch
) -> tuple[Healed, Model]:
    """Find defects by infrared and colours together, and heal them from the colours with what infrared shows.

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
    model, probability = look_at_frame(rgb, view, options, watch)
    regions = watch.time("detection", lambda: sure_regions(probability, model.card, options.sensitivity))
    healed = watch.time(
        "healing", lambda: heal_colours(rgb, regions, probability, photometry, lambda at: _density(view, at))
    )
    return healed, model


def fused_report(report: CleanReport, model: Model, seed: float) -> CleanReport:
    """Return a report of infrared with what the detector added from a probability on."""
    return replace(
        report,
        method=Method.FUSION if model.sees_infrared else Method.DETECTOR,
        probability_threshold=seed,
        models={"detector": model.sha256},
    )


def _density(view: InfraredView, cells: Regions) -> npt.NDArray[np.float32]:
    """Return what the pixels of defects take of the infrared, nepers."""
    return np.maximum(infrared_densities(view.residual, view.base, cells)[:, 0], 0)
