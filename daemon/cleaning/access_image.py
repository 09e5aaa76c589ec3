"""Makes the access image of a frame: sRGB, 8 bits, at most 3000 samples on its long side.

How counts become light
    `linear` True: counts are proportional to light. False: counts are encoded for viewing. None (unknown): linear if
    there is no colour profile and the median of the film is below 3 % of full scale (encoded for viewing, such a
    picture would be nearly black), else encoded.
How light becomes a picture
    Encoded: counts are scaled to 8 bits. An embedded colour profile is converted to sRGB.
    Linear, positive: (counts - black) / (white - black), encoded as sRGB. Black and white are the 0.1 and 99.7
    percentiles of the film area, the same for all three channels, so that colours do not shift.
    Linear, negative (only if the film kind says so): T = counts / base, where the base is the 99.5 percentile of each
    channel (the film base with its orange mask); light = T ** (-1 / 0.6), where 0.6 is the contrast of the negative;
    (light - 1) / (white - 1), encoded as sRGB, where white is the light of the 0.5 percentile of each channel.
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
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.ir.compiling import parallel_kernel

LONG_SIDE_PX: Final = 3000
# Slope of density on log exposure of a colour negative.
NEGATIVE_CONTRAST: Final = 0.6
# Median of the film, as a part of full scale, below which counts of unknown encoding are taken for linear.
_LINEAR_MEDIAN: Final = 0.03
# Infrared below this part of its 90th percentile is holder, not film.
_HOLDER_PART: Final = 0.25
_FULL_SCALE: Final = 65535.0

Rgb16 = npt.NDArray[np.uint16]
Rgb8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PictureProperties:
    """What the counts of a picture mean.

    Attributes
    ----------
    linear : bool or None
        Whether counts are proportional to light; None if unknown.
    film : FilmKind
        Kind of film; negatives are inverted.
    icc_profile : bytes or None
        Embedded colour profile.
    """

    linear: bool | None = None
    film: FilmKind = FilmKind.UNKNOWN
    icc_profile: bytes | None = None


def access_image(rgb: Rgb16, properties: PictureProperties, infrared: npt.NDArray[np.uint16] | None = None) -> Rgb8:
    """Return the access image of a frame; the module's docstring states the equations.

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
    film = _film_samples(reduced, infrared)
    if not _is_linear(properties, film):
        return _encoded_to_srgb(reduced, properties)
    tones = _negative_tones(film) if properties.film.is_negative else _positive_tones(film)
    return _apply(reduced, tones)


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


def _film_samples(reduced: Rgb16, infrared: npt.NDArray[np.uint16] | None) -> npt.NDArray[np.float32]:
    # The outer tenth holds mount and frame gap. A coarse grid of the rest is enough for percentiles.
    rows, cols = reduced.shape[:2]
    grid_rows = np.linspace(0.1 * rows, 0.9 * rows, min(rows, 256), endpoint=False).astype(np.intp)
    grid_cols = np.linspace(0.1 * cols, 0.9 * cols, min(cols, 256), endpoint=False).astype(np.intp)
    samples = reduced[np.ix_(grid_rows, grid_cols)].reshape(-1, 3).astype(np.float32)
    if infrared is None:
        return samples
    at_rows = grid_rows * infrared.shape[0] // rows
    at_cols = grid_cols * infrared.shape[1] // cols
    light = infrared[np.ix_(at_rows, at_cols)].reshape(-1)
    film = samples[light >= _HOLDER_PART * np.percentile(light, 90)]
    return film if len(film) else samples


def _is_linear(properties: PictureProperties, film: npt.NDArray[np.float32]) -> bool:
    if properties.linear is not None:
        return properties.linear
    return properties.icc_profile is None and bool(np.median(film) < _LINEAR_MEDIAN * _FULL_SCALE)


def _positive_tones(film: npt.NDArray[np.float32]) -> Rgb8:
    black = float(np.percentile(film.min(axis=1), 0.1))
    white = float(np.percentile(film.max(axis=1), 99.7))
    counts = np.arange(65536, dtype=np.float64)
    tone = _srgb((counts - black) / max(white - black, 1.0))
    return np.stack([tone, tone, tone])


def _negative_tones(film: npt.NDArray[np.float32]) -> Rgb8:
    base = np.maximum(np.percentile(film, 99.5, axis=0), 1.0)
    densest = np.minimum(np.maximum(np.percentile(film, 0.5, axis=0), 1.0), base / 1.1)
    transmittance = np.maximum(np.arange(65536, dtype=np.float64), 1.0)[None, :] / base[:, None]
    light = transmittance ** (-1 / NEGATIVE_CONTRAST)
    white = ((densest / base) ** (-1 / NEGATIVE_CONTRAST))[:, None]
    return _srgb((light - 1) / (white - 1))


def _srgb(light: npt.NDArray[np.float64]) -> Rgb8:
    light = np.clip(light, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def _encoded_to_srgb(reduced: Rgb16, properties: PictureProperties) -> Rgb8:
    tone = ((np.arange(65536, dtype=np.float64) / 257) + 0.5).astype(np.uint8)
    if properties.film.is_negative:
        tone = tone[::-1]
    shown = _apply(reduced, np.stack([tone, tone, tone]))
    if properties.icc_profile is None:
        return shown
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(properties.icc_profile))
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
        converted = ImageCms.profileToProfile(Image.fromarray(shown), found, target)
    except (ImageCms.PyCMSError, OSError):
        # A profile that Little CMS cannot use must not cost the frame its access image; the counts are near enough.
        return shown
    return cast(Rgb8, np.asarray(converted))
