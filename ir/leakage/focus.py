"""Focus of the infrared: its extra blur, and the tiles of the picture moved and blurred like the infrared.

Lenses focus infrared behind the picture, so that a leaked edge is softer in infrared than in red. If the prediction
stayed sharp, every edge of the picture would leave a dark and a bright line in the residual.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.leakage.model import Leakage, LeakageSamples
from filmscand.ir.leakage.residual import Fitted, filter_taps, tile_residuals
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.registration import Registration

Array = npt.NDArray[np.float32]

# Extra blurs that are tried, standard deviation, pixels.
BLURS_PX = (0.0, 0.45, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5)
# Indices of those that are tried first; then the neighbours of the best one follow.
COARSE_BLURS = (0, 2, 4, 6)
# Part of the residual's variance that a blur has to remove, since it costs a filter over the whole frame.
WORTH_A_BLUR = 0.04
# Number of tiles on which blurs are tried.
TILES_TRIED = 12
# Contrast of red within 5 by 5 pixels above which a pixel mixes two densities, nepers.
HARD_EDGE = 0.7
# Smallest red light on an edge, deviations of the dark noise.
EDGE_SIGNAL = 25.0
# Part of the film, from the brightest on, in which edges are searched where too few pixels reach that light.
LIT_EDGES = 0.4
# Fewest film pixels among which the steepest are selected.
FEWEST_EDGES = 2000
# Smallest red light for the fit of a slope, deviations of the dark noise: noise in red flattens slopes.
LIT_SIGNAL = 8.0
# Part of the film that has to reach that light; else the slope is fitted on all of the film.
LIT_PART = 0.1
# Every fifth pixel of every fifth row is a sample.
STRIDE = 5


def moved_logs(tiles: Tiles, registration: Registration, blur_px: float) -> tuple[Array, int]:
    """Move and blur the picture of each tile as the infrared shows it.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame.
    registration : Registration
        Shift of the infrared; each tile is moved by the shift at its centre.
    blur_px : float
        Standard deviation of the infrared's extra blur, pixels.

    Returns
    -------
    (tiles, size, size, 3) ndarray of float32, int
        Natural log of light, and the number of invalid pixels at each side of a tile.
    """
    if registration.same_grid and blur_px == 0:
        return tiles.log_rgb, 0
    size = tiles.film.shape[1]
    middle = tiles.corners + size // 2
    shifts = np.stack(registration.at(middle[:, 0], middle[:, 1], tiles.shape[1]), axis=-1)
    whole = np.round(shifts).astype(int)
    taps = filter_taps(shifts - whole, blur_px)
    moved = np.empty_like(tiles.log_rgb)
    for tile, plane in enumerate(tiles.log_rgb):
        rolled = np.roll(plane, tuple(whole[tile]), axis=(0, 1))
        down = ndimage.correlate1d(rolled, taps[tile, 0], axis=0)
        ndimage.correlate1d(down, taps[tile, 1], axis=1, output=moved[tile])
    return moved, int(np.abs(whole).max()) + taps.shape[-1] // 2


def leakage_samples(
    tiles: Tiles, registration: Registration, blur_px: float, dark_noise: float = 0.0
) -> LeakageSamples:
    """Take every fifth pixel of every fifth row of the tiles, registered, to fit the leakage on.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame.
    registration : Registration
        Shift of the infrared.
    blur_px : float
        Standard deviation of the infrared's extra blur, pixels.
    dark_noise : float
        Deviation of the darkest red pixels, part of the span from black to white.

    Returns
    -------
    LeakageSamples
        Film off hard edges is valid; pixels above 8 deviations of the dark noise are lit, or all valid ones where these
        are less than a tenth.
    """
    logs, margin = moved_logs(tiles, registration, blur_px)
    cut = (slice(None), slice(margin, -margin or None, STRIDE), slice(margin, -margin or None, STRIDE))
    count = len(tiles)
    infrared = tiles.log_infrared[cut].reshape(count, -1)
    dark = np.log(LIT_SIGNAL * dark_noise + 1e-6)
    film = (tiles.film[cut] & _soft(tiles, dark, margin)).reshape(count, -1)
    middle = tiles.corners + tiles.film.shape[1] / 2
    centres = 2 * middle / np.array(tiles.shape) - 1
    logs = logs[cut].reshape(count, -1, 3)
    lit = film & (logs[..., 0] > dark)
    lit = lit if lit.sum() > LIT_PART * film.sum() else film
    return LeakageSamples(logs, infrared, film, lit, centres)


def _soft(tiles: Tiles, dark: float, margin: int) -> npt.NDArray[np.bool_]:
    """Return which samples lie off hard edges: on an edge light mixes, and its log is no mixture of the logs.

    Contrast is the range of red in the square of 5 by 5 around a sample; the squares of all samples lie side by side.
    Light below `dark` (natural log) counts as `dark`, so that noise is no edge.
    """
    red = np.maximum(tiles.log_rgb[..., 0], np.float32(dark))
    half, size = STRIDE // 2, red.shape[1]
    count = len(range(margin, size - margin, STRIDE))
    square = slice(margin, margin + count * STRIDE)
    padded = np.pad(red, ((0, 0), (half, half), (half, half)), mode="edge")[:, square, square]
    contrast = _over_squares(np.maximum, padded) - _over_squares(np.minimum, padded)
    return np.asarray(contrast <= max(HARD_EDGE, float(np.median(contrast))))


def _over_squares(extreme: np.ufunc, planes: Array) -> Array:
    """Return the greatest or least value of each square of STRIDE by STRIDE; loops over short axes would be slow."""
    rows = functools.reduce(extreme, (planes[:, first::STRIDE] for first in range(STRIDE)))
    return np.asarray(functools.reduce(extreme, (rows[:, :, first::STRIDE] for first in range(STRIDE))))


def measure_blur(tiles: Tiles, photometry: Photometry, leakage: Leakage, registration: Registration) -> float:
    """Measure the extra blur of the infrared against the picture.

    The blur that leaves the least variance of the high-passed residual on the picture's edges; a parabola over the
    squared blur refines it.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame.
    photometry : Photometry
        Tables of the frame.
    leakage : Leakage
        A first fit of the leakage.
    registration : Registration
        Shift of the infrared.

    Returns
    -------
    float
        Standard deviation of the extra blur, pixels; 0 where a blur explains less than 4 % of the variance: the planes
        are equally sharp, or too little leaks.
    """
    busy = _busiest(tiles)
    edges = _edges(busy, photometry.dark_noise[0])
    variances = np.full(len(BLURS_PX), np.inf)
    best = 0
    untried: tuple[int, ...] = COARSE_BLURS
    while untried:
        for index in untried:
            variances[index] = _misfit(busy, edges, photometry, Fitted(leakage, registration, BLURS_PX[index]))
        best = int(np.argmin(variances))
        neighbours = range(max(best - 1, 0), min(best + 2, len(BLURS_PX)))
        untried = tuple(index for index in neighbours if np.isinf(variances[index]))
    if variances[best] > (1 - WORTH_A_BLUR) * variances[0]:
        return 0.0
    return _vertex(BLURS_PX, variances, best)


def _busiest(tiles: Tiles) -> Tiles:
    """Return the tiles whose red changes most from column to column: a blur shows there."""
    steps = np.diff(tiles.log_rgb[:, ::3, :, 0], axis=2)
    order = np.argsort(-np.mean(np.minimum(np.abs(steps), 0.5), axis=(1, 2)))[:TILES_TRIED]
    return tiles.select(np.sort(order))


def _edges(tiles: Tiles, dark_noise: float) -> npt.NDArray[np.bool_]:
    """Return the film pixels where red is steepest, without the dark, where noise is steeper than any edge."""
    red = tiles.log_rgb[..., 0]
    steepness = np.abs(np.gradient(red, axis=1)) + np.abs(np.gradient(red, axis=2))
    darkest = ndimage.minimum_filter(red, (1, 3, 3))
    lit = tiles.film & (darkest > np.log(EDGE_SIGNAL * max(dark_noise, 1e-5)))
    if lit.sum() < FEWEST_EDGES:
        # Texture all over the frame is measured as dark noise; then the brighter part of the film is used.
        lit = tiles.film & (darkest > np.quantile(darkest[:, ::4, ::4], 1 - LIT_EDGES))
    if lit.sum() < FEWEST_EDGES:
        return np.asarray(lit)
    return np.asarray(lit & (steepness > np.quantile(steepness[lit], 0.8)))


def _misfit(tiles: Tiles, edges: npt.NDArray[np.bool_], photometry: Photometry, fitted: Fitted) -> float:
    """Return the robust variance of the high-passed residual on the picture's edges."""
    residual, margin = tile_residuals(tiles, photometry, fitted, mixing=True)
    inner = (slice(None), slice(margin, -margin), slice(margin, -margin))
    values = residual.values.astype(np.float32)
    high = (values - ndimage.uniform_filter(values, (0, 9, 9)))[inner][edges[inner]]
    return float(np.median(np.abs(high)) ** 2) if high.size > FEWEST_EDGES / 10 else 0.0


def _vertex(blurs: tuple[float, ...], variances: npt.NDArray[np.float64], best: int) -> float:
    """Return the vertex of the parabola through the best blur and its neighbours, over the squared blur."""
    if best in (0, len(blurs) - 1):
        return blurs[best]
    squares = np.square(blurs[best - 1 : best + 2])
    bend, slope, _ = np.polyfit(squares, variances[best - 1 : best + 2], 2)
    vertex = -slope / (2 * bend) if bend > 0 else squares[1]
    return float(np.sqrt(np.clip(vertex, squares[0], squares[2])))
