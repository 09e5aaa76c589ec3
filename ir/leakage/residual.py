"""The infrared with the picture taken out, at full resolution on the picture's grid.

Below a pixel the predictor made from the picture is moved, and not the infrared, so that dips keep their sharpness;
whole pixels are a matter of indexing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage import _residual_kernels as kernels
from filmscand.ir.leakage.model import Leakage
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.registration import Registration

PHASES = 33
# Dust often goes on so far beyond the end of what a shifted infrared saw; taken farther, a hair that slants is smeared.
STAND_IN_PX = 4
ACTIVITY_GRADES = 16
# Contrast of the leaked picture (nepers between neighbours) at which the first grade ends; each next is sqrt 2 more.
FIRST_GRADE = 0.001


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted to a frame: leakage, where the planes lie, and the extra blur of the infrared (pixels)."""

    leakage: Leakage
    registration: Registration
    blur_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Residual:
    """Infrared without the picture.

    Attributes
    ----------
    values : (rows, cols) ndarray of int16
        ln infrared minus the leaked picture, in 1/4096; lower where something blocks the infrared.
    grades : (rows, cols) ndarray of uint8
        Low 4 bits: grade 0..15 of the leaked picture's local contrast; bit 7: the infrared is clipped here, or did not
        come so far.
    fractions : (rows, segments of 64 columns, 2) ndarray of float32
        How far below and right of its pixel a value has to be read for the film under that pixel, -0.5..0.5 pixels:
        what whole-pixel moves leave over. No rows where the planes lie on one grid.
    """

    values: npt.NDArray[np.int16]
    grades: npt.NDArray[np.uint8]
    fractions: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 2), np.float32))


def residual_density(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16],
    photometry: Photometry,
    fitted: Fitted,
) -> Residual:
    """Take the leaked picture out of the infrared plane.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    infrared : (rows, cols) ndarray of uint16
    photometry : Photometry
    fitted : Fitted

    Returns
    -------
    Residual
    """
    rows, cols = infrared.shape
    centres = np.arange(0, cols, kernels.SEGMENT_PX) + kernels.SEGMENT_PX // 2
    places = (np.arange(rows)[:, None], centres[None])
    shifts = np.stack(fitted.registration.at(*places, cols), axis=-1)
    gains = fitted.leakage.field_at(*places, infrared.shape)
    residual = _residual(rgb, infrared, photometry, fitted, (shifts, gains), mixing=True)
    if not fitted.registration.same_grid:
        _stand_in(residual, np.round(shifts).astype(np.int64))
    return residual


def _stand_in(residual: Residual, moves: npt.NDArray[np.int64]) -> None:
    """Let the last pixels that the infrared saw stand for those beyond its end: dust goes on, edges leave nothing.

    Where it is asked for beyond its end, the kernel compares its last row with a picture that has gone on.
    """
    rows, cols = residual.values.shape
    for segment in range(moves.shape[1]):
        piece = np.s_[:, segment * kernels.SEGMENT_PX : (segment + 1) * kernels.SEGMENT_PX]
        at = np.arange(rows) + moves[:, segment, 0]
        seen = np.flatnonzero((at >= 0) & (at < rows))
        if len(seen):
            _extend(residual.values[piece], residual.grades[piece], seen[0], seen[-1])
    for row in np.flatnonzero(moves[:, [0, -1], 1].any(axis=1)):
        first = min(max(-moves[row, 0, 1], 0), cols - 1)
        last = max(cols - 1 - max(moves[row, -1, 1], 0), first)
        _extend(residual.values[row], residual.grades[row], first, last)


def _extend(values: npt.NDArray[np.int16], grades: npt.NDArray[np.uint8], first: int, last: int) -> None:
    """Repeat the first and the last seen value of the leading axis; what lies farther off is unknown."""
    values[:first], values[last + 1 :] = values[first], values[last]
    grades[: max(first - STAND_IN_PX, 0)] |= kernels.CLIPPED
    grades[last + 1 + STAND_IN_PX :] |= kernels.CLIPPED


