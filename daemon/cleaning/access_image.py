"""Makes the access image of a frame: sRGB, 8 bits, at most 3000 samples on its long side.

The equations from counts to a picture stand in `access_tones`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final, cast

import numba
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from filmscand.daemon.archive.frames.encode import srgb_profile
from filmscand.daemon.cleaning.access_tones import (
    PictureProperties,
    Samples,
    Tones,
    in_8_bits,
    in_16_bits,
    tones_of,
)
from filmscand.ir.compiling import parallel_kernel

LONG_SIDE_PX: Final = 3000
# Areas along the long side of the film from which black, white and base are measured: percentiles need no more.
_GRID_LONG_SIDE: Final = 256

Rgb16 = npt.NDArray[np.uint16]
Rgb8 = npt.NDArray[np.uint8]


def access_image(rgb: Rgb16, properties: PictureProperties, infrared: npt.NDArray[np.uint16] | None = None) -> Rgb8:
    """Return the access image of a frame; `access_tones` states the equations.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    properties : PictureProperties
        What the counts mean.
    infrared : (rows, cols) ndarray of uint16, optional
        Counts of the infrared plane. It tells film (which transmits infrared) from the holder, so that the holder does
        not set the black point.

    Returns
    -------
    (rows, cols, 3) ndarray of uint8
        sRGB, 0..255. The long side has 3000 samples, or as many as the frame if the frame has fewer.
    """
    reduced = reduce_area(rgb, LONG_SIDE_PX)
    return rendering_of(reduced, properties, infrared).applied_to(reduced)


@dataclass(frozen=True, slots=True)
class Rendering:
    """How counts of one frame are shown.

    Attributes
    ----------
    tones : (3, 65536) ndarray of float64
        Value of each count of red, green and blue, 0..1.
    icc_profile : bytes or None
        Colour profile of these values, to be converted to sRGB; None: they are sRGB.
    """

    tones: Tones
    icc_profile: bytes | None

    def applied_to(self, rgb: Rgb16) -> Rgb8:
        """Return counts, (rows, cols, 3), as sRGB."""
        shown: Rgb8 = _apply(np.ascontiguousarray(rgb), in_8_bits(self.tones))
        return shown if self.icc_profile is None else _to_srgb(shown, self.icc_profile)

    def in_16_bits(self, rgb: Rgb16) -> Rgb16:
        """Return counts, (rows, cols, 3), as values of 0..65535; their colour profile is not converted."""
        values = in_16_bits(self.tones)
        return np.stack([values[channel][rgb[..., channel]] for channel in range(3)], axis=2)


def rendering_of(
    rgb: Rgb16, properties: PictureProperties, infrared: npt.NDArray[np.uint16] | None = None
) -> Rendering:
    """Return how the access image shows a frame, for other pictures of the same frame; see `access_image`."""
    tones, is_converted = tones_of(_samples(reduce_area(rgb, LONG_SIDE_PX), infrared), properties)
    return Rendering(tones, None if is_converted else properties.icc_profile)


def reduce_area(rgb: Rgb16, long_side_px: int) -> Rgb16:
    """Return a smaller picture, in which each sample is the mean of the area that it covers.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    long_side_px : int
        Samples of the long side of the result; a picture that is not larger is returned as it is.
    """
    rows, cols = rgb.shape[:2]
    scale = long_side_px / max(rows, cols)
    rgb = np.ascontiguousarray(rgb)
    if scale >= 1:
        return rgb
    out = np.empty((max(1, round(rows * scale)), max(1, round(cols * scale)), 3), np.uint16)
    _reduce(rgb, out)
    return out


def kernel_cache() -> str:
    """Return the folder in which numba keeps compiled kernels."""
    kernel: Any = _reduce
    return str(kernel.stats.cache_path)


@parallel_kernel
def _reduce(rgb: Rgb16, out: Rgb16) -> None:
    rows_per = np.float32(rgb.shape[0] / out.shape[0])
    cols_per = np.float32(rgb.shape[1] / out.shape[1])
    for out_row in numba.prange(out.shape[0]):
        line = np.zeros((rgb.shape[1], 3), np.float32)
        top = np.float32(out_row) * rows_per
        bottom = min(top + rows_per, np.float32(rgb.shape[0]))
        for row in range(int(top), min(int(np.ceil(bottom)), rgb.shape[0])):
            height = min(bottom, np.float32(row + 1)) - max(top, np.float32(row))
            for col in range(rgb.shape[1]):
                for channel in range(3):
                    line[col, channel] += height * np.float32(rgb[row, col, channel])
        for out_col in range(out.shape[1]):
            left = np.float32(out_col) * cols_per
            right = min(left + cols_per, np.float32(rgb.shape[1]))
            red, green, blue = np.float32(0), np.float32(0), np.float32(0)
            for col in range(int(left), min(int(np.ceil(right)), rgb.shape[1])):
                width = min(right, np.float32(col + 1)) - max(left, np.float32(col))
                red += width * line[col, 0]
                green += width * line[col, 1]
                blue += width * line[col, 2]
            area = (bottom - top) * (right - left)
            half = np.float32(0.5)
            out[out_row, out_col, 0] = np.uint16(red / area + half)
            out[out_row, out_col, 1] = np.uint16(green / area + half)
            out[out_row, out_col, 2] = np.uint16(blue / area + half)


@parallel_kernel
def _apply(rgb: Rgb16, tones: Rgb8) -> Rgb8:
    out = np.empty(rgb.shape, np.uint8)
    for row in numba.prange(rgb.shape[0]):
        for col in range(rgb.shape[1]):
            for channel in range(3):
                out[row, col, channel] = tones[channel, rgb[row, col, channel]]
    return out


def _samples(reduced: Rgb16, infrared: npt.NDArray[np.uint16] | None) -> Samples:
    # The outer tenth holds mount and frame gap. Means of areas, not single samples: grain and specks set no limit.
    inner = tuple(slice(length // 10, length - length // 10) for length in reduced.shape[:2])
    grid = reduce_area(reduced[inner], _GRID_LONG_SIDE)
    rgb = grid.reshape(-1, 3)
    if infrared is None:
        return Samples(rgb)
    at = (
        (np.linspace(0.1, 0.9, points, endpoint=False) * length).astype(np.intp)
        for points, length in zip(grid.shape[:2], infrared.shape, strict=True)
    )
    return Samples(rgb, infrared[np.ix_(*at)].reshape(-1))


def _to_srgb(shown: Rgb8, icc_profile: bytes) -> Rgb8:
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
        converted = ImageCms.profileToProfile(Image.fromarray(shown), found, target)
    except (ImageCms.PyCMSError, OSError):
        # A profile that Little CMS cannot use must not cost the frame its access image; the counts are near enough.
        return shown
    return cast(Rgb8, np.asarray(converted))
