"""Hard negatives: things that look like dust, painted into the scene, so that lens, film and grain blur them too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from filmscand.film.fields import Plane, smooth_field
from filmscand.film.shapes import Curl, curved_path

Draw = Callable[[np.random.Generator, Plane], None]
# OpenCV takes positions in sixteenths of a pixel: 2^-4.
_SHIFT = 4
# Share of the inks that are coloured.
_COLOURED = 0.3
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)


def stars(rng: np.random.Generator, picture: Plane) -> None:
    """Add stars of all magnitudes with the point spread of one lens."""
    rows, cols = picture.shape[:2]
    points = np.zeros((rows, cols, 3), np.float32)
    count = int(rows * cols * 10 ** rng.uniform(-4, -2.6))
    place = (rng.integers(0, rows, count), rng.integers(0, cols, count))
    light = np.minimum(rng.pareto(rng.uniform(0.9, 1.8), count) * rng.uniform(0.2, 2), 60)
    points[place] = light[:, None] * np.clip(rng.normal(1, 0.15, (count, 3)), 0.5, 1.5)
    spread: Plane = np.asarray(cv2.GaussianBlur(points, (0, 0), rng.uniform(0.55, 1.6)))
    if rng.uniform() < 0.4:
        spread += 0.08 * cv2.GaussianBlur(points, (0, 0), rng.uniform(2, 5))
    np.minimum(picture + spread, np.float32(1), out=picture)


def lamps(rng: np.random.Generator, picture: Plane) -> None:
    """Add lamps; some are defocused to discs, some glow."""
    rows, cols = picture.shape[:2]
    for _ in range(int(rng.integers(4, 60))):
        cover = _canvas(picture)
        radius = rng.uniform(0.5, 2.5) if rng.uniform() < 0.75 else rng.uniform(3, 14)
        _disc(cover, (rng.uniform(0, rows), rng.uniform(0, cols)), radius)
        colour = rng.uniform(0.4, 1) * np.array([1, rng.uniform(0.5, 1), rng.uniform(0.2, 1)])
        _blend(picture, _softened(cover, rng.uniform(0.4, 1.2)), colour)
    if rng.uniform() < 0.6:
        glow = np.maximum(picture - np.float32(0.6), 0)
        picture += np.float32(rng.uniform(0.1, 0.6)) * cv2.GaussianBlur(glow, (0, 0), rng.uniform(3, 12))


def birds(rng: np.random.Generator, picture: Plane) -> None:
    """Paint small dark or light things: birds, freckles, pebbles, seeds."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    draw, size = (_spot, rng.uniform(0.7, 4)) if rng.uniform() < 0.6 else (_gull, rng.uniform(2, 9))
    for _ in range(int(rng.integers(3, 25))):
        draw(rng, cover, np.array([rng.uniform(0, rows), rng.uniform(0, cols)]), size)
    _blend(picture, _softened(cover, rng.uniform(0.7, 2)), rng.uniform(0.02, 0.5) * rng.uniform(0.5, 1, 3))


def wires(rng: np.random.Generator, picture: Plane) -> None:
    """Paint sagging wires and girders, dark or bright."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    for _ in range(int(rng.integers(1, 9))):
        ends = np.sort(rng.uniform(-0.2, 1.2, 2)) * cols if rng.uniform() < 0.7 else rng.uniform(0, 1, 2) * cols
        along = np.linspace(0, 1, 40)
        heights = np.interp(along, [0, 1], rng.uniform(-0.1, 1.1, 2) * rows)
        sag = rng.uniform(0, 0.15) * rows * 4 * along * (1 - along)
        path = np.stack([heights + sag, np.interp(along, [0, 1], ends)], 1)
        _line(cover, path, int(rng.integers(1, 5)))
    _blend(picture, _softened(cover, rng.uniform(0.5, 1.3)), _ink(rng))


def ropes(rng: np.random.Generator, picture: Plane) -> None:
    """Paint ropes, cables and bars across the whole picture; a line that ended within it could be a hair."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    along = np.linspace(-0.05, 1.05, 40)
    slack = rng.uniform(0, 0.12)
    for _ in range(int(rng.integers(2, 16))):
        ends = rng.uniform(-0.2, 1.2, 2)
        across = np.interp(along, [0, 1], ends) + slack * rng.uniform(0, 4) * along * (1 - along)
        path = np.stack([across, along] if rng.uniform() < 0.7 else [along, across], 1) * (rows, cols)
        _line(cover, path, int(rng.integers(1, 5)))
    _blend(picture, _softened(cover, rng.uniform(0.4, 1.3)), _ink(rng))


