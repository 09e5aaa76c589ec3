"""Where the infrared lies against the picture: shift, scale, drift along the rows.

Both planes share the leaked picture, and the defects themselves where the leak is faint: both darken both planes, so
one correlation finds either. It is summed over the tiles for the shift of the frame, and over groups of them to see
whether the frame moved and about how. The exact course of a second pass is another matter (`second_pass.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.correlation import Doubles, Spectra, cross_spectra, find_peak
from filmscand.ir.registration.shift_curve import Line, Places, fit_course, straight_between

Array = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]

MAX_SHIFT_PX = 16
# Parts of a frame drift apart by this much and are scaled by this much at the most.
MAX_DRIFT_PX = 6
MAX_SCALE = 0.003
# Peaks of noise alone reach some 10 deviations of the correlation surface, those of film 100 and more.
SURE_PEAK = 12.0
# Planes this close are left on one grid: the same pass.
SAME_GRID_PX = 0.1
# Peaks of whitened correlations within this of zero say so at once: two passes never land so well.
SURELY_SAME_PX = 0.07
STILL_PX = 0.25
ROW_GROUPS = 8
COL_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Registration:
    """Shift of the infrared against the picture, as seen from a pixel of the picture.

    The film under picture pixel (row, col) lies in the infrared plane at row + rows(row, col), col + cols(row, col).

    Attributes
    ----------
    row_shift_px, col_shift_px : (rows,) ndarray of float32
        Shift along rows and columns at the middle column of each row, pixels.
    row_shear, col_scale : float
        Change of the two shifts for each column away from the middle, pixels per pixel.
    confidence : float
        0 (nothing to go by) to 1.
    """

    row_shift_px: Array
    col_shift_px: Array
    row_shear: float
    col_scale: float
    confidence: float

    @property
    def same_grid(self) -> bool:
        """Whether the planes are taken as they are."""
        return not (self.row_shift_px.any() or self.col_shift_px.any() or self.row_shear or self.col_scale)

    def at(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64], cols: int) -> tuple[Doubles, Doubles]:
        """Return both shifts at whole rows and columns of a frame of `cols` columns, pixels."""
        rows = np.clip(np.asarray(row), 0, len(self.row_shift_px) - 1)
        away = np.asarray(col, np.float64) - (cols - 1) / 2
        return self.row_shift_px[rows] + self.row_shear * away, self.col_shift_px[rows] + self.col_scale * away


def same_grid(rows: int, confidence: float = 0.0) -> Registration:
    """Return the registration of planes that lie on one grid."""
    zero = np.zeros(rows, np.float32)
    return Registration(zero, zero, 0.0, 0.0, confidence)


def measure_registration(tiles: Tiles) -> Registration:
    """Measure how the infrared of a frame lies against its picture, to some tenths of a pixel.

    Parameters
    ----------
    tiles : Tiles
        At least one tile.

    Returns
    -------
    Registration
        The same grid where there is nothing to go by (confidence 0) or where the planes already lie within 0.1 pixels.
    """
    rows = tiles.shape[0]
    spectra = cross_spectra(tiles.log_rgb[..., 0], tiles.log_infrared)
    shift, sureness = find_peak(spectra.sum(axis=0), tiles.film.shape[1:], np.zeros(2), MAX_SHIFT_PX)
    confidence = min(sureness / (2 * SURE_PEAK), 1.0)
    # A peak at the end of what is searched is the slope of one beyond it.
    if sureness < SURE_PEAK or np.abs(shift).max() > MAX_SHIFT_PX - 0.5:
        return same_grid(rows)
    places = _places(tiles, spectra, shift)
    if np.abs(shift).max() < SURELY_SAME_PX and _lies_still(places):
        return same_grid(rows, confidence)
    if len(places) < 3:
        places = Places.of([(0.0, 0.0, *shift, 1.0)])
    return through_places(places, straight_between, tiles.shape, confidence)


def through_places(places: Places, line: Line, shape: tuple[int, ...], confidence: float) -> Registration:
    """Lay a course along the rows and a straight line along the columns through shifts measured in places.

    Parameters
    ----------
    places : Places
        At least one.
    line : callable
        How the course goes from band to band: `straight_between` or `smooth_along`.
    shape : tuple of int
        Rows and columns of the frame.
    confidence : float

    Returns
    -------
    Registration
        The same grid where the planes lie within 0.1 pixels in every place.
    """
    row_course, row_shear = fit_course(places, 0, shape[0], line)
    col_course, col_scale = fit_course(places, 1, shape[0], line)
    registration = Registration(row_course, col_course, row_shear, col_scale, confidence)
    cols = places.cols + (shape[1] - 1) / 2
    moved = np.abs(registration.at(places.rows.astype(np.int64), cols.astype(np.int64), shape[1]))
    return same_grid(shape[0], confidence) if moved.max() < SAME_GRID_PX else registration


def groups_of(bands: Whole, cols_px: Whole, cols: int) -> list[Whole]:
    """Find what lies in each third of the columns of each band of rows.

    Parameters
    ----------
    bands : (pieces,) ndarray of int64
        Band of each piece of the frame, any number that tells it from the others.
    cols_px : (pieces,) ndarray of int64
        First column of each piece.
    cols : int
        Of the frame.

    Returns
    -------
    list of ndarray of int64
        Indices of the pieces of each group.
    """
    keys = bands * COL_GROUPS + cols_px * COL_GROUPS // cols
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _places(tiles: Tiles, spectra: Spectra, shift: Doubles) -> Places:
    """Measure the shift of each group of tiles whose peak is sure."""
    rows, cols = tiles.shape
    size = tiles.film.shape[1:]
    reach_px = round(MAX_DRIFT_PX + MAX_SCALE * max(rows, cols) / 2)
    found = []
    for members in groups_of(tiles.corners[:, 0] * ROW_GROUPS // rows, tiles.corners[:, 1], cols):
        local, sureness = find_peak(spectra[members].sum(axis=0), size, shift, reach_px)
        if sureness > SURE_PEAK:
            row, col = tiles.corners[members].mean(axis=0) + np.array(size) / 2
            found.append((row, col - (cols - 1) / 2, *local, sureness))
    return Places.of(found)


def _lies_still(places: Places) -> bool:
    """Whether most of the groups by weight have not moved: single groups err where the picture is faint."""
    moved = np.abs(places.shifts_px).max(axis=1, initial=0)
    return float((places.weights * (moved < STILL_PX)).sum()) >= 0.6 * float(places.weights.sum())
