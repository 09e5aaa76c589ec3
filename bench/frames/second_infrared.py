"""Infrared of another make than `film/`'s, for the second film of `blind_damage`: who has learnt the first fails here.

The leak may bend, defects have an even spread of contrasts, focus is a disc, the lamp falls off in a parabola, and rows
and columns have gains of their own, as line sensors do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

_LN10 = np.float32(np.log(10))
_DARKEST = np.float32(1e-4)
# Green leaks a tenth of what red does.
_GREEN_PART = np.float32(0.1)
_CLEAR, _FALL_OFF = np.float32(0.85), np.float32(0.25)
_SPREAD = (0.85, 1.1)
# A mark's own contrast goes on over its rim, which its label does not cover.
_RIM_PX = 4


@dataclass(frozen=True, slots=True)
class SecondInfrared:
    """How this scanner sees a film in infrared.

    Attributes
    ----------
    leak, bend : float
        Infrared density for one of red, and its relative change with each density of red.
    contrast : float
        Density of a defect in infrared for its density in the picture.
    focus_px : float
        Radius of the disc of defocus.
    stray : float
        Part of the clear light that reaches the sensor through anything.
    noise, banding : float
        Deviation of shot noise in clear light, and of the gains of rows and columns.
    shift_px : tuple of float
        Rows and columns by which the plane is displaced.
    bits : int
        Depth.
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
    light: Plane, passed: Plane, labels: npt.NDArray[np.int32], how: SecondInfrared, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return the counts without and with damage, with one noise for both.

    Parameters
    ----------
    light, passed : (rows, cols, 3) ndarray of float32
        Light that the film lets pass, and the part of it that the damage does.
    labels : (rows, cols) ndarray of int32
        The mark on each pixel, 0 for none.
    how : SecondInfrared
    rng : numpy.random.Generator

    Returns
    -------
    (rows, cols) ndarrays of uint16
    """
    red, green = (-np.log10(np.maximum(light[..., channel], _DARKEST)) for channel in (0, 1))
    leaked = np.float32(how.leak) * (red * (1 + np.float32(how.bend) * red) + _GREEN_PART * green)
    # With damage or without, the scanner's noise is the same.
    marks, scanner = rng.spawn(2)
    contrasts = marks.uniform(*_SPREAD, labels.max() + 1).astype(np.float32) * np.float32(how.contrast)
    density = np.maximum(-np.log10(np.maximum(passed, _DARKEST)).mean(-1), 0) * contrasts[_with_rims(labels)]
    lamp = _lamp(labels.shape, how, scanner)
    clean, dirty = (_seen(np.exp(-_LN10 * (leaked + added)), lamp, how) for added in (np.float32(0), density))
    deviation = np.float32(how.noise) * np.sqrt(clean + np.float32(0.003))
    noise = deviation * scanner.standard_normal(clean.shape, np.float32)
    full = 2**how.bits - 1
    clean, dirty = (np.rint((plane + noise).clip(0, 1) * full) * (65535 / full) for plane in (clean, dirty))
    return clean.astype(np.uint16), dirty.astype(np.uint16)


def _with_rims(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    for _ in range(_RIM_PX):
        wider = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))).astype(np.int32)
        labels = np.where(labels > 0, labels, wider)
    return labels


def _lamp(shape: tuple[int, ...], how: SecondInfrared, rng: np.random.Generator) -> Plane:
    down, across = (np.linspace(-0.5, 0.5, length, dtype=np.float32) for length in shape)
    rows, cols = (1 + np.float32(how.banding) * rng.standard_normal(length, np.float32) for length in shape)
    lamp: Plane = (_CLEAR - _FALL_OFF * (down[:, None] ** 2 + across**2)) * rows[:, None] * cols
    return lamp


def _seen(light: Plane, lamp: Plane, how: SecondInfrared) -> Plane:
    soft = cv2.filter2D(light, -1, disc(how.focus_px))
    if any(how.shift_px):
        move = np.array([[1, 0, how.shift_px[1]], [0, 1, how.shift_px[0]]], np.float32)
        soft = cv2.warpAffine(soft, move, soft.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    seen: Plane = (np.float32(how.stray) + np.float32(1 - how.stray) * soft) * lamp
    return seen


def disc(radius_px: float) -> Plane:
    """Return a disc of defocus whose sum is 1."""
    reach = int(np.ceil(radius_px))
    steps = np.arange(-reach, reach + 1)
    inside = np.clip(radius_px + 0.5 - np.hypot(steps[:, None], steps), 0, 1).astype(np.float32)
    whole: Plane = inside / inside.sum()
    return whole
