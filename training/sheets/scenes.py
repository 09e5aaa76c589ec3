"""Scenes for sheets: crops of photographs, drawn pictures, print, and hard negatives painted over them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.density import linear_picture
from filmscand.film.fields import Plane, smooth_field
from filmscand.film.pictures import PICTURES
from training.sheets.hard_negatives import HARD_NEGATIVES
from training.sheets.sources import Picture, Sources

# Share of the scenes, night and spans apart, that show a photograph if there are any.
PHOTO_SHARE = 0.85
# Share of the photographs of which the roughest of several crops is taken, and the number of those crops. Most of a
# photograph is smooth, and dust is missed in rough parts.
ROUGH_SHARE = 0.2
ROUGHEST_OF = 4
# Share of the scenes with stars or lamps at night.
NIGHT_SHARE = 0.06
# Share of the scenes with girders or ropes before a sky. Nothing resembles a hair as much, and a network that learns
# hairs of another colour forgets them.
SPANS_SHARE = 0.1
# The same share on negatives, where girders and ropes are bright, as scratches are.
SPANS_ON_NEGATIVES = 0.2
# Share of the scenes that are print. Its sharp edges remain in the infrared after the leakage has been subtracted, as a
# pattern of specks: a network that had seen print in 7 % of its scenes took up to 2 % of a spotless poster for dirt.
PRINT_SHARE = 0.08
# Smallest and largest number of photograph pixels for one sheet pixel: from sharp to the grain to soft.
_SCALES = (0.6, 3.4)


def draw_scene(
    rng: np.random.Generator,
    size_px: int,
    sources: Sources,
    *,
    hard_share: float = 0.35,
    points: bool = True,
    spans_share: float = SPANS_SHARE,
) -> Plane:
    """Draw a picture in linear light.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the choices.
    size_px : int
        Rows and columns.
    sources : Sources
        Photographs to crop.
    hard_share : float
        Probability of hard negatives over the picture, 0..1.
    points : bool
        Whether points of light are allowed. On a negative they are dark and look like dust.
    spans_share : float
        Probability of girders or ropes before a sky, 0..1.

    Returns
    -------
    ndarray of float32, shape (size_px, size_px, 3)
        Linear light, 0..1.
    """
    if points and rng.uniform() < NIGHT_SHARE:
        return _night(rng, size_px)
    if rng.uniform() < spans_share:
        return _through_lens(rng, _recoloured(rng, _spans(rng, size_px)))
    if rng.uniform() < PRINT_SHARE:
        return _clipped(_through_lens(rng, _recoloured(rng, _print(rng, size_px))))
    if len(sources.photos) and rng.uniform() < PHOTO_SHARE:
        scene = _photographed(rng, size_px, sources)
    else:
        scene = _drawn(rng, size_px)
    scene = _recoloured(rng, scene)
    if rng.uniform() < hard_share:
        for _ in range(int(rng.integers(1, 3))):
            names = [name for name in HARD_NEGATIVES if points or name not in _POINTS]
            chances = np.array([_CHANCES.get(name, 1.0) for name in names])
            HARD_NEGATIVES[names[int(rng.choice(len(names), p=chances / chances.sum()))]](rng, scene)
    return _clipped(_through_lens(rng, scene))


_POINTS = ("stars", "lamps", "highlights")
# Relative probability of a hard negative, 1 if not listed. Those under 1 resemble hairs and specks so closely that they
# would teach the network to miss hairs and specks if they were drawn more often.
_CHANCES = {"twigs": 0.3, "birds": 0.3, "wires": 0.5, "ropes": 0.5, "gravel": 2.0, "lettering": 2.0, "panels": 2.0}


def _photographed(rng: np.random.Generator, size_px: int, sources: Sources) -> Plane:
    """Cut a square out of a photograph, sometimes from a rough part: gravel, grass, bark, foliage, cloth."""
    crops = ROUGHEST_OF if rng.uniform() < ROUGH_SHARE else 1
    photos = rng.integers(0, len(sources.photos), crops)
    return max((photo_crop(rng, size_px, sources.photos[int(photo)]) for photo in photos), key=roughness)


def roughness(scene: Plane) -> float:
    """Return the mean difference of neighbouring pixels, rows plus columns, of the square root of linear light."""
    seen = np.sqrt(scene)
    return float(np.abs(np.diff(seen, axis=0)).mean() + np.abs(np.diff(seen, axis=1)).mean())


def photo_crop(rng: np.random.Generator, size_px: int, photo: Picture) -> Plane:
    """Cut a square out of a photograph, at a random scale and sometimes turned.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of place, scale and turn.
    size_px : int
        Rows and columns to return.
    photo : (rows, cols, 3) ndarray of uint8
        Photograph in sRGB.

    Returns
    -------
    (size_px, size_px, 3) ndarray of float32
        Linear light, 0..1.
    """
    fit = min(photo.shape[:2]) / size_px
    scale = min(math.exp(rng.uniform(math.log(_SCALES[0]), math.log(_SCALES[1]))), fit)
    angle = rng.uniform(-20, 20) if rng.uniform() < 0.2 and 1.3 * scale < fit else 0.0
    wide = math.ceil(size_px * scale * (1.3 if angle else 1))
    top, left = (int(rng.integers(0, length - wide + 1)) for length in photo.shape[:2])
    crop = photo[top : top + wide, left : left + wide]
    if angle:
        turned = cv2.getRotationMatrix2D((wide / 2, wide / 2), angle, 1)
        crop = np.asarray(cv2.warpAffine(crop, turned, (wide, wide), flags=cv2.INTER_LINEAR), np.uint8)
        cut = (wide - math.ceil(size_px * scale)) // 2
        crop = crop[cut : wide - cut, cut : wide - cut]
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    small = cv2.resize(crop, (size_px, size_px), interpolation=method)
    small = np.rot90(small, int(rng.integers(4)))
    return linear_picture(np.ascontiguousarray(small[:, ::-1] if rng.uniform() < 0.5 else small, np.uint8))


def _drawn(rng: np.random.Generator, size_px: int) -> Plane:
    if rng.uniform() < 0.25:
        return _gradient(rng, size_px)
    names = sorted(PICTURES)
    return _cut_of(rng, size_px, names[int(rng.integers(len(names)))], 1.6)


def _cut_of(rng: np.random.Generator, size_px: int, name: str, most: float) -> Plane:
    """Cut a square out of one of `PICTURES`, drawn up to `most` times as large, so that its lines vary in width."""
    drawn_px = int(size_px * rng.uniform(1, most))
    picture = PICTURES[name](drawn_px, drawn_px, int(rng.integers(2**31)))
    first = rng.integers(0, drawn_px - size_px + 1, 2)
    return np.ascontiguousarray(picture[first[0] : first[0] + size_px, first[1] : first[1] + size_px])


def _gradient(rng: np.random.Generator, size_px: int) -> Plane:
    level = 10 ** rng.uniform(-2.5, -0.1)
    field = smooth_field(rng, (size_px, size_px), rng.uniform(100, 600), octaves=int(rng.integers(1, 4)))
    light = level * np.exp(np.float32(rng.uniform(0.05, 0.8)) * field)
    return _clipped(light[..., None] * rng.uniform(0.4, 1.4, 3))


def _night(rng: np.random.Generator, size_px: int) -> Plane:
    scene = _gradient(rng, size_px) * np.float32(10 ** rng.uniform(-2, -0.5))
    if rng.uniform() < 0.85:
        HARD_NEGATIVES["stars"](rng, scene)
    if rng.uniform() < 0.4:
        HARD_NEGATIVES["lamps"](rng, scene)
    return _clipped(scene)


def _spans(rng: np.random.Generator, size_px: int) -> Plane:
    """Draw girders or ropes before a sky."""
    if rng.uniform() < 0.5:
        return _cut_of(rng, size_px, "girders", 2.4)
    scene = _cut_of(rng, size_px, "smooth_sky", 2.4) if rng.uniform() < 0.5 else _gradient(rng, size_px)
    for _ in range(int(rng.integers(1, 3))):
        HARD_NEGATIVES["ropes"](rng, scene)
    return scene


def _print(rng: np.random.Generator, size_px: int) -> Plane:
    """Draw a poster, or lines of text on plain ground."""
    if rng.uniform() < 0.6:
        return _cut_of(rng, size_px, "lettering", 2.4)
    scene = _gradient(rng, size_px)
    for _ in range(int(rng.integers(1, 3))):
        HARD_NEGATIVES["lettering"](rng, scene)
    return scene


def _recoloured(rng: np.random.Generator, scene: Plane) -> Plane:
    contrast = math.exp(rng.normal(0, 0.25))
    gains = np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    return _clipped(scene ** np.float32(contrast) * gains)


def _clipped(scene: npt.NDArray[np.floating]) -> Plane:
    return np.asarray(np.clip(scene, 0, 1), np.float32)


def _through_lens(rng: np.random.Generator, scene: Plane) -> Plane:
    chance = rng.uniform()
    if chance < 0.4:
        return scene
    sigma = rng.uniform(0.3, 1.2) if chance < 0.85 else rng.uniform(1.2, 4)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32)
