"""Clean a frame by infrared and network together: both are looked at once, and each defect is healed by one of them.

The infrared offers candidates, and the network looks at those of which the infrared alone is not sure. Infrared tells
how much light a defect takes; where it does not, the colours do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.candidates import residual_candidates
from filmscand.ir.decision.defects import Judged, judge
from filmscand.ir.decision.region_features import Evidence
from filmscand.ir.detection.regions import Regions
from filmscand.ir.healing.absorption import InfraredResponse
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.infrared_healing import Healed, Measured, heal, infrared_densities
from filmscand.ir.leakage.residual import Fitted
from filmscand.ir.methods.measure import OpenedFrame
from filmscand.ir.network.density_input import measure_levels
from filmscand.ir.network.detector import run_detector
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.network.model_file import Model
from filmscand.ir.network.windows import Asked
from filmscand.ir.report import CleanOptions, DetectorUse
from filmscand.ir.stopwatch import StopWatch

# Part of a defect that infrared did not heal, above which the colours heal the rest.
UNHEALED_PART = 0.5


@dataclass(frozen=True, slots=True)
class InfraredFrame:
    """A frame with usable infrared: its planes, what was fitted to them, and the infrared without the leakage."""

    opened: OpenedFrame
    fitted: Fitted
    view: InfraredView


def look_at_both(
    frame: InfraredFrame, options: CleanOptions, watch: StopWatch, *, everything: bool = False
) -> tuple[Evidence, Regions, Model | None]:
    """Collect what infrared and network show of a frame.

    Parameters
    ----------
    frame : InfraredFrame
        The frame.
    options : CleanOptions
        `detector` says whether the network is asked at all.
    watch : StopWatch
        Takes the time of the steps "detection" and "detector".
    everything : bool
        Whether the network is asked about all candidates, as training wants; else about the doubtful ones.

    Returns
    -------
    evidence : Evidence
        The evidence. Its probability is 1 where the infrared alone is sure of a defect, and else what the network says,
        or 0 where that was not asked. There is none where the options forbid the network.
    residual : Regions
        Candidates by the infrared.
    model : Model or None
        The network that was asked.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    rgb, view = frame.opened.rgb, frame.view
    residual = watch.time("detection", lambda: residual_candidates(view))
    leakage = sum(frame.fitted.leakage.slopes)
    evidence = Evidence(rgb, measure_levels(rgb), view, leakage, None)
    if options.detector == DetectorUse.OFF or not len(residual):
        return evidence, residual, None
    doubtful, probability, model = residual, np.zeros(rgb.shape[:2], np.uint8), None
    if not everything:
        alone = watch.time("detection", lambda: judge(evidence, residual))
        doubtful, probability = alone.doubtful(options.sensitivity), alone.sure(rgb.shape[:2])
    if len(doubtful):
        model, seen = run_detector(rgb, view, options, watch, asked=Asked(doubtful, probability > 0))
        np.maximum(probability, seen, out=probability)
    return replace(evidence, probability=probability), residual, model


def heal_with_infrared(
    frame: InfraredFrame, judged: Judged, options: CleanOptions, watch: StopWatch, *, by_colours: bool
) -> Healed:
    """Heal the regions that count as defects.

    Parameters
    ----------
    frame : InfraredFrame
        The frame.
    judged : Judged
        The frame's candidates.
    options : CleanOptions
        Sensitivity.
    watch : StopWatch
        Takes the time of the step "healing".
    by_colours : bool
        Whether the network looked at the colours: they heal what infrared hardly shows.

    Returns
    -------
    Healed
        Outside `mask` equal to the frame to the last bit.
    """
    defects = judged.defects(options.sensitivity)
    measured = _measured(frame)
    healed = watch.time("healing", lambda: heal(frame.opened.rgb, defects, measured))
    if not by_colours:
        return healed
    return watch.time("healing", lambda: _healed_by_colours(healed, defects, judged, measured))


def _measured(frame: InfraredFrame) -> Measured:
    view, leakage = frame.view, frame.fitted.leakage
    response = InfraredResponse(leakage.defect_gain, leakage.noise, frame.fitted.blur_px)
    return Measured(frame.opened.photometry, view.residual, view.base, response)


def _healed_by_colours(healed: Healed, defects: Regions, judged: Judged, measured: Measured) -> Healed:
    """Heal by colours what infrared left of the defects that it hardly shows."""
    unhealed = mostly_unhealed(defects, healed.mask)
    if not len(unhealed):
        return healed
    certainty = judged.certainty(healed.mask.shape)

    def density(cells: Regions) -> npt.NDArray[np.float32]:
        return np.maximum(infrared_densities(measured.residual, measured.base, cells)[:, 0], 0)

    more = heal_by_colours(healed.rgb, unhealed, certainty, measured.photometry, density)
    # The second step counts again the regions that the first one left.
    left = max(healed.left - len(unhealed), 0) + more.left
    counts = (healed.divided + more.divided, healed.filled + more.filled, left)
    by_colours = more.divided + more.filled
    return Healed(more.rgb, healed.mask | more.mask, *counts, healed.exponent, by_colours)


def mostly_unhealed(regions: Regions, mask: npt.NDArray[np.bool_]) -> Regions:
    """Return the pixels of each region outside a mask, where these are most of the region.

    Parameters
    ----------
    regions : Regions
        Regions of a frame.
    mask : (rows, cols) ndarray of bool
        Pixels that were healed.

    Returns
    -------
    Regions
        The unhealed parts.
    """
    unhealed = ~mask[regions.rows, regions.cols]
    counts = np.bincount(regions.owners, unhealed, len(regions)).astype(np.int64)
    kept = counts > UNHEALED_PART * np.diff(regions.starts)
    pixels = unhealed & np.repeat(kept, np.diff(regions.starts))
    starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    return Regions(regions.rows[pixels], regions.cols[pixels], starts)
