"""Everything that is measured of a frame before anything on it counts as a defect."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.soft_haze import without_unseen_haze
from filmscand.ir.leakage.film_base import Base, RedPlane, measure_base
from filmscand.ir.leakage.focus import leakage_samples, measure_blur
from filmscand.ir.leakage.levels import with_levels
from filmscand.ir.leakage.model import fit_leakage
from filmscand.ir.leakage.noise import Noise, measure_noise
from filmscand.ir.leakage.residual import Fitted, Residual, residual_density, tile_residuals
from filmscand.ir.leakage.usability import blocking_caution
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.planes.holder import BLOCK_PX, Holder, blown_blocks, find_holder, holder_light
from filmscand.ir.planes.photometry import BLACK_LIMIT, Photometry, measure_photometry, with_black
from filmscand.ir.planes.tiles import Tiles, take_tiles
from filmscand.ir.registration.registration import Registration, measure_registration
from filmscand.ir.registration.second_pass import FramePlanes, register_second_pass
from filmscand.ir.stopwatch import StopWatch


@dataclass(frozen=True, slots=True)
class OpenedFrame(FramePlanes):
    """A frame's planes, its photometry, where its film lies, and the tiles on which everything is fitted."""

    tiles: Tiles


def open_frame(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16], watch: StopWatch) -> OpenedFrame:
    """Measure light and film of a frame.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane.
    watch : StopWatch
        Takes the time of each step.

    Returns
    -------
    OpenedFrame
        Contiguous planes, photometry, holder and tiles.
    """
    rgb, infrared = np.ascontiguousarray(rgb), np.ascontiguousarray(infrared)
    photometry = watch.time("photometry", lambda: measure_photometry(rgb, infrared))
    holder = watch.time("holder", lambda: find_holder(infrared, photometry.black[3]))
    photometry = _black_of_holder(rgb, photometry, holder)
    tiles = watch.time("tiles", lambda: take_tiles(rgb, infrared, photometry, holder))
    return OpenedFrame(rgb, infrared, photometry, holder, tiles)


def fit_frame(opened: OpenedFrame, watch: StopWatch) -> Fitted:
    """Fit the registration of the planes, the blur of the infrared, and the leakage of the picture into it.

    The blur needs a first estimate of the leakage, and the leakage needs the blurred picture: leakage is fitted twice.

    Parameters
    ----------
    opened : OpenedFrame
        The opened frame.
    watch : StopWatch
        Takes the time of each step.

    Returns
    -------
    Fitted
        Leakage, registration and blur.
    """
    tiles, photometry = opened.tiles, opened.photometry
    registration = watch.time("registration", lambda: _registration(opened))
    tables, dark = photometry.log_tables, photometry.dark_noise[0]
    rough = watch.time(
        "leakage", lambda: fit_leakage(leakage_samples(tiles, registration, 0.0, dark), tables, rough=True)
    )
    blur_px = watch.time("focus", lambda: measure_blur(tiles, photometry, rough, registration))
    leakage = watch.time("leakage", lambda: fit_leakage(leakage_samples(tiles, registration, blur_px, dark), tables))
    return Fitted(leakage, registration, blur_px)


def subtract_leakage(opened: OpenedFrame, fitted: Fitted, watch: StopWatch) -> tuple[Fitted, InfraredView]:
    """Subtract the picture's leakage from the infrared, once more if the whole frame shows what the tiles could not.

    Parameters
    ----------
    opened : OpenedFrame
        The opened frame.
    fitted : Fitted
        Leakage, registration and blur by the tiles.
    watch : StopWatch
        Takes the time of each step.

    Returns
    -------
    fitted : Fitted
        The fit that was subtracted.
    view : InfraredView
        The residual, beside base and noise of clean film.
    """
    no_film = opened.holder.blocks | blown_blocks(opened.rgb)
    residual, base = _residual_and_base(opened, fitted, no_film, watch)
    leakage = watch.time("levels", lambda: with_levels(fitted.leakage, base, opened.photometry.log_tables[0]))
    if leakage is not None:
        fitted = replace(fitted, leakage=leakage)
        residual, base = _residual_and_base(opened, fitted, no_film, watch)
    tables, gain = opened.photometry.log_tables, fitted.leakage.defect_gain
    seen = (residual, base, no_film)
    residual = watch.time("haze", lambda: without_unseen_haze(opened.rgb, tables, seen, gain))
    noise = watch.time("noise", lambda: _noise(opened, fitted, base))
    return fitted, InfraredView(residual, base, noise, opened.holder.blocks, fitted.leakage.defect_gain)


def view_infrared(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> InfraredView | None:
    """Return the residual infrared of a frame; None where there is no film, no picture or no infrared to see.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane.

    Returns
    -------
    InfraredView or None
        The residual, beside base and noise of clean film.
    """
    watch = StopWatch()
    opened = open_frame(rgb, infrared, watch)
    if blocking_caution(opened.tiles, opened.photometry):
        return None
    return subtract_leakage(opened, fit_frame(opened, watch), watch)[1]


def _black_of_holder(rgb: npt.NDArray[np.uint16], photometry: Photometry, holder: Holder) -> Photometry:
    """Take the black level from under the mount, where there is a mount: the darkest counts are noise below it."""
    light = holder_light(rgb, holder) if holder.fraction else None
    if light is None or any(level > BLACK_LIMIT * white for level, white in zip(light, photometry.white, strict=False)):
        return photometry
    return with_black(photometry, light)


def _registration(opened: OpenedFrame) -> Registration:
    """Follow the shift over the whole frame only for a second pass: that takes time."""
    rough = measure_registration(opened.tiles)
    return rough if rough.same_grid else register_second_pass(opened, rough)


def _residual_and_base(
    opened: OpenedFrame, fitted: Fitted, no_film: npt.NDArray[np.bool_], watch: StopWatch
) -> tuple[Residual, Base]:
    residual = watch.time("residual", lambda: residual_density(opened.rgb, opened.infrared, opened.photometry, fitted))
    picture = RedPlane(opened.rgb[..., 0], opened.photometry.log_tables[0])
    return residual, watch.time("base", lambda: measure_base(residual, no_film, BLOCK_PX, picture))


def _noise(opened: OpenedFrame, fitted: Fitted, base: Base) -> Noise:
    tiles = opened.tiles.select(np.arange(0, len(opened.tiles), 2))
    together, margin = tile_residuals(tiles, opened.photometry, fitted, mixing=False)
    apart, _ = tile_residuals(tiles, opened.photometry, fitted, mixing=True)
    return measure_noise(base, tiles, together, apart, margin)
