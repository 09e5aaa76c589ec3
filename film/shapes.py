"""Outlines and strokes as depth fields: the distance to the edge of a shape in pixels, positive inside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from filmscand.film.fields import Plane

Points = npt.NDArray[np.float64]
# Margin around a shape in its depth field.
_MARGIN_PX = 4


class Depth(NamedTuple):
    """A depth field, and the row and column of its first pixel in the frame."""

    top_px: int
    left_px: int
    depth_px: Plane


@dataclass(frozen=True, slots=True)
class Curl:
    """How a hair or scratch bends.

    Parameters
    ----------
    heading_radians : float
        Direction at its start; 0 points along the columns.
    bend_radians_per_px : float
        Standard deviation of the curvature.
    memory_px : float
        Length over which the curvature changes.
    kinks : float
        Expected number of sharp bends.
    """

    heading_radians: float
    bend_radians_per_px: float
    memory_px: float
    kinks: float = 0.0


def blob_outline(rng: np.random.Generator, area_px: float, elongation: float, roughness: float) -> Points:
    """Draw the outline of an irregular speck about the origin.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the shape.
    area_px : float
        Area of the polygon, in square pixels.
    elongation : float
        Length over width, >= 1.
    roughness : float
        Standard deviation of the radius relative to its mean, 0..0.5.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Rows and columns, in pixels.
    """
    angles, radii = _chip(rng, roughness) if rng.uniform() < 0.5 else _lump(rng, roughness)
    long, short = math.sqrt(elongation), 1 / math.sqrt(elongation)
    outline = np.stack([short * radii * np.sin(angles), long * radii * np.cos(angles)], 1)
    return scaled_to_area(outline @ rotation_matrix(rng.uniform(0, math.pi)), area_px)


def _chip(rng: np.random.Generator, roughness: float) -> tuple[Points, Points]:
    """Draw a flake, with few corners and straight edges; return angles and radii."""
    count = int(rng.integers(5, 10))
    angles = (np.arange(count) + rng.uniform(-0.35, 0.35, count)) * 2 * math.pi / count
    return angles, np.exp(0.9 * roughness * rng.standard_normal(count))


def _lump(rng: np.random.Generator, roughness: float) -> tuple[Points, Points]:
    """Draw a grain, round and uneven at every scale; return angles and radii."""
    angles = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    orders = np.arange(2, 12)
    amplitudes = 1.6 * roughness * rng.standard_normal(orders.size) / orders**1.2
    phases = rng.uniform(0, 2 * math.pi, orders.size)
    return angles, np.exp((amplitudes[:, None] * np.cos(orders[:, None] * angles + phases[:, None])).sum(0))


def scaled_to_area(outline: Points, area_px: float) -> Points:
    """Centre an outline on the origin and scale it to an area in square pixels."""
    centred = outline - (outline.min(0) + outline.max(0)) / 2
    scaled: Points = centred * math.sqrt(area_px / max(polygon_area(outline), 1e-6))
    return scaled


def polygon_area(outline: Points) -> float:
    """Return the area of a polygon in square pixels (shoelace formula)."""
    row, col = outline[:, 0], outline[:, 1]
    return abs(float(np.dot(row, np.roll(col, -1)) - np.dot(col, np.roll(row, -1)))) / 2


def rotation_matrix(angle_radians: float) -> Points:
    """Return the (2, 2) matrix that rotates rows and columns when it is multiplied from the right."""
    sine, cosine = math.sin(angle_radians), math.cos(angle_radians)
    return np.array([[cosine, sine], [-sine, cosine]])


def curved_path(rng: np.random.Generator, length_px: float, curl: Curl, step_px: float = 2.0) -> Points:
    """Draw the centre line of a hair or a scratch about the origin.

    Its curvature is a first-order autoregressive sequence.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the bends.
    length_px : float
        Length of the line.
    curl : Curl
        How the line bends.
    step_px : float
        Distance of the points, at most.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Rows and columns, in pixels.
    """
    count = max(3, math.ceil(length_px / step_px) + 1)
    step = length_px / (count - 1)
    keep = math.exp(-step / curl.memory_px)
    bends = _autoregressive(rng.standard_normal(count), keep) * curl.bend_radians_per_px
    kinks = (rng.uniform(size=count) < curl.kinks / count) * rng.normal(0, 0.9, count)
    headings = curl.heading_radians + np.cumsum(bends * step + kinks)
    steps = step * np.stack([np.sin(headings), np.cos(headings)], 1)
    path = np.cumsum(steps, 0)
    centred: Points = path - (path.min(0) + path.max(0)) / 2
    return centred


def wandering(rng: np.random.Generator, count: int, memory_steps: float) -> Points:
    """Draw a correlated sequence of unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the values.
    count : int
        Length of the sequence.
    memory_steps : float
        Number of steps after which the correlation has fallen to 1/e.
    """
    return _autoregressive(rng.standard_normal(count), math.exp(-1 / memory_steps))


@njit(cache=True)
def _autoregress(values, keep, fresh):  # type: ignore[no-untyped-def]
    for i in range(1, values.size):
        values[i] = keep * values[i - 1] + fresh * values[i]


def _autoregressive(white: Points, keep: float) -> Points:
    values = white.copy()
    _autoregress(values, keep, math.sqrt(1 - keep * keep))
    return values


def polygon_depth(outline: Points) -> Depth:
    """Return the depth field of a polygon.

    Parameters
    ----------
    outline : ndarray of float, shape (n, 2)
        Rows and columns in the frame, in pixels.
    """
    top, left, shape = _box(outline, 0)
    depth = np.empty(shape, np.float32)
    _fill_polygon_depth(outline - (top, left), depth)
    return Depth(top, left, depth)


def stroke_depth(path: Points, half_width_px: Points) -> Depth:
    """Return the depth field of a line of varying width.

    Parameters
    ----------
    path : ndarray of float, shape (n, 2)
        Rows and columns in the frame, in pixels.
    half_width_px : ndarray of float, shape (n,)
        Half of the width at each point.
    """
    reach = float(half_width_px.max())
    top, left, shape = _box(path, reach)
    depth = np.full(shape, -np.float32(_MARGIN_PX), np.float32)
    _stamp_stroke(path - (top, left), half_width_px, float(_MARGIN_PX), depth)
    return Depth(top, left, depth)


def _box(points: Points, reach_px: float) -> tuple[int, int, tuple[int, int]]:
    low = np.floor(points.min(0) - reach_px).astype(int) - _MARGIN_PX
    high = np.ceil(points.max(0) + reach_px).astype(int) + _MARGIN_PX + 1
    return int(low[0]), int(low[1]), (int(high[0] - low[0]), int(high[1] - low[1]))


@njit(cache=True)
def _segment_distance(row, col, start, end):  # type: ignore[no-untyped-def]
    """Return the distance to a segment, and the position of the nearest point along it, 0..1."""
    down, across = end[0] - start[0], end[1] - start[1]
    square = down * down + across * across
    share = 0.0
    if square > 0:
        share = min(max(((row - start[0]) * down + (col - start[1]) * across) / square, 0.0), 1.0)
    return math.hypot(row - start[0] - share * down, col - start[1] - share * across), share


@njit(cache=True)
def _fill_polygon_depth(outline, depth):  # type: ignore[no-untyped-def]
    count = outline.shape[0]
    for row in range(depth.shape[0]):
        for col in range(depth.shape[1]):
            nearest, inside = 1e9, False
            for i in range(count):
                start, end = outline[i - 1], outline[i]
                nearest = min(nearest, _segment_distance(row, col, start, end)[0])
                if (start[0] > row) != (end[0] > row):
                    crossing = start[1] + (row - start[0]) / (end[0] - start[0]) * (end[1] - start[1])
                    inside = inside != (col < crossing)
            depth[row, col] = nearest if inside else -nearest


@njit(cache=True)
def _stamp_stroke(path, half_width, margin, depth):  # type: ignore[no-untyped-def]
    rows, cols = depth.shape
    for i in range(1, path.shape[0]):
        start, end = path[i - 1], path[i]
        reach = max(half_width[i - 1], half_width[i]) + margin
        first_row = max(int(min(start[0], end[0]) - reach), 0)
        last_row = min(int(max(start[0], end[0]) + reach) + 2, rows)
        first_col = max(int(min(start[1], end[1]) - reach), 0)
        last_col = min(int(max(start[1], end[1]) + reach) + 2, cols)
        for row in range(first_row, last_row):
            for col in range(first_col, last_col):
                distance, share = _segment_distance(row, col, start, end)
                width = half_width[i - 1] * (1 - share) + half_width[i] * share
                depth[row, col] = max(depth[row, col], width - distance)
