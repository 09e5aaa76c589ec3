"""Shift between two planes: correlation in the frequency domain, with partly whitened spectra.

::

    cross   = F(infrared) conj(F(picture))
    surface = F^-1(cross / |cross|^0.7 * exp(-(frequency / 0.25)^2))

The surface peaks at the shift; a parabola through the peak and its neighbours gives the fraction of a pixel.

Reference: Kuglin and Hines 1975 (phase correlation). A refinement on the gradients (Lucas and Kanade 1981) was tried:
where the texture is faint it errs by 0.2 to 0.3 px, the parabola by 0.04.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from filmscand.ir.statistics import median_and_deviation

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex64]

# Exponent of the whitening: 0 is plain correlation, 1 is phase correlation.
WHITENING = 0.7
# Width of the low-pass, cycles per pixel. Finer detail is mostly noise, since the lens blurs it.
FINEST = 0.25
# Standard deviation of a piece without any detail, nepers. Sixteen bits resolve less; the noise of any sensor is more.
FLAT = 1e-5


def cross_spectra(picture: Array, infrared: Array) -> Spectra:
    """Return the whitened cross-spectra of pieces of two planes.

    The inverse transform of each spectrum peaks at the shift of the infrared against the picture (see this module).

    Parameters
    ----------
    picture, infrared : (count, rows, cols) ndarrays of float32
        Pieces of the two planes at the same places, natural log of light.

    Returns
    -------
    (count, rows, cols // 2 + 1) ndarray of complex64
        One spectrum for each piece. Spectra of pieces with the same shift may be summed.
    """
    size = picture.shape[1:]
    window = np.outer(np.hanning(size[0]), np.hanning(size[1])).astype(np.float32)
    cross = fft.rfft2(_windowed(infrared, window)) * np.conj(fft.rfft2(_windowed(picture, window)))
    frequency = np.hypot(fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None])
    soft = np.exp(-((frequency / FINEST) ** 2))
    return np.asarray(cross / (np.abs(cross) ** WHITENING + 1e-12) * soft, np.complex64)


def _windowed(plane: Array, window: Array) -> Array:
    smooth = plane - plane.mean(axis=(1, 2), keepdims=True)
    # A clipped piece holds rounding errors alone; whitening would make them as strong as a picture.
    smooth *= smooth.std(axis=(1, 2), keepdims=True) > FLAT
    return np.asarray(smooth * window, np.float32)


def find_peak(spectrum: Spectra, size: tuple[int, ...], around: Doubles, reach_px: int) -> tuple[Doubles, float]:
    """Find the highest correlation near an expected shift.

    ::

        peak height = (surface(peak) - median(surface)) / deviation(surface)

    Parameters
    ----------
    spectrum : (rows, cols // 2 + 1) ndarray of complex64
        Cross-spectrum (see `cross_spectra`), or a sum of several.
    size : (rows, cols)
        Size of the pieces, pixels.
    around : (2,) ndarray of float64
        Expected shift along rows and columns, pixels.
    reach_px : int
        Largest distance from the expected shift that is searched, along each axis, pixels.

    Returns
    -------
    (2,) ndarray of float64, float
        Shift along rows and columns, pixels, to a fraction of a pixel; and the height of the peak, in robust standard
        deviations of the correlation surface.
    """
    surface = fft.fftshift(fft.irfft2(spectrum, s=size))
    middle = np.array(size) // 2
    low = np.maximum(middle + np.round(around).astype(int) - reach_px, 1)
    high = np.minimum(middle + np.round(around).astype(int) + reach_px + 1, np.array(size) - 1)
    inner = surface[low[0] : high[0], low[1] : high[1]]
    row, col = np.array(np.unravel_index(int(np.argmax(inner)), inner.shape)) + low
    level, spread = median_and_deviation(surface)
    height = (float(surface[row, col]) - level) / (spread + 1e-20)
    fraction = [_parabola(surface[row - 1 : row + 2, col]), _parabola(surface[row, col - 1 : col + 2])]
    return np.array([row, col]) - middle + np.array(fraction), height


def _parabola(values: npt.NDArray[np.floating]) -> float:
    """Return the place of the vertex of a parabola through three values, -0.5..0.5 steps from the middle one."""
    left, middle, right = (float(value) for value in values)
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
