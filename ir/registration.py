"""Where the infrared lies against the picture: shift, scale, drift along the rows, and its extra blur.

Both planes share the leaked picture, and the defects themselves where the leak is faint: both darken both planes, so
one correlation finds either. Tiles are correlated in the frequency domain with partly whitened spectra, summed over the
frame for the coarse shift and over groups of tiles for its course, to a fraction of a pixel by a parabola.

Reference: Kuglin and Hines 1975 (phase correlation). A refinement on the gradients (Lucas and Kanade 1981) was tried:
it is several times less exact than the parabola, 0.2 to 0.3 px against 0.04, where the texture of a group is faint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, interpolate

from ir.tiles import Tiles

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

MAX_SHIFT_PX = 16
# Beside the common shift, a scale of 0.3 % and a drift of 3 px move a group by this much at the most, at 3000 px.
MAX_COURSE_PX = 6
# Peaks of noise alone reach some 10 deviations of the correlation surface, those of film 100 and more.
SURE_PEAK = 12.0
# Planes this close are left on one grid: the same pass.
SAME_GRID_PX = 0.2
# Peaks of whitened correlations within this of zero say so at once: two passes never land so well.
SURELY_SAME_PX = 0.07
STILL_PX = 0.25
WHITENING = 0.7
ROW_GROUPS = 8
COL_GROUPS = 3
# How strongly the drift is held to be smooth, against the weight of a sure group.
STIFFNESS = 0.3


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
    """Measure how the infrared of a frame lies against its picture.

    Parameters
    ----------
    tiles : Tiles
        At least one tile.

    Returns
    -------
    Registration
        The same grid where there is nothing to go by (confidence 0) or where the planes already lie within 0.2 pixels.
    """
    rows, cols = tiles.shape
    spectra = _cross_spectra(tiles)
    shift, sureness = _peak(spectra.sum(axis=0), tiles.log_infrared.shape[1:], np.zeros(2), MAX_SHIFT_PX)
    confidence = float(np.clip((sureness - 4.0) / (2 * SURE_PEAK - 4.0), 0.0, 1.0))
    # A peak at the end of what is searched is the slope of one beyond it.
    if sureness < SURE_PEAK or np.abs(shift).max() > MAX_SHIFT_PX - 0.5:
        return same_grid(rows)
    course = _course(tiles, spectra, shift)
    if np.abs(shift).max() < SURELY_SAME_PX and _lies_still(course):
        return same_grid(rows, confidence)
    registration = _smooth_course(tiles, course, shift, confidence)
    moved = np.abs(np.stack(registration.at(tiles.corners[:, 0], tiles.corners[:, 1], cols)))
    return same_grid(rows, confidence) if moved.max() < SAME_GRID_PX else registration


def _cross_spectra(tiles: Tiles) -> npt.NDArray[np.complex64]:
    size = tiles.log_infrared.shape[1:]
    window = np.outer(np.hanning(size[0]), np.hanning(size[1])).astype(np.float32)
    picture, infrared = (_windowed(plane, window) for plane in (tiles.log_rgb[..., 0], tiles.log_infrared))
    cross = fft.rfft2(infrared) * np.conj(fft.rfft2(picture))
    frequency = np.hypot(fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None])
    band = (1 - np.exp(-((frequency / 0.02) ** 2))) * np.exp(-((frequency / 0.25) ** 2))
    return np.asarray(cross / (np.abs(cross) ** WHITENING + 1e-12) * band, np.complex64)


def _windowed(plane: Array, window: Array) -> Array:
    smooth = plane - plane.mean(axis=(1, 2), keepdims=True)
    return np.asarray(smooth * window, np.float32)


def _peak(
    spectrum: npt.NDArray[np.complex64], size: tuple[int, ...], around: Doubles, reach: int
) -> tuple[Doubles, float]:
    """Find the highest correlation within reach of a shift; return it to a fraction of a pixel, with its sureness."""
    surface = fft.fftshift(fft.irfft2(spectrum, s=size))
    middle = np.array(size) // 2
    low = np.maximum(middle + np.round(around).astype(int) - reach, 1)
    high = np.minimum(middle + np.round(around).astype(int) + reach + 1, np.array(size) - 1)
    inner = surface[low[0] : high[0], low[1] : high[1]]
    row, col = np.array(np.unravel_index(int(np.argmax(inner)), inner.shape)) + low
    spread = 1.4826 * float(np.median(np.abs(surface - np.median(surface)))) + 1e-20
    sureness = (float(surface[row, col]) - float(np.median(surface))) / spread
    fraction = [_parabola(surface[row - 1 : row + 2, col]), _parabola(surface[row, col - 1 : col + 2])]
    return np.array([row, col]) - middle + np.array(fraction), sureness


def _parabola(values: npt.NDArray[np.floating]) -> float:
    left, middle, right = (float(value) for value in values)
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))


def _course(tiles: Tiles, spectra: npt.NDArray[np.complex64], shift: Doubles) -> Doubles:
    """Shift of each group of tiles: rows of (group row, group column, row shift, column shift, weight)."""
    size = tiles.log_infrared.shape[1:]
    found = []
    for members in _groups(tiles):
        local, sureness = _peak(spectra[members].sum(axis=0), size, shift, MAX_COURSE_PX)
        if sureness > SURE_PEAK - 1:
            centre = tiles.corners[members].mean(axis=0) + np.array(size) / 2
            found.append([*centre, *local, min(sureness / SURE_PEAK, 4.0)])
    return np.array(found).reshape(-1, 5)


def _groups(tiles: Tiles) -> list[npt.NDArray[np.int64]]:
    rows, cols = tiles.shape
    down = tiles.corners[:, 0] * ROW_GROUPS // max(rows, 1)
    across = tiles.corners[:, 1] * COL_GROUPS // max(cols, 1)
    keys = down * COL_GROUPS + across
    return [np.flatnonzero(keys == key) for key in np.unique(keys)]


def _lies_still(course: Doubles) -> bool:
    """Whether half of the groups by weight have not moved: single groups err where the picture is faint."""
    if not len(course):
        return True
    moved = np.abs(course[:, 2:4]).max(axis=1)
    return float((course[:, 4] * (moved < STILL_PX)).sum()) > 0.6 * float(course[:, 4].sum())


def _smooth_course(tiles: Tiles, course: Doubles, shift: Doubles, confidence: float) -> Registration:
    """Fit a smooth course along the rows and a straight one along the columns through the groups' shifts."""
    rows, cols = tiles.shape
    if len(course) < 3:
        flat = np.ones(rows, np.float32)
        return Registration(flat * np.float32(shift[0]), flat * np.float32(shift[1]), 0.0, 0.0, confidence)
    row_course, row_shear = _course_fit(course[:, [0, 1, 2, 4]], rows, cols)
    col_course, col_scale = _course_fit(course[:, [0, 1, 3, 4]], rows, cols)
    return Registration(row_course, col_course, row_shear, col_scale, confidence)


