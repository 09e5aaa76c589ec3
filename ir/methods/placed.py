"""Clean a frame whose infrared has to be turned, moved or inverted first, or whose picture is a positive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from filmscand.ir.methods.measure import OpenedFrame
from filmscand.ir.registration.placement import Fit, Placement, find_placement, inverse
from filmscand.ir.registration.registration import Registration
from filmscand.ir.registration.whole_planes import Counts
from filmscand.ir.report import Caution, CleanedFrame, CleanReport
from filmscand.ir.stopwatch import StopWatch


def place_infrared(opened: OpenedFrame, registration: Registration, watch: StopWatch) -> Placement:
    """Find how the infrared lies on the picture.

    Parameters
    ----------
    opened : OpenedFrame
        The opened frame.
    registration : Registration
        Its registration by the tiles. Where that is sure, the whole planes are not looked at.
    watch : StopWatch
        Takes the time of the step "placement".

    Returns
    -------
    Placement
        As scanned wherever nothing tells otherwise.
    """
    if registration.confidence:
        return Placement(Fit.SAME)
    placement = watch.time("placement", lambda: find_placement(opened.rgb, opened.infrared))
    if registration.opposed and placement.fit is not Fit.SAME:
        return Placement(Fit.SAME, opposed=True)
    return placement


def clean_placed(
    rgb: Counts, infrared: Counts, placement: Placement, clean: Callable[[Counts, Counts], CleanedFrame]
) -> CleanedFrame:
    """Clean a frame whose planes do not fit as they are.

    A positive is inverted, cleaned as the negative that it was made from, and inverted back: division then works on
    densities of the right sign.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane.
    placement : Placement
        How the infrared lies on the picture.
    clean : callable
        Cleans a picture with infrared that fits.

    Returns
    -------
    CleanedFrame
        Equal to `rgb` outside the mask; the report tells how the infrared was placed.
    """
    flip = placement.picture_inverted
    cleaned = clean(inverse(rgb) if flip else rgb, placement.infrared(infrared))
    return CleanedFrame(
        inverse(cleaned.rgb) if flip else cleaned.rgb, cleaned.defect_mask, _told(cleaned.report, placement)
    )


def _told(report: CleanReport, placement: Placement) -> CleanReport:
    """Add to a report how the infrared was placed; its shift becomes that of the plane as it was scanned."""
    placed = {
        Caution.INFRARED_TURNED: any(placement.turn),
        Caution.INFRARED_MOVED: any(placement.shift_px),
        Caution.INFRARED_INVERTED: placement.inverted,
        Caution.PICTURE_INVERTED: placement.picture_inverted,
    }
    rows, cols = placement.shift_px
    shift = replace(report.shift, rows_px=report.shift.rows_px - rows, cols_px=report.shift.cols_px - cols)
    cautions = tuple(caution for caution, applies in placed.items() if applies)
    return replace(report, shift=shift, warnings=(*cautions, *report.warnings))
