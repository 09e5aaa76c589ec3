"""Compares the planes of two film files (the program of a process of its own; see `belonging.py`).

    python -m filmscand.daemon.ingest.pairs.plane_comparison PICTURE INFRARED FOURTH_SAMPLE MEMORY_LIMIT

Dust, scratches and the leaked picture darken both planes at the same place, so their fine detail correlates in one
sharp peak near shift 0. Planes of two different frames have no such peak. Both planes are reduced first: the question
is not where exactly the infrared lies, and a second pass may lie some pixels away.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from filmscand.daemon.ingest.pairs.belonging import DOES_NOT_BELONG
from filmscand.drivers.files.errors import FilmFileError
from filmscand.drivers.files.reader import read_capture

Plane = npt.NDArray[np.float32]

# Longest side of the reduced planes, pixels: dust of 10 to 20 pixels of a 4000 dpi scan is still there.
_REDUCED_PX: Final = 1024
# Detail that counts is finer than this, pixels of the reduced planes (standard deviation of the smoothing).
_DETAIL_PX: Final = 8.0
# Largest shift, as a share of each side: the transport of a second pass is off by less than a millimetre in 36.
_REACH: Final = 0.03
# Largest detail that counts, deviations of the plane's detail: one scratch or the edge of a mount must not outweigh all
# the rest, a few specks of dust have to.
_LARGEST_DETAIL: Final = 16.0
# Deviations of the correlation surface. Measured on simulated slides of 300 x 420 pixels with 12 specks of dust:
# infrared of the same slide reaches 110 to 150, that of another slide 4 to 14 (40 pairs, some with equal structure).
# A frame almost without dust and leakage stays below it too, and a person is asked: nothing wrong is ever attached.
_SURE_PEAK: Final = 20.0


def stranger(picture: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> str | None:
    """Return why an infrared plane does not belong to a picture; None if it surely belongs.

    Parameters
    ----------
    picture : (rows, cols) ndarray of uint16
        Red samples of the picture.
    infrared : (rows, cols) ndarray of uint16
        The infrared plane.
    """
    height = peak_height(picture, infrared)
    if height >= _SURE_PEAK:
        return None
    return f"no dust and no picture lies at the same place in both (peak {height:.1f}, sure from {_SURE_PEAK:g})"


def peak_height(picture: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> float:
    """Return the highest correlation of two planes of one shape near shift 0, in deviations of all correlations."""
    first, second = _detail(picture), _detail(infrared)
    size = [fft.next_fast_len(2 * side, real=True) for side in first.shape]
    cross = fft.rfft2(first, size) * np.conj(fft.rfft2(second, size))
    # Half-whitened: picture detail is strongest in its coarse part, a speck of dust has all frequencies.
    cross /= np.sqrt(np.abs(cross)) + 1e-9 * np.abs(cross).max() + np.finfo(np.float32).tiny
    surface = fft.irfft2(cross, size)
    reach = [max(4, int(_REACH * side)) for side in first.shape]
    near = np.roll(surface, reach, (0, 1))[: 2 * reach[0] + 1, : 2 * reach[1] + 1]
    return float(near.max() / max(float(surface.std()), np.finfo(np.float32).tiny))


def _detail(plane: npt.NDArray[np.uint16]) -> Plane:
    density = np.log(_reduced(plane) + 256.0)
    fine = density - ndimage.gaussian_filter(density, _DETAIL_PX)
    spread = 1.4826 * float(np.median(np.abs(fine - np.median(fine)))) + 1e-6
    fine = np.clip(fine / spread, -_LARGEST_DETAIL, _LARGEST_DETAIL)
    window = np.sqrt(np.hanning(fine.shape[0] + 2)[1:-1, None] * np.hanning(fine.shape[1] + 2)[None, 1:-1])
    detail: Plane = ((fine - fine.mean()) * window).astype(np.float32)
    return detail


def _reduced(plane: npt.NDArray[np.uint16]) -> Plane:
    step = max(1, -(-max(plane.shape) // _REDUCED_PX))
    high, wide = (min(step, side) for side in plane.shape)
    rows, cols = plane.shape[0] // high, plane.shape[1] // wide
    blocks = plane[: rows * high, : cols * wide].reshape(rows, high, cols, wide)
    mean: Plane = blocks.mean((1, 3), dtype=np.float32)
    return mean


def main(picture: str, infrared: str, fourth_sample_is_infrared: str, memory_limit_bytes: str) -> int:
    """Compare two files; the exit status is 0, or 3 with the reason on stdout (the entry of the process)."""
    limit = int(memory_limit_bytes)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    fourth = {"True": True, "False": False}.get(fourth_sample_is_infrared)
    try:
        capture = read_capture(Path(picture), Path(infrared), fourth_sample_is_infrared=fourth)
    except FilmFileError as error:
        print(error)
        return DOES_NOT_BELONG
    if "infrared_partner_unused" in capture.info.flags or capture.infrared is None:
        print("the picture holds its infrared itself")
        return DOES_NOT_BELONG
    reason = stranger(capture.rgb[..., 0], capture.infrared)
    if reason is not None:
        print(reason)
    return 0 if reason is None else DOES_NOT_BELONG


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
