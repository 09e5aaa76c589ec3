"""The steps of the infrared engine, from the counts of a frame to the cleaned picture."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.classifier import least_probability
from filmscand.ir.decision.defects import judge
from filmscand.ir.detection.regions import seed_limits
from filmscand.ir.errors import PlaneTypeError, ShapeMismatchError
from filmscand.ir.healing.infrared_healing import Healed
from filmscand.ir.leakage.model import Leakage
from filmscand.ir.leakage.residual import Fitted
from filmscand.ir.leakage.usability import blocking_caution, leakage_caution
from filmscand.ir.methods.colours import clean_by_colours, with_inpainting
from filmscand.ir.methods.drawn import with_drawn
from filmscand.ir.methods.infrared import InfraredFrame, heal_with_infrared, look_at_both
from filmscand.ir.methods.measure import fit_frame, open_frame, subtract_leakage
from filmscand.ir.methods.placed import clean_placed, place_infrared
from filmscand.ir.network.model_file import Model
from filmscand.ir.planes.condition import condition_of
from filmscand.ir.registration.placement import Fit, Placement
from filmscand.ir.registration.registration import Registration
from filmscand.ir.report import (
    Caution,
    CleanedFrame,
    CleanOptions,
    CleanReport,
    DetectorUse,
    LeakageReport,
    Method,
    ShiftReport,
)
from filmscand.ir.stopwatch import StopWatch


def clean_frame(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16] | None,
    options: CleanOptions | None = None,
) -> CleanedFrame:
    """Heal dust and scratches of one frame.

    With a usable infrared plane::

        density = base - (ln infrared - leakage(rgb))     blocks infrared where > 0
        regions = connected pixels beyond the frame's own noise, or in which a network sees a defect
        defects = regions that a classifier holds for damage
        rgb     = rgb / transmittance of a thin defect, or a fill from the surroundings of an opaque one

    The leakage is the part of the picture that shows in the infrared; it is fitted on the frame itself. Where the
    infrared is missing or useless, the network finds the defects in the colours, unless the options forbid it. Areas
    that a person drew come last: excluded ones become as captured, marked ones are healed.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535, linear or gamma-encoded. The array is not changed.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane, 0..65535, lower where something blocks the light; None: the frame has no infrared.
    options : CleanOptions, optional
        Sensitivity and models; the defaults suit most frames.

    Returns
    -------
    CleanedFrame
        A new picture that equals `rgb` outside the defect mask to the last bit, the mask, and a report.

    Raises
    ------
    PlaneTypeError
        A plane is no uint16 array of the right number of dimensions.
    ShapeMismatchError
        The planes differ in size.
    ModelError
        The frame needs a model whose file cannot be used.

    References
    ----------
    Edgar, US 5,266,805, and ASF, US 6,442,301 (both expired): regression of infrared on red in density.

    Examples
    --------
    >>> import numpy as np
    >>> rgb = np.full((64, 64, 3), 30000, np.uint16)
    >>> clean_frame(rgb, None).report.warnings
    (<Caution.NO_INFRARED: 'no_infrared'>, <Caution.FRAME_UNEXPOSED: 'frame_unexposed'>)
    """
    options = options or CleanOptions()
    _require_planes(rgb, infrared)
    return with_drawn(_clean_by_itself(rgb, infrared, options), rgb, options)


def _clean_by_itself(
    rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16] | None, options: CleanOptions
) -> CleanedFrame:
    report = CleanReport(Method.NONE, sensitivity=options.sensitivity)
    if min(rgb.shape[:2]) < _SMALLEST_SIDE:
        return _untouched(rgb, report, Caution.FRAME_TOO_SMALL)
    watch = StopWatch()
    condition = watch.time("photometry", lambda: condition_of(rgb))
    report = replace(report, clipped=condition.clipped, sharpness=condition.sharpness)
    if infrared is None:
        return _without_infrared(rgb, options, report, Caution.NO_INFRARED, watch)
    return _with_infrared(rgb, infrared, options, report, watch)


def _with_infrared(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16],
    options: CleanOptions,
    report: CleanReport,
    watch: StopWatch,
    *,
    placed: bool = False,
) -> CleanedFrame:
    """Clean a frame with infrared; planes that do not fit are placed first, once."""
    opened = open_frame(rgb, infrared, watch)
    report = replace(report, holder_fraction=opened.holder.fraction, step_seconds=watch.seconds)
    blocked = blocking_caution(opened.tiles, opened.photometry)
    if blocked is Caution.INFRARED_CONSTANT:
        return _without_infrared(rgb, options, report, blocked, watch)
    if blocked:
        return _untouched(rgb, report, blocked)
    fitted = fit_frame(opened, watch)
    place = Placement(Fit.SAME) if placed else place_infrared(opened, fitted.registration, watch)
    if place.fit is Fit.FOREIGN:
        return _without_infrared(rgb, options, report, Caution.INFRARED_FOREIGN, watch)
    if not place.as_scanned:
        clean = partial(_with_infrared, options=options, report=report, watch=watch, placed=True)
        return clean_placed(rgb, infrared, place, clean)
    report = replace(report, leakage=_leakage_report(fitted.leakage), shift=_shift_report(fitted))
    caution = leakage_caution(fitted.leakage, opened.tiles)
    if caution in (Caution.SILVER_FILM, Caution.INFRARED_UNUSABLE):
        return _without_infrared(rgb, options, report, caution, watch)
    report = replace(report, warnings=(caution,) if caution else ())
    return _clean(InfraredFrame(opened, *subtract_leakage(opened, fitted, watch)), options, report, watch)


# The statistics of the engine look at tiles of this many pixels; a smaller strip is no frame of film.
_SMALLEST_SIDE = 16


def _clean(frame: InfraredFrame, options: CleanOptions, report: CleanReport, watch: StopWatch) -> CleanedFrame:
    evidence, residual, model = look_at_both(frame, options, watch)
    judged = watch.time("detection", lambda: judge(evidence, residual))
    by_colours = evidence.probability is not None
    healed = heal_with_infrared(frame, judged, options, watch, by_colours=by_colours)
    report = replace(report, defects_unsure=judged.unsure(options.sensitivity))
    cleaned = CleanedFrame(healed.rgb, healed.mask, _final_report(report, frame, healed, model))
    return with_inpainting(cleaned, frame.opened.rgb, frame.opened.photometry, options, watch)


def _without_infrared(
    rgb: npt.NDArray[np.uint16], options: CleanOptions, report: CleanReport, caution: Caution, watch: StopWatch
) -> CleanedFrame:
    if options.detector == DetectorUse.OFF:
        return _untouched(rgb, report, caution)
    return clean_by_colours(rgb, options, replace(report, warnings=(caution,)), watch)


def _untouched(rgb: npt.NDArray[np.uint16], report: CleanReport, caution: Caution) -> CleanedFrame:
    return CleanedFrame.untouched(rgb, replace(report, warnings=(caution,)))


def _final_report(report: CleanReport, frame: InfraredFrame, healed: Healed, model: Model | None) -> CleanReport:
    cautions: list[Caution | None] = [*report.warnings]
    cautions.append(Caution.INFRARED_CLIPPED if frame.opened.photometry.infrared_clip < 65536 else None)
    cautions.append(None if frame.fitted.registration.confidence else Caution.REGISTRATION_UNSURE)
    told = replace(
        report.with_counts(healed.divided, healed.filled, healed.left),
        method=Method.FUSION if healed.by_colours else Method.INFRARED,
        threshold=float(np.median(seed_limits(frame.view.noise)[1])),
        noise=float(np.median(frame.view.noise.deviation[0])),
        probability_threshold=least_probability(report.sensitivity),
        models={"detector": model.sha256} if model else {},
        warnings=tuple(caution for caution in cautions if caution),
    )
    return told.with_coverage(healed.mask, 1 - frame.opened.holder.fraction)


def _leakage_report(leakage: Leakage) -> LeakageReport:
    red, green, blue = leakage.slopes
    return LeakageReport(red, green, blue, leakage.curvature, leakage.explained)


def _shift_report(fitted: Fitted) -> ShiftReport:
    registration: Registration = fitted.registration
    rows, cols = registration.row_shift_px, registration.col_shift_px
    return ShiftReport(
        rows_px=float(rows.mean()),
        cols_px=float(cols.mean()),
        scale=1.0 + registration.col_scale,
        row_drift_px=float(np.ptp(rows)),
        blur_px=fitted.blur_px,
        confidence=registration.confidence,
    )


def _require_planes(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16] | None) -> None:
    if rgb.dtype != np.uint16 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise PlaneTypeError(f"rgb: expected (rows, cols, 3) uint16, found {rgb.shape} {rgb.dtype}")
    if infrared is None:
        return
    if infrared.dtype != np.uint16 or infrared.ndim != 2:
        raise PlaneTypeError(f"infrared: expected (rows, cols) uint16, found {infrared.shape} {infrared.dtype}")
    if infrared.shape != rgb.shape[:2]:
        raise ShapeMismatchError(f"infrared: expected the size of the picture, {rgb.shape[:2]}, found {infrared.shape}")
