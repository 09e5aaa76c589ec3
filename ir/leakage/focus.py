"""The picture as the infrared pass saw it: moved and blurred tiles, and how much wider the infrared's focus is.

Infrared comes to focus behind the picture, so that a leaked edge is softer in it than in red. Where the predictor stays
sharp, every edge of the picture leaves a dark and a bright line in the residual.
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

# Extra blur that is tried, standard deviation in pixels.
BLURS_PX = (0.0, 0.45, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5)
# Tried first; then those beside the best.
COARSE_BLURS = (0, 2, 4, 6)
# A blur has to lower the residual's variance by this part: it costs a pass over the frame.
WORTH_A_BLUR = 0.04
TILES_TRIED = 12
# Contrast of red within 5 by 5 pixels (nepers) beyond which a pixel mixes densities.
HARD_EDGE = 0.7
# Red light on an edge, in deviations of the dark noise.
EDGE_SIGNAL = 25.0
LIT_EDGES = 0.4
FEWEST_EDGES = 2000
# Red light that is worth fitting a slope on, in deviations of the dark noise; noise in red flattens slopes. Where
# hardly any of the film is lit, all of it has to do.
LIT_SIGNAL = 8.0
LIT_PART = 0.1
STRIDE = 5


def moved_logs(tiles: Tiles, registration: Registration, blur_px: float) -> tuple[Array, int]:
    """Move and blur the picture's logs of every tile onto the infrared.

    Returns
    -------
    (tiles, size, size, 3) ndarray of float32, int
        The logs, and the margin (pixels) at the tiles' sides that holds nothing of use.
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
    """Take every fifth pixel of every fifth row of the tiles, registered, to fit the leakage on."""
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
    """Sampled pixels off hard edges: on an edge light mixes, and its logarithm is not the mixture of the logarithms.

    The squares of 5 by 5 around the samples lie side by side. Noise among pixels under `dark` (natural log of light) is
    no edge.
    """
    red = np.maximum(tiles.log_rgb[..., 0], np.float32(dark))
    half, size = STRIDE // 2, red.shape[1]
    count = len(range(margin, size - margin, STRIDE))
    square = slice(margin, margin + count * STRIDE)
    padded = np.pad(red, ((0, 0), (half, half), (half, half)), mode="edge")[:, square, square]
    contrast = _over_squares(np.maximum, padded) - _over_squares(np.minimum, padded)
    return np.asarray(contrast <= max(HARD_EDGE, float(np.median(contrast))))


def _over_squares(extreme: np.ufunc, planes: Array) -> Array:
    """Greatest or least of each square of a stride's side; whole planes at a time, since short axes are slow."""
    rows = functools.reduce(extreme, (planes[:, first::STRIDE] for first in range(STRIDE)))
    return np.asarray(functools.reduce(extreme, (rows[:, :, first::STRIDE] for first in range(STRIDE))))


def measure_blur(tiles: Tiles, photometry: Photometry, leakage: Leakage, registration: Registration) -> float:
    """Measure how much wider the infrared's focus is than the picture's.

    Parameters
    ----------
    tiles : Tiles
    photometry : Photometry
    leakage : Leakage
        A first fit of the leakage.
    registration : Registration

    Returns
    -------
    float
        Standard deviation of the extra blur, pixels; 0 where the planes are equally sharp or too little leaks to tell.
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
        beside = range(max(best - 1, 0), min(best + 2, len(BLURS_PX)))
        untried = tuple(index for index in beside if np.isinf(variances[index]))
    if variances[best] > (1 - WORTH_A_BLUR) * variances[0]:
        return 0.0
    return _vertex(BLURS_PX, variances, best)


def _busiest(tiles: Tiles) -> Tiles:
    """Tiles in which most of the red picture changes from pixel to pixel, which is where a blur shows."""
    steps = np.diff(tiles.log_rgb[:, ::3, :, 0], axis=2)
    order = np.argsort(-np.mean(np.minimum(np.abs(steps), 0.5), axis=(1, 2)))[:TILES_TRIED]
    return tiles.select(np.sort(order))


def _edges(tiles: Tiles, dark_noise: float) -> npt.NDArray[np.bool_]:
    """Film pixels where the red picture is steepest, out of the dark, where noise is steeper than any edge."""
    red = tiles.log_rgb[..., 0]
    steepness = np.abs(np.gradient(red, axis=1)) + np.abs(np.gradient(red, axis=2))
    darkest = ndimage.minimum_filter(red, (1, 3, 3))
    lit = tiles.film & (darkest > np.log(EDGE_SIGNAL * max(dark_noise, 1e-5)))
    if lit.sum() < FEWEST_EDGES:
        # A texture all over passes for noise; then the brighter part of the film has to do.
        lit = tiles.film & (darkest > np.quantile(darkest[:, ::4, ::4], 1 - LIT_EDGES))
    if lit.sum() < FEWEST_EDGES:
        return np.asarray(lit)
    return np.asarray(lit & (steepness > np.quantile(steepness[lit], 0.8)))


def _misfit(tiles: Tiles, edges: npt.NDArray[np.bool_], photometry: Photometry, fitted: Fitted) -> float:
    """Robust variance of the high-passed residual on the picture's edges."""
    residual, margin = tile_residuals(tiles, photometry, fitted, mixing=True)
    inner = (slice(None), slice(margin, -margin), slice(margin, -margin))
    values = residual.values.astype(np.float32)
    high = (values - ndimage.uniform_filter(values, (0, 9, 9)))[inner][edges[inner]]
    return float(np.median(np.abs(high)) ** 2) if high.size > FEWEST_EDGES / 10 else 0.0


def _vertex(blurs: tuple[float, ...], variances: npt.NDArray[np.float64], best: int) -> float:
    """Vertex of the parabola through the best blur and its neighbours, in squares of the blur."""
    if best in (0, len(blurs) - 1):
        return blurs[best]
    squares = np.square(blurs[best - 1 : best + 2])
    bend, slope, _ = np.polyfit(squares, variances[best - 1 : best + 2], 2)
    vertex = -slope / (2 * bend) if bend > 0 else squares[1]
    return float(np.sqrt(np.clip(vertex, squares[0], squares[2])))
