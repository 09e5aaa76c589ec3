"""Residual: the infrared without the leaked picture, at full resolution on the picture's grid.

::

    residual(p) = ln infrared(p + whole) - field(p) * ln(leaked light, blurred, at p - fraction)

p is a pixel of the picture; whole + fraction is the shift of the infrared. The fraction of a pixel moves the predicted
leakage and not the infrared, so that the infrared of defects stays sharp.
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

# Number of fractions of a pixel, from -0.5 to 0.5, for which filter taps are computed.
PHASES = 33
# Distance over which the last valid residual is repeated beyond the end of a shifted infrared plane, pixels. Dust often
# extends so far; repeated farther, a slanting hair would be smeared.
EXTENSION_PX = 4
# Number of activity grades.
ACTIVITY_GRADES = 16
# Contrast of the leaked picture at which grade 0 ends, nepers between neighbours; each grade ends sqrt 2 higher.
FIRST_GRADE = 0.001


@dataclass(frozen=True, slots=True)
class Fitted:
    """The models fitted to a frame.

    Attributes
    ----------
    leakage : Leakage
        The picture that leaks into the infrared.
    registration : Registration
        Shift of the infrared against the picture.
    blur_px : float
        Standard deviation of the infrared's extra blur, pixels, >= 0.
    """

    leakage: Leakage
    registration: Registration
    blur_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Residual:
    """Infrared without the leaked picture.

    Attributes
    ----------
    values : (rows, cols) ndarray of int16
        ln infrared minus the leaked picture, in 1/4096 neper; lower where something blocks the infrared.
    grades : (rows, cols) ndarray of uint8
        Low 4 bits: activity grade, 0..15, of the leaked picture's local contrast; bit 7: the infrared is clipped, or
        the shifted infrared plane ends before this pixel.
    fractions : (rows, segments of 64 columns, 2) ndarray of float32
        Fraction of the shift along rows and columns, -0.5..0.5 pixels: the residual of the film under a pixel lies that
        far below and right of the pixel. No rows where the planes need no registration.
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
    """Subtract the leaked picture from the infrared plane (see this module for the equation).

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared, 0..65535.
    photometry : Photometry
        Tables of the frame.
    fitted : Fitted
        Leakage, registration and blur of the frame.

    Returns
    -------
    Residual
        On the picture's grid. Pixels on edges are treated as mixtures of two densities.
    """
    rows, cols = infrared.shape
    centres = np.arange(0, cols, kernels.SEGMENT_PX) + kernels.SEGMENT_PX // 2
    places = (np.arange(rows)[:, None], centres[None])
    shifts = np.stack(fitted.registration.at(*places, cols), axis=-1)
    gains = fitted.leakage.field_at(*places, infrared.shape)
    residual = _residual(rgb, infrared, photometry, fitted, (shifts, gains), mixing=True)
    if not fitted.registration.same_grid:
        _extend_beyond_end(residual, np.round(shifts).astype(np.int64))
    return residual


def _extend_beyond_end(residual: Residual, moves: npt.NDArray[np.int64]) -> None:
    """Repeat the last valid residual beyond the end of the shifted infrared plane: dust continues there.

    The kernel itself repeats the last infrared counts, and subtracts from them a picture that continues, which would
    leave false edges.
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
    """Repeat the first and the last valid value along axis 0; mark pixels beyond EXTENSION_PX as clipped."""
    values[:first], values[last + 1 :] = values[first], values[last]
    grades[: max(first - EXTENSION_PX, 0)] |= kernels.CLIPPED
    grades[last + 1 + EXTENSION_PX :] |= kernels.CLIPPED


def tile_residuals(tiles: Tiles, photometry: Photometry, fitted: Fitted, *, mixing: bool) -> tuple[Residual, int]:
    """Subtract the leaked picture from the infrared of tiles, for statistics.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame.
    photometry : Photometry
        Tables of the frame.
    fitted : Fitted
        Leakage, registration and blur of the frame.
    mixing : bool
        True: treat pixels on edges as mixtures of two densities, as `residual_density` does.

    Returns
    -------
    Residual, int
        Planes of (tiles, size, size), and the number of invalid pixels at each side of a tile.
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
    local: tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]],
    *,
    mixing: bool,
) -> Residual:
    """Run the kernel; local: shifts and factors on the leakage, for each row and segment of columns."""
    shifts, gains = local
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
    """Return the activity grade for each step of local contrast.

    ::

        grade = floor(2 log2(contrast / 0.001)) + 1, kept within 0..15

    Returns
    -------
    (2048,) ndarray of uint8
        Grade of contrast 0..1 neper between neighbours, in steps of 1/2048 neper.
    """
    contrast = (np.arange(kernels.ACTIVITY_STEPS) + 0.5) / kernels.ACTIVITY_STEPS
    grade = np.floor(2 * np.log2(contrast / FIRST_GRADE)) + 1
    return np.asarray(np.clip(grade, 0, ACTIVITY_GRADES - 1), np.uint8)


def _phase_taps(fitted: Fitted) -> npt.NDArray[np.float32]:
    """Return the filter taps of each phase, (PHASES, taps); a single tap of 1 if the planes need no filter."""
    if fitted.registration.same_grid and fitted.blur_px == 0:
        return np.ones((PHASES, 1), np.float32)
    return filter_taps(np.linspace(-0.5, 0.5, PHASES), fitted.blur_px)


def filter_taps(fractions: npt.NDArray[np.float64], blur_px: float) -> npt.NDArray[np.float32]:
    """Return filter taps that blur a line and sample it a fraction of a pixel back.

    A Gaussian where the blur is 0.4 pixels or more, else the cubic interpolation of Catmull and Rom.

    Parameters
    ----------
    fractions : (...) ndarray of float64
        Fractions of a pixel, -0.5..0.5.
    blur_px : float
        Standard deviation of the blur, pixels.

    Returns
    -------
    (..., 2 radius + 1) ndarray of float32
        Taps with sum 1; the radius is at least 2 pixels.
    """
    radius = max(2, round(3 * blur_px + 0.5))
    distance = np.abs(np.arange(-radius, radius + 1) + fractions[..., None])
    weights = np.exp(-0.5 * (distance / blur_px) ** 2) if blur_px >= 0.4 else _catmull_rom(distance)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)


def _catmull_rom(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the cubic interpolation kernel of Catmull and Rom (1974)."""
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
