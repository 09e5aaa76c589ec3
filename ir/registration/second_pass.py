"""The shift curve of a second infrared pass, measured along all rows of the frame.

The tiles measure a drift at a few heights only, each averaged over 128 rows. Here bands of low strips cover the whole
frame, and the infrared in them is first moved by the known shift. The remaining shift is small and constant within a
strip, so that the correlation has a sharp peak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.planes.holder import Holder
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import HOLDER_PART
from filmscand.ir.registration.correlation import Array, cross_spectra, find_peak
from filmscand.ir.registration.registration import MAX_DRIFT_PX, Registration, Whole, fit_registration, group_pieces
from filmscand.ir.registration.shift_curve import MeasuredShifts, smoothing_spline

# Rows and columns of a strip, pixels.
STRIP_PX = (48, 128)
# Largest number of bands, and of strips in a band.
BANDS = 40
STRIPS_ACROSS = 8
# Smallest peak height, deviations of the correlation surface. Surfaces without detail reach it, as of clipped infrared.
LEAST_PEAK = 3.0


@dataclass(frozen=True, slots=True)
class FramePlanes:
    """Both planes of a frame, its photometry and its holder.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared, 0..65535.
    photometry : Photometry
        Tables from counts to the natural log of light.
    holder : Holder
        The part of the frame without film.
    """

    rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16]
    photometry: Photometry
    holder: Holder


def register_second_pass(planes: FramePlanes, rough: Registration) -> Registration:
    """Measure the shift curve of an infrared pass along all rows.

    Parameters
    ----------
    planes : FramePlanes
        The frame.
    rough : Registration
        A first registration, right to a few pixels.

    Returns
    -------
    Registration
        Right to a few hundredths of a pixel; `rough` where hardly any strip is film, or none shows any detail.
    """
    corners = strip_corners(planes.holder, planes.infrared.shape)
    if not len(corners):
        return rough
    rows, cols = _strip_size(planes.infrared.shape)
    red = planes.photometry.log_tables[0]
    picture = np.stack([red[planes.rgb[row : row + rows, col : col + cols, 0]] for row, col in corners])
    registration = rough
    # A steep rough curve smears the peaks of the first round, so that a second one is needed; a third changes nothing.
    for _ in range(2):
        shifts = _strip_shifts(planes, picture, corners, registration)
        if not len(shifts):
            return rough
        registration = fit_registration(shifts, smoothing_spline, planes.infrared.shape, rough.confidence)
    return registration


def _strip_size(shape: tuple[int, ...]) -> tuple[int, int]:
    return min(STRIP_PX[0], shape[0]), min(STRIP_PX[1], shape[1])


def strip_corners(holder: Holder, shape: tuple[int, ...]) -> Whole:
    """Lay bands of strips over the film of a frame.

    Parameters
    ----------
    holder : Holder
        Holder of the frame; strips on it are left out.
    shape : (rows, cols)
        Size of the frame, pixels.

    Returns
    -------
    (strips, 2) ndarray of int64
        First row and column of each strip. On a small frame neighbouring bands overlap by half; a larger one gets 40
        bands. The strips of every second band lie half a step further right.
    """
    size = _strip_size(shape)
    bands, across = (
        min(most, max(2 * length // piece - 1, 1))
        for most, length, piece in zip((BANDS, STRIPS_ACROSS), shape, size, strict=True)
    )
    step = (shape[1] - size[1]) / across
    corners = [
        (round(band * (shape[0] - size[0]) / max(bands - 1, 1)), round((strip + (0.25, 0.75)[band % 2]) * step))
        for band in range(bands)
        for strip in range(across)
    ]
    on_film = [corner for corner in corners if holder.film_part(corner, size) > 1 - HOLDER_PART]
    return np.array(on_film, np.int64).reshape(-1, 2)


def _strip_shifts(planes: FramePlanes, picture: Array, corners: Whole, known: Registration) -> MeasuredShifts:
    """Measure the shift of each third of each band: the known shift and the remaining one."""
    size, cols = picture.shape[1:], planes.infrared.shape[1]
    moved = np.stack([_moved_strip(planes, corner, size, known) for corner in corners])
    spectra = cross_spectra(picture, moved)
    measured = []
    for members in group_pieces(corners[:, 0], corners[:, 1], cols):
        remaining, height = find_peak(spectra[members].sum(axis=0), size, np.zeros(2), MAX_DRIFT_PX)
        if height < LEAST_PEAK:
            continue
        row, col = (corners[members].mean(axis=0) + np.array(size) // 2).astype(np.int64)
        rows_px, cols_px = known.at(row, col, cols)
        measured.append((row, col - (cols - 1) / 2, rows_px + remaining[0], cols_px + remaining[1], height))
    return MeasuredShifts.of(measured)


def _moved_strip(planes: FramePlanes, corner: Whole, size: tuple[int, ...], known: Registration) -> Array:
    """Return the infrared of a strip, natural log of light, moved onto the picture by linear interpolation."""
    rows, cols = planes.infrared.shape
    row = corner[0] + np.arange(size[0])
    rows_px, cols_px = known.at(row, np.full(size[0], corner[1] + size[1] // 2), cols)
    down, left = row + rows_px, corner[1] + float(cols_px.mean())
    above, beside = np.floor(down).astype(np.int64), int(np.floor(left))
    top = above.min()
    block_rows = np.clip(np.arange(top, above.max() + 2), 0, rows - 1)
    block_cols = np.clip(np.arange(beside, beside + size[1] + 1), 0, cols - 1)
    block = planes.photometry.log_tables[3][planes.infrared[block_rows[:, None], block_cols]]
    upper, lower = block[above - top], block[above - top + 1]
    lines = upper + (down - above).astype(np.float32)[:, None] * (lower - upper)
    return np.asarray(lines[:, :-1] + np.float32(left - beside) * (lines[:, 1:] - lines[:, :-1]), np.float32)
