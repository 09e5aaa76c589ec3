"""Procedural pictures: subjects that are easy for dust removal, and subjects with details that look like dust."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from filmscand.film import optics, shapes
from filmscand.film.fields import Plane, smooth_field, stream

Rgb = tuple[float, float, float]


def landscape(rows: int, cols: int, seed: int) -> Plane:
    """Return hills of rough texture under a graded sky.

    Parameters
    ----------
    rows, cols : int
        Size of the picture.
    seed : int
        Seed of its shapes, >= 0.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        Linear light, 0..1; all pictures of this module have the same parameters and range.
    """
    rng = stream(seed, "landscape")
    picture = smooth_sky(rows, cols, seed)
    for depth, colour in enumerate(((0.18, 0.24, 0.30), (0.14, 0.17, 0.10), (0.10, 0.085, 0.05))):
        skyline = 0.42 + 0.17 * depth + 0.12 * smooth_field(rng, (1, cols), cols / 3, octaves=7)[0]
        ground = np.arange(rows)[:, None] > rows * skyline[None, :]
        texture = smooth_field(rng, (rows, cols), max(rows / 6, 8), octaves=3 + 2 * depth)
        light = np.exp(np.float32(0.9 + 0.5 * depth) * texture)
        _paint(picture, ground, light, colour)
    return np.clip(picture, 0, 1)


def smooth_sky(rows: int, cols: int, seed: int) -> Plane:
    """Return an evening sky without any edge."""
    rng = stream(seed, "sky")
    height = np.linspace(1, 0, rows, dtype=np.float32)[:, None, None]
    top, low = np.array([0.12, 0.25, 0.55], np.float32), np.array([0.75, 0.55, 0.42], np.float32)
    haze = 1 + 0.12 * smooth_field(rng, (rows, cols), max(rows, cols) / 2, octaves=2)[..., None]
    sky: Plane = np.clip((top * height + low * (1 - height)) * haze, 0, 1)
    return sky


def girders(rows: int, cols: int, seed: int) -> Plane:
    """Return girders, wires and twigs against the sky: thin dark lines that are not scratches."""
    rng = stream(seed, "girders")
    picture = smooth_sky(rows, cols, seed)
    size = min(rows, cols)
    for _ in range(7):
        ends = rng.uniform(-0.1, 1.1, (2, 2)) * (rows, cols)
        _draw_line(picture, ends, rng.uniform(0.004, 0.02) * size, (0.05, 0.045, 0.05))
    for height in rng.uniform(0.1, 0.6, 5):
        along = np.linspace(0, 1, 60)
        sag = height + 0.08 * rng.uniform(0.3, 1) * 4 * along * (1 - along) + 0.1 * rng.normal() * along
        _draw_line(picture, np.stack([sag * rows, along * cols], 1), rng.uniform(0.6, 1.6), (0.03, 0.03, 0.03))
    for _ in range(40):
        curl = shapes.Curl(rng.uniform(-2.6, -0.5), 0.03, 20)
        path = shapes.curved_path(rng, rng.uniform(0.08, 0.3) * size, curl)
        foot = np.array([rng.uniform(0.7, 1.0) * rows, rng.uniform() * cols])
        _draw_line(picture, path + foot, rng.uniform(0.5, 2.2), (0.04, 0.03, 0.02))
    return picture


def night(rows: int, cols: int, seed: int) -> Plane:
    """Return stars and lamps in the dark: small bright points that are not defects."""
    rng = stream(seed, "night")
    glow = np.linspace(0.002, 0.03, rows, dtype=np.float32)[:, None]
    glow = glow * (1 + 0.5 * smooth_field(rng, (rows, cols), cols / 3, octaves=4))
    picture = glow[..., None] * np.array([0.7, 0.8, 1.2], np.float32)
    stars = np.zeros((rows, cols), np.float32)
    count = max(20, rows * cols // 1500)
    place = (rng.integers(0, int(rows * 0.8), count), rng.integers(0, cols, count))
    stars[place] = rng.pareto(1.3, count) * 0.6
    picture += np.minimum(optics.gaussian_blur(stars, 0.8), 1)[..., None]
    for _ in range(12):
        row, col = rng.uniform(0.75, 0.95) * rows, rng.uniform() * cols
        warm = (1.0, rng.uniform(0.6, 0.9), rng.uniform(0.25, 0.7))
        _draw_line(picture, np.array([[row, col], [row, col + 1]]), rng.uniform(1.5, 5), warm)
    return np.clip(picture, 0, 1)


def portrait(rows: int, cols: int, seed: int) -> Plane:
    """Return a face with eyes, catchlights, freckles and strands of hair."""
    rng = stream(seed, "portrait")
    back = 0.12 + 0.06 * smooth_field(rng, (rows, cols), cols / 2, octaves=2)
    picture: Plane = back[..., None] * np.array([0.7, 0.9, 1.0], np.float32)
    row = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    col = np.linspace(-cols / rows, cols / rows, cols, dtype=np.float32)[None, :]
    face = 1 / (1 + np.exp(40 * (np.hypot(row / 0.72, col / 0.52) - 1)))
    light = 0.55 + 0.25 * col - 0.1 * row + 0.02 * smooth_field(rng, (rows, cols), rows / 12, octaves=5)
    skin = (face * light)[..., None] * np.array([1.0, 0.66, 0.5], np.float32)
    picture = picture * (1 - face[..., None]) + skin
    size = rows / 2
    for side in (-0.2, 0.2):
        centre = np.array([0.88 * rows / 2, cols / 2 + side * size])
        _draw_line(picture, centre + np.array([[0, -0.05 * size], [0, 0.05 * size]]), 0.035 * size, (0.8, 0.78, 0.75))
        _draw_line(picture, centre + np.array([[0, 0], [0, 0.5]]), 0.033 * size, (0.05, 0.04, 0.03))
        _draw_line(
            picture, centre + np.array([[-0.01 * size, 0], [-0.01 * size, 0.5]]), max(0.008 * size, 0.8), (1, 1, 1)
        )
    for _ in range(30):
        spot = np.array([rng.uniform(0.5, 0.7) * rows, cols / 2 + rng.uniform(-0.35, 0.35) * size])
        _draw_line(picture, spot + np.array([[0, 0], [0, 0.5]]), rng.uniform(0.5, 1.5), (0.3, 0.15, 0.09))
    for _ in range(60):
        path = shapes.curved_path(rng, 0.7 * size, shapes.Curl(rng.normal(math.pi / 2, 0.25), 0.01, 60))
        foot = np.array([0.25 * rows, cols / 2 + rng.uniform(-0.6, 0.6) * size])
        _draw_line(picture, path + foot, rng.uniform(0.5, 1.4), (0.10, 0.06, 0.03))
    return np.clip(picture, 0, 1)


_GLYPHS: Final = {
    "F": ("#####", "#....", "####.", "#....", "#....", "#....", "#...."),
    "I": (".###.", "..#..", "..#..", "..#..", "..#..", "..#..", ".###."),
    "L": ("#....", "#....", "#....", "#....", "#....", "#....", "#####"),
    "M": ("#...#", "##.##", "#.#.#", "#.#.#", "#...#", "#...#", "#...#"),
    "3": ("####.", "....#", "....#", ".###.", "....#", "....#", "####."),
    "5": ("#####", "#....", "####.", "....#", "....#", "#...#", ".###."),
}


def lettering(rows: int, cols: int, seed: int) -> Plane:
    """Return a poster with letters of many sizes below window bars."""
    rng = stream(seed, "lettering")
    picture = np.empty((rows, cols, 3), np.float32)
    picture[:] = rng.uniform(0.45, 0.85, 3)
    picture[: rows // 4, (np.arange(cols) // max(cols // 40, 2)) % 2 == 0] *= 0.1
    top, cell = rows // 4 + 2, 1
    while top + 8 * cell < rows:
        ink = rng.uniform(0, 0.25, 3) if rng.uniform() < 0.7 else rng.uniform(0.8, 1, 3)
        for left in range(2, cols - 6 * cell, 6 * cell):
            glyph = _GLYPHS["FILM35"[int(rng.integers(6))]]
            dots = np.kron(np.array([[dot == "#" for dot in line] for line in glyph]), np.ones((cell, cell), np.bool_))
            picture[top : top + 7 * cell, left : left + 5 * cell][dots.astype(np.bool_)] = ink
        top += 9 * cell
        cell += 1 + cell // 3
    return picture


def _paint(picture: Plane, where: npt.NDArray[np.bool_], light: Plane, colour: Rgb) -> None:
    picture[where] = light[where][:, None] * np.asarray(colour, np.float32)


def _draw_line(picture: Plane, path: npt.NDArray[np.floating], half_width_px: float, colour: Rgb) -> None:
    field = shapes.stroke_depth(np.asarray(path, np.float64), np.full(len(path), half_width_px))
    rows, cols = picture.shape[:2]
    top, left = max(field.top_px, 0), max(field.left_px, 0)
    bottom = min(field.top_px + field.depth_px.shape[0], rows)
    right = min(field.left_px + field.depth_px.shape[1], cols)
    if top >= bottom or left >= right:
        return
    depth = field.depth_px[top - field.top_px : bottom - field.top_px, left - field.left_px : right - field.left_px]
    cover = np.clip(depth + np.float32(0.5), 0, 1)[..., None]
    region = picture[top:bottom, left:right]
    region += cover * (np.asarray(colour, np.float32) - region)


PICTURES: Final[dict[str, Callable[[int, int, int], Plane]]] = {
    "landscape": landscape,
    "girders": girders,
    "night": night,
    "smooth_sky": smooth_sky,
    "portrait": portrait,
    "lettering": lettering,
}