def _course_fit(points: Doubles, rows: int, cols: int) -> tuple[Array, float]:
    """Penalised least squares (knots along the rows, one slope along the columns), reweighted against outliers."""
    knots = np.linspace(0, rows - 1, ROW_GROUPS + 1)
    design = np.zeros((len(points), len(knots) + 1))
    # Straight lines between so few knots cut the bends of a drift by a fifth of a pixel.
    course_at = interpolate.CubicSpline(knots, np.eye(len(knots)), bc_type="natural")
    design[:, :-1] = course_at(points[:, 0])
    design[:, -1] = (points[:, 1] - (cols - 1) / 2) / cols
    bend = np.zeros((len(knots) - 2, len(knots) + 1))
    for index in range(len(bend)):
        bend[index, index : index + 3] = (1, -2, 1)
    penalty = STIFFNESS * bend.T @ bend
    penalty[-1, -1] += 0.05
    weights: Doubles = points[:, 3].copy()
    solution: Doubles = np.zeros(len(knots) + 1)
    for _ in range(6):
        normal = design.T @ (weights[:, None] * design) + penalty + 1e-6 * np.eye(len(penalty))
        solution = np.asarray(np.linalg.solve(normal, design.T @ (weights * points[:, 2])))
        misfit = np.abs(points[:, 2] - design @ solution)
        scale = max(1.4826 * float(np.median(misfit)), 0.1)
        weights = points[:, 3] * np.square(np.clip(1 - np.square(misfit / (4.7 * scale)), 0, None))
    course = np.asarray(course_at(np.arange(rows)) @ solution[:-1], np.float32)
    return course, float(solution[-1] / cols)
