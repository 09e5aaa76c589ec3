"""Outlines of dirt in the third simulator: walks with a bending of their own for lines, lobed outlines for specks.

A line is drawn as a chain of discs along a random walk, so that its width and strength change on the way; a speck is a
few overlapping outlines whose radius is a random wave of the angle. Both are drawn enlarged and reduced.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Plane = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

# Factor of enlargement of a drawing, and binary digits of the fractions of a pixel in OpenCV's coordinates.
_ENLARGED, _FRACTION_BITS = 3, 4
_STEP_PX = 0.5
# OpenCV's smooth disc reaches farther than its radius, by this part of an enlarged pixel (measured on lines).
_DISC_REACHES = 0.8
_MARGIN_PX = 6


@dataclass(frozen=True, slots=True)
class Stamp:
    """How much of each pixel something covers, (rows, cols), 0..1, and where its first pixel lies in the frame."""

    coverage: Plane
    top_px: int
    left_px: int

    def softened(self, deviation_px: float) -> Stamp:
        """Return the stamp out of focus, by a Gaussian of a standard deviation in pixels."""
        soft = np.asarray(cv2.GaussianBlur(self.coverage, (0, 0), deviation_px), np.float32)
        return Stamp(soft, self.top_px, self.left_px)

    def window(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], Plane] | None:
        """Return the part of a frame that the stamp meets, and the coverage there; None outside."""
        top, left = max(self.top_px, 0), max(self.left_px, 0)
        bottom = min(self.top_px + self.coverage.shape[0], shape[0])
        right = min(self.left_px + self.coverage.shape[1], shape[1])
        if top >= bottom or left >= right:
            return None
        inside = self.coverage[top - self.top_px : bottom - self.top_px, left - self.left_px : right - self.left_px]
        return (slice(top, bottom), slice(left, right)), inside


def walk(rng: np.random.Generator, start: Points, *, length_px: float, angle: float, bend: float) -> Points:
    """Return points along a random walk, (n, 2), rows and columns.

    The curvature is a first-order autoregression, so that the line bends smoothly and never has the same radius.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the curvature.
    start : (2,) ndarray
        First point, pixels.
    length_px : float
        Length.
    angle : float
        Direction at the start, radians from the columns' direction.
    bend : float
        Standard deviation of the curvature, radians for each pixel.
    """
    steps = max(int(length_px / _STEP_PX), 4)
    memory = 0.985
    pushes = rng.standard_normal(steps) * bend * np.sqrt(1 - memory**2)
    curvature = lfilter([1.0], [1.0, -memory], pushes) + rng.normal(0, bend / 2)
    angles = angle + np.cumsum(curvature) * _STEP_PX
    return start + _STEP_PX * np.cumsum(np.stack([np.sin(angles), np.cos(angles)], -1), 0)


def line_stamp(points: Points, widths_px: Points, strengths: Points, shape: tuple[int, ...]) -> Stamp | None:
    """Return a line drawn as a chain of discs.

    Parameters
    ----------
    points : (n, 2) ndarray
        Points of the line, half a pixel apart or less.
    widths_px, strengths : (n,) ndarray
        Width and coverage, 0..1, at each; a gap has no strength.
    shape : tuple of int
        Rows and columns of the frame; what lies outside is not drawn.

    Returns
    -------
    Stamp or None
        None if all lies outside.
    """
    inside = ((points > -_MARGIN_PX) & (points < np.array(shape[:2]) + _MARGIN_PX)).all(-1) & (strengths > 0.02)
    if not inside.any():
        return None
    points, widths_px, strengths = points[inside], widths_px[inside], strengths[inside]
    top, left = np.floor(points.min(0)).astype(int) - _MARGIN_PX
    rows, cols = np.ceil(points.max(0)).astype(int) + _MARGIN_PX - (top, left)
    canvas = np.zeros((rows * _ENLARGED, cols * _ENLARGED), np.uint8)
    scale = _ENLARGED * 2**_FRACTION_BITS
    centres = np.rint((points - (top, left)) * scale).astype(int)
    for (row, col), width, strength in zip(centres.tolist(), widths_px.tolist(), strengths.tolist(), strict=True):
        radius = max(round((width / 2 * _ENLARGED - _DISC_REACHES) * 2**_FRACTION_BITS), 1)
        cv2.circle(canvas, (col, row), radius, int(255 * strength), cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)
    return Stamp(_reduced(canvas), int(top), int(left))


def hair(rng: np.random.Generator, shape: tuple[int, ...]) -> Stamp | None:
    """Return a long thin hair that bends slowly and tapers, or the part of it in the frame."""
    length, width = min(rng.lognormal(5.0, 0.6), 700), rng.uniform(1.3, 3.2)
    points = walk(rng, _somewhere(rng, shape), length_px=length, angle=rng.uniform(0, 7), bend=rng.uniform(0.006, 0.03))
    along = np.linspace(0, 1, len(points))
    widths = width * (1 - 0.75 * along ** rng.uniform(1.5, 4)) * _wavering(rng, len(points), 0.08)
    return line_stamp(points, widths, np.full(len(points), rng.uniform(0.8, 1)), shape)


def fibre(rng: np.random.Generator, shape: tuple[int, ...]) -> Stamp | None:
    """Return a short fibre of cloth or paper: kinked, of uneven width, translucent in places."""
    length, width = rng.uniform(14, 75), rng.uniform(1.6, 4.0)
    points = walk(rng, _somewhere(rng, shape), length_px=length, angle=rng.uniform(0, 7), bend=rng.uniform(0.012, 0.13))
    widths = width * _wavering(rng, len(points), 0.3)
    return line_stamp(points, widths, (0.8 * _wavering(rng, len(points), 0.25)).clip(0.1, 1), shape)


def scratch(rng: np.random.Generator, shape: tuple[int, ...], direction: float) -> Stamp | None:
    """Return a long and nearly straight scratch with breaks, a hair's breadth wide, about in a direction (radians)."""
    length, width = min(rng.lognormal(6.0, 0.8), 1.4 * max(shape[:2])), rng.uniform(0.6, 2.0)
    start = _somewhere(rng, shape) - length / 2 * np.array([np.sin(direction), np.cos(direction)])
    points = walk(rng, start, length_px=length, angle=direction + rng.normal(0, 0.02), bend=rng.uniform(0.0001, 0.001))
    count = len(points)
    widths = width * _wavering(rng, count, 0.18)
    along = np.linspace(0, 1, count)
    ends = np.minimum(along, 1 - along) / 0.06
    strengths = (0.85 * _wavering(rng, count, 0.22)).clip(0, 1) * ends.clip(0, 1) * _unbroken(rng, count)
    return line_stamp(points, widths, strengths, shape)


