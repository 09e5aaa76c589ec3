"""Position of the infrared against the picture: shift, scale, and drift along the rows.

Both planes show the leaked picture and the defects; both darken both planes, so that one correlation finds either. If
one of the planes is inverted, its peak points downwards. Its sum over all tiles gives the shift of the frame. Sums over
groups of tiles show whether the shift changes over it, and roughly how. `second_pass.py` then measures the exact shift
curve of a second pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.correlation import Doubles, Spectra, cross_spectra, find_peak
from filmscand.ir.registration.shift_curve import CurveFit, MeasuredShifts, fit_shift_curve, linear_curve

Array = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]

# Largest shift that is searched, along each axis, pixels.
MAX_SHIFT_PX = 16
# Largest difference between the shift of a part and that of the frame, pixels, without the effect of scale.
MAX_DRIFT_PX = 6
# Largest relative difference in scale.
MAX_SCALE = 0.003
# Peak height that is certain, deviations of the correlation surface. Noise alone reaches about 10, film 100 and more.
SURE_PEAK = 12.0
# Planes with smaller shifts everywhere come from one pass and are used without registration, pixels.
SAME_GRID_PX = 0.1
# A shift of the frame below this is that of one pass, pixels: two passes never lie so close.
SURELY_SAME_PX = 0.07
# A group of tiles with a smaller shift counts as unmoved, pixels.
STILL_PX = 0.25
# Groups of tiles along the rows and along the columns.
ROW_GROUPS = 8
COL_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Registration:
    """Shift of the infrared against the picture, for each pixel of the picture.

    ::

        infrared row    = row + row_shift_px[row] + row_shear * (col - middle column)
        infrared column = col + col_shift_px[row] + col_scale * (col - middle column)

    Attributes
    ----------
    row_shift_px, col_shift_px : (rows,) ndarray of float32
        Shift along rows and columns at the middle column of each row, pixels.
    row_shear, col_scale : float
        Change of the two shifts from column to column, pixels per pixel.
    confidence : float
        0 (no detail to register on) to 1.
    opposed : bool
        Whether detail that is dark in one plane is surely bright in the other; then the confidence is 0.
    """

    row_shift_px: Array
    col_shift_px: Array
    row_shear: float
    col_scale: float
    confidence: float
    opposed: bool = False

    @property
    def same_grid(self) -> bool:
        """Whether all shifts are 0, so that the planes are used without registration."""
        return not (self.row_shift_px.any() or self.col_shift_px.any() or self.row_shear or self.col_scale)

    def at(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64], cols: int) -> tuple[Doubles, Doubles]:
        """Return the shift at pixels of the picture.

        Parameters
        ----------
        row, col : ndarrays of int64, broadcastable
            Pixels of the picture; rows beyond the frame get the shift of its first or last row.
        cols : int
            Columns of the frame.

        Returns
        -------
        ndarray of float64, ndarray of float64
            Shift along rows and along columns, pixels.
        """
        rows = np.clip(np.asarray(row), 0, len(self.row_shift_px) - 1)
        away = np.asarray(col, np.float64) - (cols - 1) / 2
        return self.row_shift_px[rows] + self.row_shear * away, self.col_shift_px[rows] + self.col_scale * away


def same_grid(rows: int, confidence: float = 0.0, *, opposed: bool = False) -> Registration:
    """Return the registration of planes without any shift, for a frame of `rows` rows and with a confidence of 0..1."""
    zero = np.zeros(rows, np.float32)
    return Registration(zero, zero, 0.0, 0.0, confidence, opposed)


def measure_registration(tiles: Tiles) -> Registration:
    """Measure the shift of the infrared against the picture, to a few tenths of a pixel.

    Parameters
    ----------
    tiles : Tiles
        At least one tile.

    Returns
    -------
    Registration
        No shift where no peak is certain (confidence 0..0.5) or where all shifts are below 0.1 pixels.
    """
    rows = tiles.shape[0]
    spectra = cross_spectra(tiles.log_rgb[..., 0], tiles.log_infrared)
    whole, size = spectra.sum(axis=0), tiles.film.shape[1:]
    shift, height = find_peak(whole, size, np.zeros(2), MAX_SHIFT_PX)
    _, depth = find_peak(-whole, size, np.zeros(2), MAX_SHIFT_PX)
    if depth > max(height, SURE_PEAK):
        return same_grid(rows, opposed=True)
    confidence = min(height / (2 * SURE_PEAK), 1.0)
    # A peak at the border of the search is the flank of a peak beyond it.
    if height < SURE_PEAK or np.abs(shift).max() > MAX_SHIFT_PX - 0.5:
        return same_grid(rows)
    shifts = _group_shifts(tiles, spectra, shift)
    if np.abs(shift).max() < SURELY_SAME_PX and _mostly_unmoved(shifts):
        return same_grid(rows, confidence)
    if len(shifts) < 3:
        shifts = MeasuredShifts.of([(0.0, 0.0, *shift, 1.0)])
    return fit_registration(shifts, linear_curve, tiles.shape, confidence)


def fit_registration(
    shifts: MeasuredShifts, curve_fit: CurveFit, shape: tuple[int, ...], confidence: float
) -> Registration:
    """Fit a registration to shifts measured at places of a frame (see `fit_shift_curve`).

    Parameters
    ----------
    shifts : MeasuredShifts
        At least one place.
    curve_fit : callable
        Fit of the curves along the rows: `linear_curve` or `smoothing_spline`.
    shape : (rows, cols)
        Size of the frame, pixels.
    confidence : float
        Confidence of the registration, 0..1.

    Returns
    -------
    Registration
        No shift where the fitted shift is below 0.1 pixels at every place.
    """
    row_shift_px, row_shear = fit_shift_curve(shifts, 0, shape[0], curve_fit)
    col_shift_px, col_scale = fit_shift_curve(shifts, 1, shape[0], curve_fit)
    registration = Registration(row_shift_px, col_shift_px, row_shear, col_scale, confidence)
    cols = shifts.cols + (shape[1] - 1) / 2
    fitted = np.abs(registration.at(shifts.rows.astype(np.int64), cols.astype(np.int64), shape[1]))
    return same_grid(shape[0], confidence) if fitted.max() < SAME_GRID_PX else registration


def group_pieces(bands: Whole, cols_px: Whole, cols: int) -> list[Whole]:
    """Group pieces of a frame that lie in the same band of rows and the same third of the columns.

    Parameters
    ----------
    bands : (pieces,) ndarray of int64
        Number of each piece's band, >= 0; equal for pieces of one band.
    cols_px : (pieces,) ndarray of int64
        First column of each piece, pixels.
    cols : int
        Columns of the frame.

    Returns
    -------
    list of ndarray of int64
        Indices of the pieces of each group.
    """
    keys = bands * COL_GROUPS + cols_px * COL_GROUPS // cols
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _group_shifts(tiles: Tiles, spectra: Spectra, shift: Doubles) -> MeasuredShifts:
    """Measure the shift of each group of tiles that has a certain peak near the shift of the frame."""
    rows, cols = tiles.shape
    size = tiles.film.shape[1:]
    reach_px = round(MAX_DRIFT_PX + MAX_SCALE * max(rows, cols) / 2)
    measured = []
    for members in group_pieces(tiles.corners[:, 0] * ROW_GROUPS // rows, tiles.corners[:, 1], cols):
        local, height = find_peak(spectra[members].sum(axis=0), size, shift, reach_px)
        if height > SURE_PEAK:
            row, col = tiles.corners[members].mean(axis=0) + np.array(size) / 2
            measured.append((row, col - (cols - 1) / 2, *local, height))
    return MeasuredShifts.of(measured)


def _mostly_unmoved(shifts: MeasuredShifts) -> bool:
    """Whether at least 60 % of the groups, by weight, have not moved: single groups err where the picture is faint."""
    largest = np.abs(shifts.shifts_px).max(axis=1, initial=0)
    return float((shifts.weights * (largest < STILL_PX)).sum()) >= 0.6 * float(shifts.weights.sum())
