"""What a program makes of the sensor's light in the third simulator: inverted, sharpened, reduced, encoded, as JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.recipe import Coding, Scan

Plane = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint16]

DISPLAY_GAMMA = 2.2
_SHARPENED_PX = 1.1
# Shares of the pixels that become black and white when a negative is inverted, and the slope of the paper.
_INVERTED_ENDS, _PAPER = (0.2, 99.7), np.float32(1.55)


@dataclass(frozen=True, slots=True)
class Levels:
    """Densities of a negative that become black and white, (3,) each; the positive's levels."""

    black: Plane
    white: Plane


def find_levels(light: Plane) -> Levels:
    """Return the levels of a negative, from its light, (rows, cols, 3)."""
    black, white = np.percentile(_density(light).reshape(-1, 3), _INVERTED_ENDS, axis=0)
    return Levels(black.astype(np.float32), white.astype(np.float32))


def processed(light: Plane, scan: Scan, levels: Levels | None) -> Plane:
    """Return the values of a picture, (rows, cols, 3), 0..1, as its file holds them, before rounding.

    Parameters
    ----------
    light : (rows, cols, 3) ndarray of float32
        The sensor's light.
    scan : Scan
        What is done to it.
    levels : Levels or None
        Levels of the positive, if one is made.
    """
    if levels is not None:
        share = (_density(light) - levels.black) / (levels.white - levels.black)
        # Photographic paper: the positive's light rises with the negative's density, in powers of ten.
        light = (10 ** (_PAPER * (share - 1)) - 10**-_PAPER) / (1 - 10**-_PAPER)
    light = reduced(np.asarray(light, np.float32), scan)
    if scan.coding is Coding.LINEAR:
        return light
    values = encoded(light)
    if scan.sharpened:
        soft = cv2.GaussianBlur(values, (0, 0), _SHARPENED_PX)
        values = values + np.float32(scan.sharpened) * (values - soft)
    return values.clip(0, 1)


def processed_infrared(light: Plane, scan: Scan) -> Plane:
    """Return the values of the infrared, (rows, cols), as its file holds them: encoded if the picture is."""
    light = reduced(light, scan)
    return encoded(light) if scan.coding is Coding.SRGB else light


def as_counts(values: Plane, scan: Scan) -> Counts:
    """Return counts of values 0..1, (rows, cols) or (rows, cols, 3): quantised, and through a JPEG if it is one."""
    full = 2**scan.bits - 1
    counts = np.rint(values.clip(0, 1) * full)
    if scan.jpeg_quality:
        counts = _through_jpeg(counts.astype(np.uint8), scan.jpeg_quality)
    widened: Counts = counts.astype(np.uint16) * np.uint16(257 if scan.bits == 8 else 1)
    return widened


def display_curve_of(scan: Scan) -> Plane:
    """Return the display value of each count, (65536,), 0..1."""
    white = 65535 if scan.bits == 8 else 2**scan.bits - 1
    share = np.minimum(np.arange(65536) / white, 1.0)
    return (share ** (1 / DISPLAY_GAMMA) if scan.coding is Coding.LINEAR else share).astype(np.float32)


def encoded(light: Plane) -> Plane:
    """Return light in sRGB's encoding (IEC 61966-2-1), 0..1."""
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def decoded(values: Plane) -> Plane:
    """Return the light of values in sRGB's encoding, 0..1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def reduced(plane: Plane, scan: Scan) -> Plane:
    """Return a plane, (rows, cols) or (rows, cols, n), made smaller by the mean of the pixels."""
    if scan.reduced == 1:
        return plane
    size = round(plane.shape[1] * scan.reduced), round(plane.shape[0] * scan.reduced)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _density(light: Plane) -> Plane:
    return -np.log10(np.maximum(light, np.float32(1e-5)))


def _through_jpeg(values: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    # OpenCV takes blue first. A grey plane has no order.
    turned = np.ascontiguousarray(values[..., ::-1]) if values.ndim == 3 else values
    done, data = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV encodes every picture of 8 bits"
    read = np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)
    return read[..., ::-1] if values.ndim == 3 else read