def tile_residuals(tiles: Tiles, photometry: Photometry, fitted: Fitted, *, mixing: bool) -> tuple[Residual, int]:
    """Take the leaked picture out of tiles, for statistics.

    Parameters
    ----------
    tiles : Tiles
    photometry : Photometry
    fitted : Fitted
    mixing : bool
        Whether pixels on edges are taken apart as in `residual_density`.

    Returns
    -------
    Residual, int
        Planes of (tiles, size, size), and the margin (pixels) at each tile's sides that holds nothing of use.
    """
    count, size = tiles.film.shape[:2]
    centres = np.arange(0, size, kernels.SEGMENT_PX) + kernels.SEGMENT_PX // 2
    rows = (tiles.corners[:, :1] + np.arange(size)).reshape(-1, 1)
    cols = np.repeat(tiles.corners[:, 1:] + centres, size, axis=0)
    shifts = np.stack(fitted.registration.at(rows, cols, tiles.shape[1]), axis=-1)
    stacked = (tiles.rgb.reshape(-1, size, 3), tiles.infrared.reshape(-1, size))
    gains = fitted.leakage.field_at(rows, cols, tiles.shape)
    residual = _residual(*stacked, photometry, fitted, (shifts, gains), mixing=mixing)
    margin = int(np.abs(shifts).max() + 0.5) + _phase_taps(fitted).shape[1] // 2 + kernels.HALO + 2
    shape = (count, size, size)
    return Residual(residual.values.reshape(shape), residual.grades.reshape(shape), residual.fractions), margin


def _residual(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16],
    photometry: Photometry,
    fitted: Fitted,
    course: tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]],
    *,
    mixing: bool,
) -> Residual:
    shifts, gains = course
    whole = np.round(shifts)
    values = np.empty(infrared.shape, np.int16)
    grades = np.empty(infrared.shape, np.uint8)
    kernels.residual_bands(
        rgb,
        infrared,
        np.exp(fitted.leakage.tables),
        (fitted.leakage.channels, mixing),
        photometry.log_tables[3],
        photometry.infrared_clip,
        whole.astype(np.int16),
        np.round((shifts - whole + 0.5) * (PHASES - 1)).astype(np.uint8),
        _phase_taps(fitted),
        gains,
        grade_table(),
        values,
        grades,
    )
    fractions = np.zeros((0, 0, 2)) if fitted.registration.same_grid else shifts - whole
    return Residual(values, grades, fractions.astype(np.float32))


def grade_table() -> npt.NDArray[np.uint8]:
    """Return the activity grade for each step of local contrast (2048 steps to the neper)."""
    contrast = (np.arange(kernels.ACTIVITY_STEPS) + 0.5) / kernels.ACTIVITY_STEPS
    grade = np.floor(2 * np.log2(contrast / FIRST_GRADE)) + 1
    return np.asarray(np.clip(grade, 0, ACTIVITY_GRADES - 1), np.uint8)


def _phase_taps(fitted: Fitted) -> npt.NDArray[np.float32]:
    if fitted.registration.same_grid and fitted.blur_px == 0:
        return np.ones((PHASES, 1), np.float32)
    return filter_taps(np.linspace(-0.5, 0.5, PHASES), fitted.blur_px)


def filter_taps(fractions: npt.NDArray[np.float64], blur_px: float) -> npt.NDArray[np.float32]:
    """Return taps (..., 2 radius + 1) that blur a line and sample it `fractions` of a pixel back."""
    radius = max(2, round(3 * blur_px + 0.5))
    distance = np.abs(np.arange(-radius, radius + 1) + fractions[..., None])
    weights = np.exp(-0.5 * (distance / blur_px) ** 2) if blur_px >= 0.4 else _catmull_rom(distance)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)


def _catmull_rom(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Cubic interpolation kernel of Catmull and Rom (1974)."""
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
