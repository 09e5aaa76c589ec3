"""How far one plane lies from another: correlation in the frequency domain, with partly whitened spectra.

Reference: Kuglin and Hines 1975 (phase correlation). A refinement on the gradients (Lucas and Kanade 1981) was tried:
it is several times less exact than the parabola, 0.2 to 0.3 px against 0.04, where the texture is faint.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from filmscand.ir.statistics import middle_and_deviation

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex64]

WHITENING = 0.7
# Cycles per pixel from which on the focus leaves less and less but noise.
FINEST = 0.25
# Deviation, in nepers, of a piece that shows nothing: sixteen bits resolve less, and any sensor's noise is more.
FLAT = 1e-5


def cross_spectra(picture: Array, infrared: Array) -> Spectra:
    """Return the spectra whose inverse transforms peak where the infrared lies against the picture.

    Parameters
    ----------
    picture, infrared : (count, rows, cols) ndarrays of float32
        Pieces of the two planes, natural logs of light.

    Returns
    -------
    (count, rows, cols // 2 + 1) ndarray of complex64
        Those of pieces that lie alike may be summed.
    """
    size = picture.shape[1:]
    window = np.outer(np.hanning(size[0]), np.hanning(size[1])).astype(np.float32)
    cross = fft.rfft2(_windowed(infrared, window)) * np.conj(fft.rfft2(_windowed(picture, window)))
    frequency = np.hypot(fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None])
    soft = np.exp(-((frequency / FINEST) ** 2))
    return np.asarray(cross / (np.abs(cross) ** WHITENING + 1e-12) * soft, np.complex64)


def _windowed(plane: Array, window: Array) -> Array:
    smooth = plane - plane.mean(axis=(1, 2), keepdims=True)
    # Of a clipped piece only rounding is left, which whitening would make as loud as a picture.
    smooth *= smooth.std(axis=(1, 2), keepdims=True) > FLAT
    return np.asarray(smooth * window, np.float32)


def find_peak(spectrum: Spectra, size: tuple[int, ...], around: Doubles, reach_px: int) -> tuple[Doubles, float]:
    """Find the highest correlation within reach of a shift.

    Parameters
    ----------
    spectrum : (rows, cols // 2 + 1) ndarray of complex64
    size : (rows, cols)
    around : (2,) ndarray of float64
        The shift, pixels.
    reach_px : int

    Returns
    -------
    (2,) ndarray of float64, float
        Shift along rows and columns to a fraction of a pixel, and by how many deviations of the correlation surface the
        peak stands out of it.
    """
    surface = fft.fftshift(fft.irfft2(spectrum, s=size))
    middle = np.array(size) // 2
    low = np.maximum(middle + np.round(around).astype(int) - reach_px, 1)
    high = np.minimum(middle + np.round(around).astype(int) + reach_px + 1, np.array(size) - 1)
    inner = surface[low[0] : high[0], low[1] : high[1]]
    row, col = np.array(np.unravel_index(int(np.argmax(inner)), inner.shape)) + low
    level, spread = middle_and_deviation(surface)
    sureness = (float(surface[row, col]) - level) / (spread + 1e-20)
    fraction = [_parabola(surface[row - 1 : row + 2, col]), _parabola(surface[row, col - 1 : col + 2])]
    return np.array([row, col]) - middle + np.array(fraction), sureness


def _parabola(values: npt.NDArray[np.floating]) -> float:
    left, middle, right = (float(value) for value in values)
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
