"""Pictures of the third simulator: photographs, and drawn ones with what looks like a hair, a scratch or a speck.

All drawings are made twice as large and reduced; (rows, cols, 3) uint8 in sRGB.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.frames.drawn_pictures import motorcycle
from bench.frames.photographs import MakePicture, held_out_pictures, photograph
from bench.third.recipe import Scene
from bench.third.veils import smooth_noise

Picture = npt.NDArray[np.uint8]
Rng = np.random.Generator
MakeEightBits = Callable[[int, int], Picture]
Colour = tuple[int, int, int]

_ENLARGED = 2
# scikit-image's photographs are small: enlarged less, they would be mirrored at their edges.
_MOST_ENLARGED = 3.0
_WORDS = [
    "EXIT",
    "PORTRA",
    "400",
    "Bahnhof",
    "Theater",
    "STOP",
    "17",
    "Milk",
    "&",
    "Bread",
    "No.",
    "5",
    "open",
    "MUSEUM",
    "Rue",
    "de",
    "la",
    "Paix",
    "1987",
    "A-38",
    "Hotel",
    "Adler",
]
_INK: tuple[Colour, ...] = ((20, 20, 24), (245, 245, 240), (190, 30, 30), (240, 200, 40), (30, 60, 150), (90, 90, 90))


def scene_pictures(scene: Scene, photos: Path | None) -> list[MakeEightBits]:
    """Return functions that make the pictures of a scene, each from rows and columns.

    Parameters
    ----------
    scene : Scene
        What they show.
    photos : Path or None
        A folder of photographs to take besides those that scikit-image brings.
    """
    if scene is Scene.PHOTOGRAPHS:
        own = [photograph(name, most_enlarged=_MOST_ENLARGED) for name in ("coffee", "astronaut", "chelsea", "rocket")]
        return [_eight_bits(make) for make in (*own, motorcycle, *_folder(photos))]
    draw = _DRAWINGS[scene]
    return [_drawn(draw, seed) for seed in range(3)]


def _folder(photos: Path | None) -> list[MakePicture]:
    return [] if photos is None else list(held_out_pictures(photos).values())


def _eight_bits(make: MakePicture) -> MakeEightBits:
    return lambda rows, cols: np.asarray(make(rows, cols), np.uint8)


def _drawn(draw: Callable[[Image.Image, Rng], Picture], seed: int) -> MakeEightBits:
    def make(rows: int, cols: int) -> Picture:
        rng = np.random.default_rng(40_000 + seed)
        large = Image.new("RGB", (_ENLARGED * cols, _ENLARGED * rows))
        drawing = draw(large, rng)
        return np.asarray(cv2.resize(drawing, (cols, rows), interpolation=cv2.INTER_AREA), np.uint8)

    return make


def lettering(canvas: Image.Image, rng: Rng) -> Picture:
    """Return signs and labels on a wall: words of many sizes, colours and grounds."""
    canvas = Image.fromarray(_ground(canvas, rng, _pick(rng, ((168, 160, 150), (205, 200, 190), (95, 105, 110))), 6))
    draw = ImageDraw.Draw(canvas)
    for _ in range(45):
        size = int(rng.uniform(9, 75)) * _ENLARGED
        font = ImageFont.load_default(size)
        word = str(rng.choice(_WORDS))
        at = tuple((rng.uniform(-0.03, 0.95, 2) * canvas.size).tolist())
        ink, paper = (_INK[number] for number in rng.choice(len(_INK), 2, replace=False))
        if rng.random() < 0.5:
            left, top, right, bottom = draw.textbbox(at, word, font=font)
            pad = size / 4
            draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), paper)
        draw.text(at, word, ink, font=font)
    return _weathered(canvas, rng, 2.5)


def road(canvas: Image.Image, rng: Rng) -> Picture:
    """Return a street in perspective: lane markings, a crossing, kerbs, and asphalt of fine grain."""
    width, height = canvas.size
    horizon = int(height * rng.uniform(0.25, 0.4))
    ground = _ground(canvas, rng, (88, 88, 92), 9)
    ground[:horizon] = _ground(canvas, rng, (150, 175, 205), 5)[:horizon]
    canvas = Image.fromarray(ground)
    draw = ImageDraw.Draw(canvas)
    vanishing = width * rng.uniform(0.35, 0.65)

    def place(across: float, depth: float) -> tuple[float, float]:
        """Return the pixel of a place on the street: metres across, and ahead."""
        return vanishing + across * width / depth / 3, horizon + (height - horizon) * 1.6 / depth

    paint = _pick(rng, ((225, 225, 220), (235, 210, 90)))
    for lane in (-7.5, -4.0, 0.0, 4.0, 7.5):
        dashes = np.arange(1.5, 60, 2.4) if abs(lane) < 7 else np.arange(1.5, 60, 1.0)
        for near in dashes:
            far = near + (1.1 if abs(lane) < 7 else 1.0)
            draw.polygon(
                [place(lane - 0.1, near), place(lane + 0.1, near), place(lane + 0.1, far), place(lane - 0.1, far)],
                paint,
            )
    for across in np.arange(-7, 7, 1.0):
        near, far = 3.2, 3.9
        draw.polygon(
            [place(across, near), place(across + 0.5, near), place(across + 0.5, far), place(across, far)], paint
        )
    for side in (-9, 9):
        draw.line([place(side, 1.2), place(side, 80)], (60, 60, 60), 2 * _ENLARGED)
    return _weathered(canvas, rng, 3.0)


def girders(canvas: Image.Image, rng: Rng) -> Picture:
    """Return trusses before the sky, and a wall of window frames."""
    width, height = canvas.size
    sky = Image.fromarray(_ground(canvas, rng, _pick(rng, ((178, 196, 215), (205, 205, 205), (225, 190, 150))), 8))
    draw = ImageDraw.Draw(sky)
    steel = _pick(rng, ((35, 38, 44), (70, 60, 55), (25, 45, 40)))
    for _ in range(4):
        top, depth = height * rng.uniform(0, 0.7), height * rng.uniform(0.05, 0.15)
        thick, slope = int(rng.uniform(2, 7)) * _ENLARGED, rng.uniform(-0.15, 0.15)
        joints = np.arange(-depth, width + depth, depth)
        for left, right in pairwise(joints):
            upper, lower = (
                [(x, top + slope * x) for x in (left, right)],
                [(x, top + depth + slope * x) for x in (left, right)],
            )
            for ends in (upper, lower):
                draw.line(ends, steel, thick)
            draw.line([upper[0], lower[1]], steel, max(thick // 2, 2))
            draw.line([lower[0], upper[1]], steel, max(thick // 2, 2))
    left, top = width * rng.uniform(0.1, 0.6), height * 0.68
    draw.rectangle((left, top, left + width * 0.35, height), (150, 140, 128))
    for row in np.arange(top + 20, height, height * 0.11):
        for col in np.arange(left + 20, left + width * 0.33, width * 0.05):
            pane = (col, row, col + width * 0.04, row + height * 0.09)
            draw.rectangle(pane, (52, 60, 70), outline=(225, 222, 215), width=3 * _ENLARGED)
            draw.line(
                [(pane[0], (pane[1] + pane[3]) / 2), (pane[2], (pane[1] + pane[3]) / 2)], (225, 222, 215), 2 * _ENLARGED
            )
    return _weathered(sky, rng, 1.0)


def wires(canvas: Image.Image, rng: Rng) -> Picture:
    """Return overhead wires and their masts before a sky with birds, a dark hill below."""
    width, height = canvas.size
    sky = Image.fromarray(_ground(canvas, rng, _pick(rng, ((150, 185, 220), (210, 212, 214), (230, 170, 120))), 7))
    draw = ImageDraw.Draw(sky)
    hill = height * (0.85 + 0.05 * smooth_noise(rng, (1, width), width / 5)[0])
    draw.polygon([(0, height), *zip(range(width), hill.tolist(), strict=True), (width, height)], (45, 52, 40))
    masts = np.cumsum(rng.uniform(0.2, 0.4, 6)) * width - 0.2 * width
    tops = height * rng.uniform(0.15, 0.4, len(masts))
    for level in range(5):
        thick = int(rng.integers(1, 4)) * _ENLARGED
        for one in range(len(masts) - 1):
            share = np.linspace(0, 1, 60)
            ends = [tops[one + more] + level * height * 0.03 for more in (0, 1)]
            sag = height * 0.1 * 4 * share * (1 - share)
            path = zip(
                masts[one] + share * (masts[one + 1] - masts[one]),
                ends[0] + share * (ends[1] - ends[0]) + sag,
                strict=True,
            )
            draw.line([(float(x), float(y)) for x, y in path], (38, 38, 42), thick)
    for mast, top in zip(masts, tops, strict=True):
        draw.line([(mast, top - 20), (mast, height)], (58, 50, 44), 9 * _ENLARGED)
        draw.line([(mast - 60, top), (mast + 60, top)], (58, 50, 44), 5 * _ENLARGED)
    for _ in range(25):
        x, y = rng.uniform(0, width), rng.uniform(0, 0.6 * height)
        span = rng.uniform(4, 14) * _ENLARGED
        draw.line([(x - span, y - span / 3), (x, y), (x + span, y - span / 3)], (40, 40, 44), 2 * _ENLARGED)
    return _weathered(sky, rng, 0.7)


def thin_lines(canvas: Image.Image, rng: Rng) -> Picture:
    """Return a plain ground with thin lines, dark and light, straight and bent: cracks, cords, grass, joints."""
    width, height = canvas.size
    plain = Image.fromarray(_ground(canvas, rng, _pick(rng, ((200, 198, 190), (130, 130, 128), (95, 120, 150))), 10))
    draw = ImageDraw.Draw(plain)
    for _ in range(40):
        ink = _pick(rng, (*_INK, (150, 150, 150), (60, 60, 60)))
        start, angle = rng.uniform(0, 1, 2) * (width, height), rng.uniform(0, np.pi)
        bends = np.cumsum(rng.normal(0, rng.choice([0.0, 0.004, 0.02]), 500)) + angle
        path = start + 3 * np.cumsum(np.stack([np.cos(bends), np.sin(bends)], -1), 0)
        path = path[: int(rng.uniform(40, 500))]
        draw.line([(float(x), float(y)) for x, y in path], ink, int(rng.integers(1, 4)) * _ENLARGED)
    return _weathered(plain, rng, 2.0)


def lights(canvas: Image.Image, rng: Rng) -> Picture:
    """Return a night: stars, lamps with their glow, and glitter on water."""
    width, height = canvas.size
    night = _ground(canvas, rng, (10, 14, 30), 4).astype(np.float32)
    for count, radius, level in ((500, 0.8, 160), (120, 1.4, 230), (25, 2.6, 255)):
        layer = np.zeros((height, width, 3), np.float32)
        for x, y in rng.uniform((0, 0), (width, 0.62 * height), (count, 2)):
            tint = np.array((1, 1, 1)) + rng.normal(0, 0.08, 3)
            cv2.circle(
                layer, (int(x), int(y)), round(radius * _ENLARGED), (tint * level * rng.uniform(0.4, 1)).tolist(), -1
            )
        night += cv2.GaussianBlur(layer, (0, 0), 0.8 * _ENLARGED)
    lamps = np.zeros((height, width, 3), np.float32)
    for x in rng.uniform(0, width, 14):
        at = int(x), int(height * rng.uniform(0.62, 0.68))
        cv2.circle(lamps, at, int(rng.uniform(3, 9)) * _ENLARGED, (255, 225, 160), -1)
    night += lamps + 8 * cv2.GaussianBlur(lamps, (0, 0), 30 * _ENLARGED)
    for x, y in rng.uniform((0, 0.72 * height), (width, height), (700, 2)):
        half = int(rng.uniform(2, 10)) * _ENLARGED
        cv2.line(
            night,
            (int(x) - half, int(y)),
            (int(x) + half, int(y)),
            (225, 205, 165),
            int(rng.integers(1, 3)) * _ENLARGED,
        )
    return _weathered(Image.fromarray(night.clip(0, 255).astype(np.uint8)), rng, 1.0)


_DRAWINGS = {
    Scene.LETTERING: lettering,
    Scene.ROAD: road,
    Scene.GIRDERS: girders,
    Scene.WIRES: wires,
    Scene.THIN_LINES: thin_lines,
    Scene.LIGHTS: lights,
}


def _pick(rng: Rng, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _ground(canvas: Image.Image, rng: Rng, colour: Colour, unevenness: float) -> Picture:
    """Return a plain colour with a slow gradient and soft patches of a deviation in levels."""
    shape = canvas.size[1], canvas.size[0]
    patches = unevenness * (smooth_noise(rng, shape, shape[0] / 3) + 0.5 * smooth_noise(rng, shape, shape[0] / 14))
    return (np.array(colour, np.float32) + patches[..., None]).clip(0, 255).astype(np.uint8)


def _weathered(canvas: Image.Image, rng: Rng, texture: float) -> Picture:
    """Return a drawing with the fine texture of real surfaces, and as a lens shows it."""
    values = np.asarray(canvas, np.float32)
    fine = smooth_noise(rng, values.shape[:2], 3.0) + 0.7 * smooth_noise(rng, values.shape[:2], 9.0)
    soft = cv2.GaussianBlur(values * (1 + texture / 100 * fine[..., None]), (0, 0), 0.6 * _ENLARGED)
    return np.asarray(soft.clip(0, 255), np.uint8)
