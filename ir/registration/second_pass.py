"""The course of a second infrared pass, followed along all of its rows.

The tiles tell a drift at a few heights, each blurred over 128 rows. Here bands of low strips lie all along the frame,
and the infrared in them is moved by the course as far as it is known: what is left to measure is small, and the same
all over a strip, so that its peak is sharp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.planes.holder import Holder
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import HOLDER_PART
from filmscand.ir.registration.correlation import Array, cross_spectra, find_peak
from filmscand.ir.registration.registration import MAX_DRIFT_PX, Registration, Whole, groups_of, through_places
from filmscand.ir.registration.shift_curve import Places, smooth_along

STRIP_PX = (48, 128)
BANDS = 40
STRIPS_ACROSS = 8
# By so many deviations the highest of a surface that shows nothing stands out: of clipped infrared, say.
LEAST_PEAK = 3.0


@dataclass(frozen=True, slots=True)
class Scan:
    """Both planes of a frame, (rows, cols, 3) and (rows, cols) ndarrays of uint16, and what was measured on them."""

    rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16]
    photometry: Photometry
    holder: Holder


def follow_second_pass(scan: Scan, rough: Registration) -> Registration:
    """Follow the course of an infrared pass along the rows.

    Parameters
    ----------
    scan : Scan
    rough : Registration
        To some pixels.

    Returns
    -------
    Registration
        To some hundredths of a pixel; `rough` where there is next to no film, or nothing to see on it.
    """
    corners = strip_corners(scan.holder, scan.infrared.shape)
    if not len(corners):
        return rough
    rows, cols = _strip_size(scan.infrared.shape)
    red = scan.photometry.log_tables[0]
    picture = np.stack([red[scan.rgb[row : row + rows, col : col + cols, 0]] for row, col in corners])
    registration = rough
    # The first round is as wrong as a steep rough course smears its peaks; a third changes nothing.
    for _ in range(2):
        places = _places(scan, picture, corners, registration)
        if not len(places):
            return rough
        registration = through_places(places, smooth_along, scan.infrared.shape, rough.confidence)
    return registration


def _strip_size(shape: tuple[int, ...]) -> tuple[int, int]:
    return min(STRIP_PX[0], shape[0]), min(STRIP_PX[1], shape[1])


def strip_corners(holder: Holder, shape: tuple[int, ...]) -> Whole:
    """Lay bands of strips over a frame.

    Parameters
    ----------
    holder : Holder
    shape : tuple of int
        Rows and columns of the frame.

    Returns
    -------
    (strips, 2) ndarray of int64
        First row and column of each strip on film. Bands overlap by half where 40 are enough for that; the strips of
        every second one stand between those of the others.
    """
    size = _strip_size(shape)
    bands, across = (
        min(most, max(2 * length // piece - 1, 1))
        for most, length, piece in zip((BANDS, STRIPS_ACROSS), shape, size, strict=True)
    )
    step = (shape[1] - size[1]) / across
    found = [
        (round(band * (shape[0] - size[0]) / max(bands - 1, 1)), round((strip + (0.25, 0.75)[band % 2]) * step))
        for band in range(bands)
        for strip in range(across)
    ]
    on_film = [corner for corner in found if holder.film_part(corner, size) > 1 - HOLDER_PART]
    return np.array(on_film, np.int64).reshape(-1, 2)


def _places(scan: Scan, picture: Array, corners: Whole, known: Registration) -> Places:
    """Measure the shift of each third of each band, from what the known course leaves over."""
    size, cols = picture.shape[1:], scan.infrared.shape[1]
    moved = np.stack([_moved_strip(scan, corner, size, known) for corner in corners])
    spectra = cross_spectra(picture, moved)
    found = []
    for members in groups_of(corners[:, 0], corners[:, 1], cols):
        left, sureness = find_peak(spectra[members].sum(axis=0), size, np.zeros(2), MAX_DRIFT_PX)
        if sureness < LEAST_PEAK:
            continue
        row, col = (corners[members].mean(axis=0) + np.array(size) // 2).astype(np.int64)
        rows_px, cols_px = known.at(row, col, cols)
        found.append((row, col - (cols - 1) / 2, rows_px + left[0], cols_px + left[1], sureness))
    return Places.of(found)


def _moved_strip(scan: Scan, corner: Whole, size: tuple[int, ...], known: Registration) -> Array:
    """Infrared of a strip, natural log of light, moved onto the picture; linear interpolation is exact enough here."""
    rows, cols = scan.infrared.shape
    row = corner[0] + np.arange(size[0])
    rows_px, cols_px = known.at(row, np.full(size[0], corner[1] + size[1] // 2), cols)
    down, left = row + rows_px, corner[1] + float(cols_px.mean())
    above, beside = np.floor(down).astype(np.int64), int(np.floor(left))
    top = above.min()
    block_rows = np.clip(np.arange(top, above.max() + 2), 0, rows - 1)
    block_cols = np.clip(np.arange(beside, beside + size[1] + 1), 0, cols - 1)
    block = scan.photometry.log_tables[3][scan.infrared[block_rows[:, None], block_cols]]
    upper, lower = block[above - top], block[above - top + 1]
    lines = upper + (down - above).astype(np.float32)[:, None] * (lower - upper)
    return np.asarray(lines[:, :-1] + np.float32(left - beside) * (lines[:, 1:] - lines[:, :-1]), np.float32)
