"""The way of a frame through the infrared engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ir.absorption import Sight
from ir.colour_frame import clean_by_colours, with_inpainting
from ir.detection import Regions, find_defects, is_speckled, seed_limits
from ir.errors import PlaneTypeError, ShapeMismatchError
from ir.focus import leakage_samples, measure_blur
from ir.fused_frame import FUSED, InfraredView, fused_report, heal_by_both
from ir.healing import Healed, Measured, heal
from ir.hidden_dust import limits_asked, may_hide_dust, with_hidden_dust
from ir.holder import BLOCK_PX, Holder, blown_blocks, film_holder, find_holder, holder_light
from ir.leakage import Leakage, fit_leakage
from ir.levels import with_levels
from ir.model_file import Model
from ir.noise import Base, Noise, Picture, measure_base, measure_noise
from ir.photometry import BLACK_LIMIT, Photometry, measure_photometry, with_black
from ir.registration import Registration, measure_registration
from ir.report import (
    MANY_DEFECTS,
    Caution,
    CleanedFrame,
    CleanOptions,
    CleanReport,
    DetectorUse,
    LeakageReport,
    Method,
    ShiftReport,
)
from ir.residual import Fitted, Residual, residual_density, tile_residuals
from ir.second_pass import Scan, follow_second_pass
from ir.stopwatch import StopWatch
from ir.tiles import Tiles, take_tiles
from ir.usability import STRONG_LEAKAGE, blocking_caution, leakage_caution

VERSION = "1"

STRONG_LEAKAGE_RISE = 1.5
# Noise that darkens only: the threshold is raised in steps until it is out.
SPECKLE_ROUNDS = 8
SPECKLE_RISE = 1.18


def clean_frame(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16] | None,
    options: CleanOptions | None = None,
) -> CleanedFrame:
    """Heal dust and scratches of one frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane; None where there is none.
    options : CleanOptions, optional

    Returns
    -------
    CleanedFrame
        A picture that equals `rgb` outside its defect mask, to the last bit.

    Raises
    ------
    PlaneTypeError
        A plane is no uint16 array of the right number of dimensions.
    ShapeMismatchError
        The planes differ in size.
    ModelError
        A model that the frame needs cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> rgb = np.full((64, 64, 3), 30000, np.uint16)
    >>> clean_frame(rgb, None).report.warnings
    (<Caution.NO_INFRARED: 'no_infrared'>, <Caution.FRAME_UNEXPOSED: 'frame_unexposed'>)
    """
    options = options or CleanOptions()
    _require_planes(rgb, infrared)
    report = CleanReport(Method.NONE, sensitivity=options.sensitivity)
    watch = StopWatch()
    if infrared is None:
        return _without_infrared(rgb, options, report, Caution.NO_INFRARED, watch)
    rgb, infrared = np.ascontiguousarray(rgb), np.ascontiguousarray(infrared)
    photometry = watch.time("photometry", lambda: measure_photometry(rgb, infrared))
    holder = watch.time("holder", lambda: find_holder(infrared, photometry.black[3]))
    photometry = _black_of_holder(rgb, photometry, holder)
    tiles = watch.time("tiles", lambda: take_tiles(rgb, infrared, photometry, holder))
    report = replace(report, holder_fraction=holder.fraction, step_seconds=watch.seconds)
    blocked = blocking_caution(tiles, photometry)
    if blocked is Caution.INFRARED_CONSTANT:
        return _without_infrared(rgb, options, report, blocked, watch)
    if blocked:
        return _untouched(rgb, report, blocked)
    registration = watch.time("registration", lambda: _registration(tiles, Scan(rgb, infrared, photometry, holder)))
    fitted = _fit(tiles, photometry, registration, watch)
    report = replace(report, leakage=_leakage_report(fitted.leakage), shift=_shift_report(fitted))
    caution = leakage_caution(fitted.leakage, tiles)
    if caution in (Caution.SILVER_FILM, Caution.INFRARED_UNUSABLE):
        return _without_infrared(rgb, options, report, caution, watch)
    report = replace(report, warnings=(caution,) if caution else ())
    return _clean(_Frame(rgb, infrared, photometry, holder, tiles, fitted), options, report, watch)


def _black_of_holder(rgb: npt.NDArray[np.uint16], photometry: Photometry, holder: Holder) -> Photometry:
    """Take the black level from under the mount where there is one: the darkest counts are noise below it."""
    light = holder_light(rgb, holder) if holder.fraction else None
    if light is None or any(level > BLACK_LIMIT * white for level, white in zip(light, photometry.white, strict=False)):
        return photometry
    return with_black(photometry, light)


@dataclass(frozen=True, slots=True)
class _Frame:
    rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16]
    photometry: Photometry
    holder: Holder
    tiles: Tiles
    fitted: Fitted


def _registration(tiles: Tiles, scan: Scan) -> Registration:
    """Only of a second pass the course is followed over the frame: that takes time."""
    rough = measure_registration(tiles)
    return rough if rough.same_grid else follow_second_pass(scan, rough)


def _fit(tiles: Tiles, photometry: Photometry, registration: Registration, watch: StopWatch) -> Fitted:
    """Fit blur and leakage: the blur needs a first idea of the leak, and the leak the blurred picture."""
    tables, dark = photometry.log_tables, photometry.dark_noise[0]
    rough = watch.time(
        "leakage", lambda: fit_leakage(leakage_samples(tiles, registration, 0.0, dark), tables, rough=True)
    )
    blur_px = watch.time("focus", lambda: measure_blur(tiles, photometry, rough, registration))
    leakage = watch.time("leakage", lambda: fit_leakage(leakage_samples(tiles, registration, blur_px, dark), tables))
    return Fitted(leakage, registration, blur_px)


def _clean(frame: _Frame, options: CleanOptions, report: CleanReport, watch: StopWatch) -> CleanedFrame:
    frame, residual, base = _residual(frame, watch)
    noise = watch.time("noise", lambda: _noise(frame, base))
    start = seed_limits(noise, options.sensitivity) * _caution_factor(frame.fitted.leakage)
    holder = film_holder(frame.holder, base.dark, base.block_px)
    regions, limits = watch.time("detection", lambda: _find(residual, base, noise, start, holder))
    leakage = frame.fitted.leakage
    # How sure a region is goes by the noise, not by the caution that strong leakage asks of the threshold.
    plain_limits = limits / _caution_factor(leakage)
    if Caution.STRONG_LEAKAGE in report.warnings and options.detector == DetectorUse.AUTO:
        view = InfraredView(residual, base, noise, holder.blocks)
        healed, model = heal_by_both(frame.rgb, frame.photometry, view, options, watch)
        seed = FUSED.limits(options.sensitivity)[0]
        report = fused_report(_final_report(report, frame, noise, limits, healed), model, seed)
    else:
        sight = Sight(leakage.defect_gain, leakage.noise, frame.fitted.blur_px)
        measured = Measured(frame.photometry, residual, base, plain_limits, sight)
        healed, hidden = _heal(frame, regions, measured, options, watch)
        report = _final_report(report, frame, noise, limits, healed)
        report = fused_report(report, hidden, limits_asked(hidden, options.sensitivity)[0]) if hidden else report
    return with_inpainting(CleanedFrame(healed.rgb, healed.mask, report), frame.rgb, frame.photometry, options, watch)


def _heal(
    frame: _Frame, regions: Regions, measured: Measured, options: CleanOptions, watch: StopWatch
) -> tuple[Healed, Model | None]:
    healed = watch.time("healing", lambda: heal(frame.rgb, regions, measured))
    if options.detector == DetectorUse.OFF or not may_hide_dust(healed, frame.photometry):
        return healed, None
    return with_hidden_dust(frame.rgb, healed, measured, options, watch)


def _residual(frame: _Frame, watch: StopWatch) -> tuple[_Frame, Residual, Base]:
    """Take the picture out of the infrared; once more where the whole frame shows what the tiles could not."""
    no_film = frame.holder.blocks | blown_blocks(frame.rgb)
    residual, base = _residual_and_base(frame, no_film, watch)
    table = frame.photometry.log_tables[0]
    leakage = watch.time("levels", lambda: with_levels(frame.fitted.leakage, base, table))
    if leakage is None:
        return frame, residual, base
    frame = replace(frame, fitted=replace(frame.fitted, leakage=leakage))
    return frame, *_residual_and_base(frame, no_film, watch)


def _residual_and_base(frame: _Frame, no_film: npt.NDArray[np.bool_], watch: StopWatch) -> tuple[Residual, Base]:
    residual = watch.time(
        "residual", lambda: residual_density(frame.rgb, frame.infrared, frame.photometry, frame.fitted)
    )
    picture = Picture(frame.rgb[..., 0], frame.photometry.log_tables[0])
    return residual, watch.time("base", lambda: measure_base(residual, no_film, BLOCK_PX, picture))


def _find(
    residual: Residual, base: Base, noise: Noise, limits: npt.NDArray[np.float32], holder: Holder
) -> tuple[Regions, npt.NDArray[np.float32]]:
    """Find defects, raising the threshold in steps until noise that darkens only is out of it."""
    film_px = residual.values.size * (1 - holder.fraction)
    regions = find_defects(residual, base, noise, limits, holder.blocks)
    for _ in range(SPECKLE_ROUNDS):
        if not is_speckled(regions, film_px):
            break
        limits = limits * np.float32(SPECKLE_RISE)
        regions = find_defects(residual, base, noise, limits, holder.blocks)
    return regions, limits


def _noise(frame: _Frame, base: Base) -> Noise:
    tiles = frame.tiles.chosen(np.arange(0, len(frame.tiles), 2))
    together, margin = tile_residuals(tiles, frame.photometry, frame.fitted, mixing=False)
    apart, _ = tile_residuals(tiles, frame.photometry, frame.fitted, mixing=True)
    return measure_noise(base, tiles, together, apart, margin)


def _caution_factor(leakage: Leakage) -> np.float32:
    """Raise the threshold where much of the picture leaks: what the model leaves over is the picture's then."""
    return np.float32(1 + STRONG_LEAKAGE_RISE * max(sum(leakage.slopes) - STRONG_LEAKAGE / 2, 0.0))