def twigs(rng: np.random.Generator, picture: Plane) -> None:
    """Paint grass, fur, twigs or strands: many curved lines of one kind and direction."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    lean, spread = rng.uniform(0, 2 * math.pi), rng.uniform(0.1, 0.8)
    length, bend = rng.uniform(15, 150), rng.uniform(0.002, 0.03)
    middle = rng.uniform(0, 1, 2) * (rows, cols)
    for _ in range(int(rng.integers(20, 250))):
        path = curved_path(rng, length * rng.uniform(0.5, 1.5), Curl(rng.normal(lean, spread), bend, 20), 4.0)
        _line(cover, path + middle + rng.normal(0, 0.25, 2) * (rows, cols), int(rng.integers(1, 3)))
    _blend(picture, _softened(cover, rng.uniform(0.5, 1.5)), _ink(rng))


def foliage(rng: np.random.Generator, picture: Plane) -> None:
    """Paint leaves against the light, with gaps of sky between them."""
    rows, cols = picture.shape[:2]
    field = smooth_field(rng, (rows, cols), rng.uniform(10, 60), octaves=5)
    cover = np.clip(0.5 + (field - rng.uniform(-0.2, 0.25)) * rng.uniform(4, 20), 0, 1).astype(np.float32)
    cover *= np.clip(0.5 + 3 * (smooth_field(rng, (rows, cols), 250) + rng.uniform(-0.3, 0.5)), 0, 1)
    _blend(picture, _softened(cover * 255, rng.uniform(0.4, 1.2)), _ink(rng) * np.array([0.8, 1.2, 0.6]))


def lettering(rng: np.random.Generator, picture: Plane) -> None:
    """Print lines of random letters and signs."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    scale = rng.uniform(0.25, 1.6)
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    step = max(int(rng.uniform(24, 40) * scale), 7)
    for row in range(int(rng.uniform(0, rows / 2)), rows, step):
        text = "".join(chr(int(code)) for code in rng.integers(33, 123, 60))
        origin = (int(rng.integers(0, max(cols // 3, 1))), row)
        cv2.putText(cover, text, origin, font, scale, 255, 1 + int(rng.integers(0, 3)), cv2.LINE_AA)
    _blend(picture, _softened(cover, rng.uniform(0.4, 1.0)), _ink(rng))


def windows(rng: np.random.Generator, picture: Plane) -> None:
    """Paint window bars, a fence or brickwork: a slanted grid."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    slant, pitch = rng.normal(0, 0.2), rng.uniform(8, 90)
    thick = max(1, int(pitch * rng.uniform(0.04, 0.2)))
    for offset in np.arange(-rows, rows + cols, pitch):
        _line(cover, np.array([[0, offset], [rows, offset + slant * rows]]), thick)
        if slant > -0.1:
            _line(cover, np.array([[offset, 0], [offset - slant * cols, cols]]), thick)
    _blend(picture, _softened(cover, rng.uniform(0.4, 1.2)), _ink(rng))


def gravel(rng: np.random.Generator, picture: Plane) -> None:
    """Roughen the picture at the finest scales, as gravel, plaster, cloth, glittering water and snow do."""
    rows, cols = picture.shape[:2]
    field = smooth_field(rng, (rows, cols), rng.uniform(2, 16), octaves=int(rng.integers(1, 4)))
    if rng.uniform() < 0.4:
        field = np.sign(field) * np.abs(field) ** np.float32(rng.uniform(1.5, 4)) * 2
    where = np.clip(0.5 + 3 * (smooth_field(rng, (rows, cols), 250) + rng.uniform(-0.2, 0.5)), 0, 1)
    picture *= np.exp(np.float32(rng.uniform(0.4, 2.5)) * field * where)[..., None]
    np.clip(picture, 0, 1, out=picture)


def panels(rng: np.random.Generator, picture: Plane) -> None:
    """Paint plain panels with thin joints, frames and edges, dark or bright: facades, doors, boxes, window frames."""
    rows, cols = picture.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        high, wide = rng.uniform(0.2, 1, 2) * (rows, cols)
        corner = rng.uniform(-0.1, 0.8, 2) * (rows, cols)
        plain, joints = _canvas(picture), _canvas(picture)
        corners = np.array([[0, 0], [0, wide], [high, wide], [high, 0], [0, 0]])
        turn = rng.normal(0, 0.15)
        slanted = _slanted(corners, turn) + corner
        cv2.fillPoly(plain, [_points(slanted)], 255, cv2.LINE_AA, _SHIFT)
        for at in rng.uniform(0, 1, int(rng.integers(1, 6))):
            ends = np.array(
                [[0, at * wide], [high, at * wide]] if rng.uniform() < 0.5 else [[at * high, 0], [at * high, wide]]
            )
            _line(joints, _slanted(ends, turn) + corner, int(rng.integers(1, 4)))
        if rng.uniform() < 0.5:
            _line(joints, slanted, int(rng.integers(1, 4)))
        _blend(picture, _softened(plain, rng.uniform(0.4, 1.2)), _ink(rng))
        _blend(picture, _softened(joints, rng.uniform(0.4, 1.2)) * np.float32(rng.uniform(0.3, 1)), _ink(rng))


def road_paint(rng: np.random.Generator, picture: Plane) -> None:
    """Paint a road with its markings: bright dashes, edge lines and bars that run towards one point."""
    rows, cols = picture.shape[:2]
    tarmac = np.asarray(rng.uniform(0.02, 0.25) * rng.uniform(0.85, 1.1, 3), np.float32)
    field = smooth_field(rng, (rows, cols), rng.uniform(2, 8), octaves=2)
    if rng.uniform() < 0.6:
        picture[:] = tarmac * np.exp(np.float32(rng.uniform(0.05, 0.4)) * field)[..., None]
        np.clip(picture, 0, 1, out=picture)
    cover = _canvas(picture)
    vanishing = np.array([rng.uniform(-1.5, 0.1) * rows, rng.uniform(-0.2, 1.2) * cols])
    dash, gap = rng.uniform(0.03, 0.25), rng.uniform(0.0, 0.3)
    for foot in rng.uniform(-0.5, 1.5, int(rng.integers(1, 5))) * cols:
        half = rng.uniform(1, 9)
        at = rng.uniform(0, dash)
        while at < 1:
            along = np.array([at, at, min(at + dash, 1), min(at + dash, 1)])[:, None]
            near = np.array([[rows, foot - half], [rows, foot + half], [rows, foot + half], [rows, foot - half]])
            cv2.fillPoly(cover, [_points(near + along * (vanishing - near))], 255, cv2.LINE_AA, _SHIFT)
            at += dash + gap
    worn = np.clip(1 - np.float32(rng.uniform(0, 0.8)) * np.maximum(field, 0), 0, 1)
    paint = rng.uniform(0.4, 1) * np.array([1, rng.uniform(0.75, 1), rng.choice([0.15, 0.9])])
    _blend(picture, _softened(cover, rng.uniform(0.4, 1.4)) * worn, paint)


def highlights(rng: np.random.Generator, picture: Plane) -> None:
    """Add specular highlights: small white spots and streaks along curves, as on chrome, water, glass and leaves."""
    rows, cols = picture.shape[:2]
    cover = _canvas(picture)
    for _ in range(int(rng.integers(1, 8))):
        heading, bend = rng.uniform(0, 2 * math.pi), rng.uniform(0.002, 0.05)
        path = curved_path(rng, rng.uniform(20, 200), Curl(heading, bend, 20), 2.0) + rng.uniform(0, 1, 2) * (
            rows,
            cols,
        )
        for _ in range(int(rng.integers(1, 9))):
            first = int(rng.integers(0, max(len(path) - 2, 1)))
            last = first + 1 + int(rng.gamma(1.0, 6) * (rng.uniform() < 0.5))
            _line(cover, path[first : last + 1], int(rng.integers(1, 4)))
    spread = _softened(cover, rng.uniform(0.5, 1.3))
    if rng.uniform() < 0.5:
        spread = np.minimum(spread + np.float32(rng.uniform(0.1, 0.6)) * _softened(cover, rng.uniform(2, 6)), 1)
    _blend(picture, spread, rng.uniform(0.7, 1) * rng.uniform(0.85, 1, 3))


HARD_NEGATIVES: Final[dict[str, Draw]] = {
    "stars": stars,
    "lamps": lamps,
    "birds": birds,
    "wires": wires,
    "ropes": ropes,
    "twigs": twigs,
    "foliage": foliage,
    "lettering": lettering,
    "windows": windows,
    "gravel": gravel,
    "panels": panels,
    "road paint": road_paint,
    "highlights": highlights,
}


def _canvas(picture: Plane) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.zeros(picture.shape[:2], np.uint8)


def _softened(cover: np.ndarray, sigma_px: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(cover.astype(np.float32) / 255, (0, 0), sigma_px), np.float32)


def _blend(picture: Plane, cover: Plane, colour: np.ndarray) -> None:
    picture += cover[..., None] * (np.asarray(colour, np.float32) - picture)


def _ink(rng: np.random.Generator) -> np.ndarray:
    if rng.uniform() < _COLOURED:
        return np.asarray(rng.uniform(0, 1, 3) ** 2)
    level = rng.uniform(0.0, 0.15) if rng.uniform() < 0.65 else rng.uniform(0.4, 1)
    return np.asarray(level * rng.uniform(0.6, 1, 3))


def _slanted(path: np.ndarray, turn_radians: float) -> np.ndarray:
    cosine, sine = math.cos(turn_radians), math.sin(turn_radians)
    return np.asarray(path @ np.array([[cosine, sine], [-sine, cosine]]))


def _points(path: np.ndarray) -> np.ndarray:
    """Return rows and columns as the points that OpenCV takes."""
    points: np.ndarray = np.rint(path[:, ::-1] * 2**_SHIFT).astype(np.int32).reshape(-1, 1, 2)
    return points


def _spot(rng: np.random.Generator, cover: np.ndarray, place_px: np.ndarray, size_px: float) -> None:
    axes = size_px * rng.uniform(0.5, 1.5) * np.array([1, rng.uniform(0.4, 1)])
    centre, lengths = _fixed(place_px[::-1]), _fixed(axes)
    cv2.ellipse(cover, centre, lengths, rng.uniform(0, 180), 0, 360, rng.uniform(80, 255), -1, cv2.LINE_AA, _SHIFT)


def _gull(rng: np.random.Generator, cover: np.ndarray, place_px: np.ndarray, size_px: float) -> None:
    """Draw a distant bird: two wings."""
    wing = size_px * rng.uniform(0.6, 1.3)
    for side in (-1, 1):
        lift, bend = rng.uniform(-0.2, 0.9), rng.uniform(0, 0.4)
        along = np.linspace(0, 1, 6)
        path = np.stack([-wing * (lift * along + bend * 4 * along * (1 - along)), side * wing * along], 1)
        _line(cover, place_px + path, int(rng.integers(1, 4)))


def _fixed(values: np.ndarray) -> tuple[int, int]:
    first, second = np.rint(np.asarray(values) * 2**_SHIFT).astype(int)
    return int(first), int(second)


def _disc(cover: np.ndarray, place_px: tuple[float, float], radius_px: float) -> None:
    centre, (radius, _) = _fixed(np.array(place_px[::-1])), _fixed(np.array([radius_px, 0]))
    cv2.circle(cover, centre, radius, 255, -1, cv2.LINE_AA, _SHIFT)


def _line(cover: np.ndarray, path: np.ndarray, thickness_px: int) -> None:
    cv2.polylines(cover, [_points(path)], False, 255, thickness_px, cv2.LINE_AA, _SHIFT)
