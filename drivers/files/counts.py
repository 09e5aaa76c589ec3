"""Examines counts: how many bits they use, and whether a plane can be an infrared plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.uint16]

# Rows that are examined together, so that memory stays bounded.
_BAND_ROWS = 256
# About how many pixels a sparse grid over a plane has.
_SAMPLED_PIXELS = 100_000
# A plane whose median is at most this share of its largest count is too dark for an infrared plane.
_DARK_SHARE = 0.2


def detect_bits(planes: tuple[Counts, ...], declared_max: int | None) -> tuple[int, tuple[str, ...]]:
    """Find how many bits the counts of one page use, and scale them to 16 bits if that is certain.

    Counts are scaled to 0..65535, in place, only if the file declares a largest value of 12 or 14 bits and no count
    exceeds it. Counts that merely stay below such a value, as in a dark frame, are not changed and get a flag.

    Parameters
    ----------
    planes : tuple of (rows, cols) or (rows, cols, n) ndarray of uint16
        All samples of one page.
    declared_max : int or None
        MaxSampleValue of the page; None if it has none.

    Returns
    -------
    bits : int
        8, 12, 14 or 16.
    flags : tuple of str
        "scaled_from_12_bits" or "counts_within_12_bits" (or 14); "eight_bit" if every count is v * 257.
    """
    used = 0
    for plane in planes:
        used |= int(np.bitwise_or.reduce(plane, axis=None))
    for bits in (12, 14):
        if used >= 1 << bits:
            continue
        if declared_max == (1 << bits) - 1:
            for plane in planes:
                _scale_to_sixteen(plane, bits)
            return bits, (f"scaled_from_{bits}_bits",)
        return 16, (f"counts_within_{bits}_bits",)
    if all(_is_widened_from_eight(plane) for plane in planes):
        return 8, ("eight_bit",)
    unused_low_bits = (used & -used).bit_length() - 1
    return next(bits for bits in (8, 12, 14, 16) if bits >= 16 - unused_low_bits), ()


def _is_widened_from_eight(plane: Counts) -> bool:
    step = _step(plane[..., 0] if plane.ndim == 3 else plane)
    sparse = plane[::step, ::step]
    if np.any(sparse >> 8 != sparse & 255):
        return False
    bands = (plane[row : row + _BAND_ROWS] for row in range(0, plane.shape[0], _BAND_ROWS))
    return all(np.array_equal(band >> 8, band & 255) for band in bands)


def _scale_to_sixteen(plane: Counts, bits: int) -> None:
    for row in range(0, plane.shape[0], _BAND_ROWS):
        band = plane[row : row + _BAND_ROWS]
        np.left_shift(band, 16 - bits, out=band)
        np.bitwise_or(band, band >> bits, out=band)


def check_infrared(rgb: Counts, infrared: Counts) -> tuple[str, ...]:
    """Return flags for an infrared plane that is probably none; the plane is kept in any case.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane, 0..65535.

    Returns
    -------
    tuple of str
        "infrared_constant", "infrared_dark" (the median is at most 0.2 of the largest count), "infrared_equals_red"
        (or green, blue).
    """
    smallest, largest = int(infrared.min()), int(infrared.max())
    if smallest == largest:
        return ("infrared_constant",)
    flags: tuple[str, ...] = ()
    step = _step(infrared)
    if float(np.median(infrared[::step, ::step])) <= _DARK_SHARE * largest:
        flags += ("infrared_dark",)
    for index, colour in enumerate(("red", "green", "blue")):
        channel = rgb[..., index]
        if np.array_equal(channel[::step, ::step], infrared[::step, ::step]) and np.array_equal(channel, infrared):
            flags += (f"infrared_equals_{colour}",)
    return flags


def correlation(plane: Counts, other: Counts) -> float | None:
    """Calculate the correlation coefficient of two planes over a sparse grid of pixels.

    Parameters
    ----------
    plane, other : (rows, cols) ndarray of uint16
        Planes of the same shape.

    Returns
    -------
    float or None
        -1..1; None if a plane is constant on the grid.
    """
    step = _step(plane)
    first = plane[::step, ::step].astype(np.float64)
    second = other[::step, ::step].astype(np.float64)
    first -= first.mean()
    second -= second.mean()
    spread = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / spread if spread > 0.0 else None


def _step(plane: Counts) -> int:
    return max(int((plane.size / _SAMPLED_PIXELS) ** 0.5), 1)