def speck(rng: np.random.Generator, shape: tuple[int, ...], radius_px: float) -> Stamp:
    """Return a grain of dust of about a radius: one to four lobes of irregular outline, of uneven density."""
    centre, lobes = _somewhere(rng, shape), 1 + min(int(rng.exponential(0.8)), 3)
    reach = int(3.2 * radius_px) + _MARGIN_PX
    top, left = (np.floor(centre).astype(int) - reach).tolist()
    canvas = np.zeros((2 * reach * _ENLARGED,) * 2, np.uint8)
    for number in range(lobes):
        offset = rng.normal(0, 0.75 * radius_px, 2) if number else np.zeros(2)
        outline = centre + offset + lobe(rng, radius_px * (rng.uniform(0.4, 0.9) if number else 1.0))
        fixed = np.rint((outline - (top, left)) * _ENLARGED * 2**_FRACTION_BITS).astype(np.int32)
        cv2.fillPoly(canvas, [fixed[:, ::-1]], 255, cv2.LINE_AA, _FRACTION_BITS)
    coverage = _reduced(canvas)
    mottle = cv2.GaussianBlur(rng.standard_normal(coverage.shape, np.float32), (0, 0), max(0.35 * radius_px, 0.6))
    return Stamp(coverage * (0.85 + 0.12 * mottle / max(mottle.std(), 1e-6)).clip(0.4, 1), top, left)


def lobe(rng: np.random.Generator, radius_px: float) -> Points:
    """Return a closed outline about the origin, (n, 2): a radius that waves with the angle, drawn out to one side."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = sum(rng.normal(0, 0.3 / order) * np.cos(order * angles + rng.uniform(0, 7)) for order in range(2, 9))
    radii = radius_px * np.maximum(1 + waves, 0.25)
    stretch, turn = rng.uniform(1, 1.9), rng.uniform(0, 7)
    rows, cols = radii * np.sin(angles) / np.sqrt(stretch), radii * np.cos(angles) * np.sqrt(stretch)
    return np.stack([rows * np.cos(turn) - cols * np.sin(turn), rows * np.sin(turn) + cols * np.cos(turn)], -1)


def _wavering(rng: np.random.Generator, count: int, share: float) -> Points:
    """Return factors around 1, (count,), that change slowly along a line."""
    knots = max(count // 25, 3)
    return np.interp(np.linspace(0, knots - 1, count), np.arange(knots), 1 + share * rng.standard_normal(knots)).clip(
        0.2
    )


def _unbroken(rng: np.random.Generator, count: int) -> Points:
    """Return 1 along the pieces of a scratch and 0 in its breaks, (count,), with short transitions."""
    pieces = rng.random() * 0.8
    mask, at = np.ones(count), 0
    while pieces > 0.15 and at < count:
        at += int(rng.exponential(140 / pieces))
        gap = int(rng.exponential(50))
        mask[at : at + gap] = 0
        at += gap
    ramp = 9
    return np.convolve(np.pad(mask, ramp // 2, "edge"), np.ones(ramp) / ramp, "valid")[:count]


def _somewhere(rng: np.random.Generator, shape: tuple[int, ...]) -> Points:
    return rng.uniform((0, 0), shape[:2])


def _reduced(canvas: npt.NDArray[np.uint8]) -> Plane:
    size = canvas.shape[1] // _ENLARGED, canvas.shape[0] // _ENLARGED
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.float32) / np.float32(255)