def _without_infrared(
    rgb: npt.NDArray[np.uint16], options: CleanOptions, report: CleanReport, caution: Caution, watch: StopWatch
) -> CleanedFrame:
    if options.detector == DetectorUse.OFF:
        return _untouched(rgb, report, caution)
    return clean_by_colours(rgb, options, replace(report, warnings=(caution,)), watch)


def _untouched(rgb: npt.NDArray[np.uint16], report: CleanReport, caution: Caution) -> CleanedFrame:
    return CleanedFrame.untouched(rgb, replace(report, warnings=(caution,)))


def _final_report(
    report: CleanReport, frame: _Frame, noise: Noise, limits: npt.NDArray[np.float32], healed: Healed
) -> CleanReport:
    film = 1 - frame.holder.fraction
    coverage = float(healed.mask.mean()) / max(film, 1e-6)
    cautions: list[Caution | None] = [*report.warnings]
    cautions.append(Caution.INFRARED_CLIPPED if frame.photometry.infrared_clip < 65536 else None)
    cautions.append(None if frame.fitted.registration.confidence else Caution.REGISTRATION_UNSURE)
    cautions.append(Caution.MANY_DEFECTS if coverage > MANY_DEFECTS else None)
    return replace(
        report.counted(healed.divided, healed.filled, healed.left),
        method=Method.INFRARED,
        threshold=float(np.median(limits[1])),
        noise=float(np.median(noise.deviation[0])),
        coverage=coverage,
        warnings=tuple(caution for caution in cautions if caution),
    )


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
        raise ShapeMismatchError(f"infrared: expected {rgb.shape[:2]} as the picture, found {infrared.shape}")
