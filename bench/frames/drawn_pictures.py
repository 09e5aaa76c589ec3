"""Drawn pictures that no training has seen: stars and lamps with known places, rocks, leaves, wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

from bench.frames.photographs import MakePicture, covering

Linear = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]
Colour = tuple[float, float, float]

# Smallest radius of the label of a light, pixels.
_STAR_REACH_PX = 1.5


@dataclass(frozen=True, slots=True)
class Lights:
    """A picture with points of light.

    Attributes
    ----------
    picture : (rows, cols, 3) ndarray of float32
        Linear light, 0..1.
    labels : (rows, cols) ndarray of int32
        Number of the star or lamp on each pixel, from 1 on; 0 for none.
    """

    picture: Linear
    labels: Labels


def star_field(rows: int, cols: int, seed: int) -> Lights:
    """Return a night sky: airglow, and sharp stars of many magnitudes, round or trailed."""
    rng = np.random.default_rng([seed, 1])
    sky = 0.004 + 0.02 * _clouds(rng, rows, cols, 7) ** 2
    picture = sky[..., None] * np.array([0.8, 0.9, 1.1], np.float32)
    labels = np.zeros((rows, cols), np.int32)
    trail = rng.uniform(0, 3)
    for number in range(1, max(rows * cols // 2500, 20)):
        light = min(0.03 / rng.uniform(0.01, 1) ** 0.8, 1.0)
        tint = np.array([1, rng.uniform(0.85, 1), rng.uniform(0.7, 1.1)], np.float32)
        _add_light(
            picture, labels, number, rng.uniform(0, 1, 2) * (rows, cols), rng.uniform(0.6, 1.3), light * tint, trail
        )
    return Lights(np.clip(picture, 0, 1), labels)


def night_lamps(rows: int, cols: int, seed: int) -> Lights:
    """Return a town at night: houses with rows of windows, and street lamps with halos."""
    rng = np.random.default_rng([seed, 2])
    picture = np.full((rows, cols, 3), 0.004, np.float32) + (0.01 * _clouds(rng, rows, cols, 5))[..., None]
    labels = np.zeros((rows, cols), np.int32)
    left = 0
    while left < cols:
        left += _add_house(rng, picture, labels, left)
    number = int(labels.max())
    for _ in range(40):
        number += 1
        place = rng.uniform((0.55, 0), (0.95, 1)) * (rows, cols)
        tint = np.array([1, rng.uniform(0.6, 0.95), rng.uniform(0.3, 0.8)], np.float32)
        _add_light(picture, labels, number, place, rng.uniform(0.8, 3.5), tint, 0.0)
    return Lights(np.clip(picture, 0, 1), labels)


def _add_house(rng: np.random.Generator, picture: Linear, labels: Labels, left: int) -> int:
    """Draw a house with lit windows at a column and number the windows; returns the width of the house."""
    rows, cols = labels.shape
    number = int(labels.max())
    width, roof = int(rng.uniform(0.04, 0.12) * cols), int(rng.uniform(0.3, 0.7) * rows)
    picture[roof:, left : left + width] = rng.uniform(0.004, 0.03)
    size, pitch = max(int(rng.uniform(2, 5)), 2), int(rng.uniform(9, 16))
    for row in range(roof + pitch, int(0.9 * rows), pitch):
        for col in range(left + pitch // 2, min(left + width - size, cols - size), pitch):
            if rng.uniform() < 0.35:
                number += 1
                colour = rng.uniform(0.1, 0.9) * np.array([1, 0.75, 0.4], np.float32)
                picture[row : row + size, col : col + size] = colour
                labels[row : row + size, col : col + size] = number
    return width


def _add_light(
    picture: Linear,
    labels: Labels,
    number: int,
    place: npt.NDArray[np.float64],
    sigma_px: float,
    light: Linear,
    trail: float,
) -> None:
    reach = int(np.ceil(4 * sigma_px + trail)) + 1
    row, col = int(place[0]), int(place[1])
    rows = slice(max(row - reach, 0), row + reach + 1)
    cols = slice(max(col - reach, 0), col + reach + 1)
    down, across = np.mgrid[rows, cols][:, : picture.shape[0] - rows.start, : picture.shape[1] - cols.start]
    across = np.maximum(np.abs(across - place[1]) - trail / 2, 0)
    distance = np.hypot(down - place[0], across).astype(np.float32)
    spread = np.exp(-0.5 * (distance / sigma_px) ** 2)
    picture[rows, cols] += spread[..., None] * light
    labels[rows, cols][distance <= max(_STAR_REACH_PX, sigma_px)] = number


def rocks(rows: int, cols: int, seed: int) -> Linear:
    """Return stones with hard shadows and cracks, as sharp as a good lens shows them."""
    rng = np.random.default_rng([seed, 3])
    height = np.zeros((rows, cols), np.float32)
    for octave, weight in ((5, 1.0), (4, 0.7), (3, 0.5), (2, 0.35), (1, 0.2)):
        # Folded noise has sharp ridges, like broken stone.
        height += weight * np.abs(2 * _clouds(rng, rows, cols, octave) - 1)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + 0.6 * cv2.Sobel(height, cv2.CV_32F, 0, 1)
    light = np.clip(0.28 + 0.16 * slope, 0.01, 0.95)
    tint = np.stack(
        [0.9 + 0.2 * _clouds(rng, rows, cols, 6), np.full((rows, cols), 0.88), np.full((rows, cols), 0.75)], -1
    )
    picture: Linear = np.clip(light[..., None] * tint, 0, 1).astype(np.float32)
    return picture


def foliage(rows: int, cols: int, seed: int) -> Linear:
    """Return many leaves, with gaps of bright sky between them."""
    rng = np.random.default_rng([seed, 4])
    picture = np.empty((rows, cols, 3), np.float32)
    picture[:] = (0.65, 0.75, 0.9)
    for _ in range(rows * cols // 45):
        centre = (int(rng.uniform(0, cols)), int(rng.uniform(0, rows)))
        long = rng.gamma(4, 2.5)
        axes = (max(int(long), 1), max(int(long * rng.uniform(0.25, 0.6)), 1))
        green = rng.uniform(0.02, 0.4) * np.array([rng.uniform(0.5, 0.95), 1, rng.uniform(0.1, 0.4)])
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 360), 0, 360, green.tolist(), -1, cv2.LINE_AA)
        if rng.uniform() < 0.05:
            cv2.circle(picture, centre, 1, (0.9, 0.95, 0.85), -1, cv2.LINE_AA)
    return np.asarray(np.clip(cv2.GaussianBlur(picture, (0, 0), 0.6), 0, 1), np.float32)


def wires(rows: int, cols: int, seed: int) -> Linear:
    """Return a ship's rig against the sky: sagging ropes, a mesh, birds."""
    rng = np.random.default_rng([seed, 5])
    picture = (0.45 + 0.3 * _clouds(rng, rows, cols, 8))[..., None] * np.array([0.75, 0.88, 1.0], np.float32)
    picture = np.ascontiguousarray(picture, np.float32)
    for _ in range(60):
        ends = rng.uniform(-0.1, 1.1, (2, 2)) * (cols, rows)
        along = np.linspace(0, 1, 40)[:, None]
        line = ends[0] * (1 - along) + ends[1] * along
        line[:, 1] += rng.uniform(0, 0.1) * rows * (4 * along * (1 - along))[:, 0]
        points = np.round(line * 8).astype(np.int32)
        cv2.polylines(picture, [points], False, (0.04, 0.04, 0.05), int(rng.integers(1, 3)), cv2.LINE_AA, 3)
    step = max(rows // 90, 7)
    for place in range(0, rows // 3, step):
        cv2.line(picture, (0, place), (cols // 3, place), (0.08, 0.08, 0.08), 1, cv2.LINE_AA)
        cv2.line(
            picture, (place * cols // rows, 0), (place * cols // rows, rows // 3), (0.08, 0.08, 0.08), 1, cv2.LINE_AA
        )
    for _ in range(25):
        col, row = rng.uniform(0, cols), rng.uniform(0, rows)
        wing = rng.uniform(3, 9)
        bird = np.array([[col - wing, row - wing / 2], [col, row], [col + wing, row - wing / 2]])
        cv2.polylines(picture, [np.round(bird * 8).astype(np.int32)], False, (0.05, 0.05, 0.05), 2, cv2.LINE_AA, 3)
    return np.asarray(np.clip(picture, 0, 1))


def _clouds(rng: np.random.Generator, rows: int, cols: int, octave: int) -> Linear:
    """Return smooth noise, 0..1, with features of 2**octave pixels."""
    small = rng.uniform(0, 1, (rows // 2**octave + 4, cols // 2**octave + 4)).astype(np.float32)
    large = cv2.resize(small, None, fx=2**octave, fy=2**octave, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(large[:rows, :cols], 0, 1), np.float32)


def texture(name: str, tint: Colour, *, enlarged: float = 1.0) -> MakePicture:
    """Return a function that makes a tinted picture of one of scikit-image's grey photographs.

    Parameters
    ----------
    name : str
        Its name in `skimage.data`.
    tint : tuple of float
        Factor of each channel.
    enlarged : float
        Largest factor of enlargement.
    """

    def make(rows: int, cols: int) -> npt.NDArray[np.uint8]:
        grey = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        tiled = covering(grey, rows, cols, most_enlarged=enlarged)
        tinted: npt.NDArray[np.uint8] = np.rint(tiled * np.array(tint)).clip(0, 255).astype(np.uint8)
        return tinted

    return make


def motorcycle(rows: int, cols: int) -> npt.NDArray[np.uint8]:
    """Return a motorcycle in a workshop: chrome, spokes, tools on a wall."""
    return covering(Image.fromarray(skimage.data.stereo_motorcycle()[0]), rows, cols)  # type: ignore[no-untyped-call]


def drawn(make: Callable[[int, int, int], Linear], seed: int) -> MakePicture:
    """Return a function that makes a drawn picture with a seed."""
    return lambda rows, cols: make(rows, cols, seed)
