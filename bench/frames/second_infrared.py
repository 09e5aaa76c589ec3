"""Infrared of the second film, written independently of `film/`, to detect rules that are fitted to `film/`.

The leakage may be nonlinear, the contrast of defects is spread evenly, the point spread is a disc, the lamp falls off
in a parabola, and rows and columns have gains of their own, as line sensors do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

_LN10 = np.float32(np.log(10))
_DARKEST = np.float32(1e-4)
# Leakage of green over that of red.
_GREEN_PART = np.float32(0.1)
# Level of the lamp in the middle over full scale, and its fall-off at unit distance squared.
_CLEAR, _FALL_OFF = np.float32(0.85), np.float32(0.25)
# Smallest and largest factor of a defect's contrast.
_SPREAD = (0.85, 1.1)
# A defect's contrast holds for its rim too, which its label does not cover: labels are widened by this.
_RIM_PX = 4


@dataclass(frozen=True, slots=True)
class SecondInfrared:
    """Properties of the second scanner's infrared.

    Attributes
    ----------
    leak, bend : float
        Infrared density over red density, and its relative change for each unit of red density.
    contrast : float
        Density of a defect in infrared over its density in the picture.
    focus_px : float
        Radius of the disc of defocus, pixels.
    stray : float
        Share of the clear light that reaches the sensor regardless of the film, 0..1.
    noise, banding : float
        Standard deviation of shot noise in clear light, and of the gains of rows and columns.
    shift_px : tuple of float
        Rows and columns by which the plane is displaced, pixels.
    bits : int
        Bit depth.
    """

    leak: float = 0.12
    bend: float = 0.0
    contrast: float = 0.8
    focus_px: float = 1.3
    stray: float = 0.03
    noise: float = 0.006
    banding: float = 0.002
    shift_px: tuple[float, float] = (0.0, 0.0)
    bits: int = 16


def scan_infrared(
    light: Plane, passed: Plane, labels: npt.NDArray[np.int32], settings: SecondInfrared, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return the counts without and with damage, both with the same noise.

    Parameters
    ----------
    light, passed : (rows, cols, 3) ndarray of float32
        Light that passes the film, 0..1, and the share of it that passes the damage.
    labels : (rows, cols) ndarray of int32
        Number of the defect on each pixel, 0 for none.
    settings : SecondInfrared
        Properties of the scan.
    rng : numpy.random.Generator
        Source of noise, gains and contrasts.

    Returns
    -------
    tuple of two (rows, cols) ndarrays of uint16
        Counts without and with damage.
    """
    red, green = (-np.log10(np.maximum(light[..., channel], _DARKEST)) for channel in (0, 1))
    leaked = np.float32(settings.leak) * (red * (1 + np.float32(settings.bend) * red) + _GREEN_PART * green)
    # Two generators, so that the scanner's noise is the same with and without damage.
    defects, scanner = rng.spawn(2)
    contrasts = defects.uniform(*_SPREAD, labels.max() + 1).astype(np.float32) * np.float32(settings.contrast)
    density = np.maximum(-np.log10(np.maximum(passed, _DARKEST)).mean(-1), 0) * contrasts[_with_rims(labels)]
    lamp = _lamp(labels.shape, settings, scanner)
    clean, dirty = (_seen(np.exp(-_LN10 * (leaked + added)), lamp, settings) for added in (np.float32(0), density))
    deviation = np.float32(settings.noise) * np.sqrt(clean + np.float32(0.003))
    noise = deviation * scanner.standard_normal(clean.shape, np.float32)
    full = 2**settings.bits - 1
    clean, dirty = (np.rint((plane + noise).clip(0, 1) * full) * (65535 / full) for plane in (clean, dirty))
    return clean.astype(np.uint16), dirty.astype(np.uint16)


def _with_rims(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    for _ in range(_RIM_PX):
        wider = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))).astype(np.int32)
        labels = np.where(labels > 0, labels, wider)
    return labels


def _lamp(shape: tuple[int, ...], settings: SecondInfrared, rng: np.random.Generator) -> Plane:
    down, across = (np.linspace(-0.5, 0.5, length, dtype=np.float32) for length in shape)
    rows, cols = (1 + np.float32(settings.banding) * rng.standard_normal(length, np.float32) for length in shape)
    lamp: Plane = (_CLEAR - _FALL_OFF * (down[:, None] ** 2 + across**2)) * rows[:, None] * cols
    return lamp


def _seen(light: Plane, lamp: Plane, settings: SecondInfrared) -> Plane:
    soft = cv2.filter2D(light, -1, disc(settings.focus_px))
    if any(settings.shift_px):
        move = np.array([[1, 0, settings.shift_px[1]], [0, 1, settings.shift_px[0]]], np.float32)
        soft = cv2.warpAffine(soft, move, soft.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    seen: Plane = (np.float32(settings.stray) + np.float32(1 - settings.stray) * soft) * lamp
    return seen


def disc(radius_px: float) -> Plane:
    """Return the point spread of defocus, (size, size): a disc of a radius in pixels, whose sum is 1."""
    reach = int(np.ceil(radius_px))
    steps = np.arange(-reach, reach + 1)
    inside = np.clip(radius_px + 0.5 - np.hypot(steps[:, None], steps), 0, 1).astype(np.float32)
    whole: Plane = inside / inside.sum()
    return whole
