"""Detail of whole planes, reduced, and its correlation.

::

    detail  = ln counts - blurred ln counts
    surface = F^-1(cross / sqrt(|cross|)),    cross = F(detail of picture) conj(F(detail of infrared))
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from filmscand.ir.statistics import median_and_deviation

Counts = npt.NDArray[np.uint16]
Plane = npt.NDArray[np.float32]

# Longest side of the reduced planes, pixels: dust of 10 to 20 pixels of a 4000 dpi scan is still there.
REDUCED_PX = 1024
# Added to counts before the logarithm: differences below it are noise.
DARKEST = 256.0
# Detail is finer than this, pixels of the reduced planes (standard deviation of the smoothing).
DETAIL_PX = 4
# Detail beyond this counts as this, nepers: opaque dust is as dark in the picture as the picture's own shadows allow.
OPAQUE = 0.5
# Deviation of the detail of a plane that shows none, nepers: a step of eight bits, spread over a block.
FLAT = 0.003
# Largest detail that counts in a peak, deviations of the plane's detail: one scratch or the edge of a mount must not
# outweigh all the rest, a few specks of dust have to.
LARGEST_DETAIL = 16.0
# Largest shift, as a share of each side.
REACH = 0.1


def reduction(shape: tuple[int, ...]) -> int:
    """Return the side of the blocks, pixels, whose means are the reduced plane of a frame of (rows, cols, ...)."""
    return max(1, -(-max(shape[:2]) // REDUCED_PX))


def reduced(plane: Counts, step: int) -> Plane:
    """Return the means of blocks of a plane, all colours together.

    Parameters
    ----------
    plane : (rows, cols, ...) ndarray of uint16
        Counts.
    step : int
        Side of a block, pixels, at least 1.

    Returns
    -------
    (rows // step, cols // step) ndarray of float32
        Counts; blocks that the frame's end cuts are left out, unless there is no other.
    """
    high, wide = (min(step, side) for side in plane.shape[:2])
    rows, cols = plane.shape[0] // high, plane.shape[1] // wide
    # Whole rows are added first: that is one pass through memory.
    bands = plane[: rows * high, : cols * wide].reshape(rows, high, -1).sum(axis=1, dtype=np.uint32)
    blocks = bands.reshape(rows, cols, -1)
    samples = np.float32(high * blocks.shape[2])
    return np.asarray(blocks.sum(axis=2, dtype=np.float32) / samples, np.float32)


def detail(light: Plane) -> Plane:
    """Return the fine detail of a (rows, cols) plane of mean counts, nepers, -0.5..0.5."""
    density = np.log(light + np.float32(DARKEST))
    fine = density - ndimage.gaussian_filter(density, DETAIL_PX)
    return np.asarray(np.clip(fine, -OPAQUE, OPAQUE), np.float32)


def spread(values: Plane) -> float:
    """Return the robust deviation of detail, nepers; not below what eight bits leave."""
    return max(median_and_deviation(values)[1], FLAT / 3)


def surface(first: Plane, second: Plane, *, whitened: bool) -> Plane:
    """Correlate two planes at all shifts within reach.

    ::

        surface(shift) = sum over x of first(x + shift) second(x)

    Parameters
    ----------
    first, second : (rows, cols) ndarray of float32
        The planes.
    whitened : bool
        Whether to half-whiten the spectra: picture detail is strongest in its coarse part, dust has all frequencies.

    Returns
    -------
    (2 reach + 1, 2 reach + 1) ndarray of float32
        No shift lies in the middle; the reach is a tenth of each side, and at least 4 pixels.
    """
    reach = [max(4, int(REACH * side)) for side in first.shape]
    size = [fft.next_fast_len(side + far, real=True) for side, far in zip(first.shape, reach, strict=True)]
    cross = fft.rfft2(first, size) * np.conj(fft.rfft2(second, size))
    if whitened:
        cross /= np.sqrt(np.abs(cross)) + 1e-9 * np.abs(cross).max() + np.finfo(np.float32).tiny
    shifts = np.roll(fft.irfft2(cross, size), reach, (0, 1))
    return np.asarray(shifts[: 2 * reach[0] + 1, : 2 * reach[1] + 1], np.float32)


def highest_peak(seen: Plane, shown: Plane) -> tuple[tuple[int, int], float]:
    """Find the highest peak of the half-whitened correlation of two planes' detail, upwards or downwards.

    Parameters
    ----------
    seen, shown : (rows, cols) ndarray of float32
        Detail of the picture and of the infrared, nepers.

    Returns
    -------
    (int, int), float
        Rows and columns by which the infrared has to be moved, pixels of the planes; and the height of the peak, in
        deviations of the correlations around it, negative where dark detail of one plane is bright in the other.
    """
    heights = surface(_windowed(seen), _windowed(shown), whitened=True)
    row, col = (int(at) for at in np.unravel_index(int(np.argmax(np.abs(heights))), heights.shape))
    peak = float(heights[row, col])
    heights[tuple(slice(max(at - DETAIL_PX, 0), at + DETAIL_PX + 1) for at in (row, col))] = 0
    deviation = max(float(heights.std()), float(np.finfo(np.float32).tiny))
    return (row - heights.shape[0] // 2, col - heights.shape[1] // 2), peak / deviation


def _windowed(values: Plane) -> Plane:
    most = LARGEST_DETAIL * spread(values)
    kept = np.clip(values, -most, most) / most
    rows, cols = map(_ramps, values.shape)
    return np.asarray((kept - kept.mean()) * rows[:, None] * cols, np.float32)


def _ramps(length: int) -> Plane:
    """Return a window of a length: 1, and ramps to 0 at both ends, since the edges of mounts lie there on any film."""
    ramp = (np.arange(length, dtype=np.float32) + 1) / max(REACH * length, 1)
    return np.asarray(np.minimum(np.minimum(ramp, ramp[::-1]), 1), np.float32)
