"""A second film, scanner and damage, written independently of `film/`, to detect rules that are fitted to `film/`.

Shapes come from thresholded noise and splines, edges from a disc of defocus. Attenuation differs by channel, and some
specks have a bright rim from refraction. Grain is clumps of counted crystals, and the scanner's noise is white.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from bench.frames.second_infrared import SecondInfrared, disc, scan_infrared
from filmscand.film.density import linear_picture
from filmscand.film.frame import Defect, DefectKind, FrameRecipe, Registration, SimulatedFrame
from filmscand.film.recipe import Scanner

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8] | npt.NDArray[np.float32]

# Relative change of the light from which damage counts as visible.
VISIBLE_SHARE = 0.03
# Counts of clear film above black, and of black.
_WHITE = 56_000.0
_BLACK = 90.0
# Standard deviation of the noise in clear light, over clear light.
_NOISE_SHARE = 0.004
_LN10 = np.float32(np.log(10))
# Mean number of defects on a megapixel.
_SPECKS_PER_MP, _HAIRS_PER_MP, _SCRATCHES_PER_MP = 90, 9, 1.2


@dataclass(frozen=True, slots=True)
class _DrawnDefect:
    """One defect: its coverage of each pixel of a window, the density that it adds by channel, its bright rim."""

    kind: DefectKind
    top_px: int
    left_px: int
    coverage: Plane
    density_rgb: Plane
    rim: float


def second_model(
    picture: Picture, *, seed: int, spotless: bool = False, infrared: SecondInfrared | None = None
) -> SimulatedFrame:
    """Return a slide of the second film as the second scanner sees it, with the truth of its damage.

    Parameters
    ----------
    picture : (rows, cols, 3) ndarray
        uint8 in sRGB, or float32 in linear light, 0..1.
    seed : int
        Seed of grain, noise and damage.
    spotless : bool
        Whether the slide has no damage.
    infrared : SecondInfrared, optional
        Properties of the infrared scan; without it the plane is all zeros.

    Returns
    -------
    SimulatedFrame
        Its recipe tells the scanner only.
    """
    rng = np.random.default_rng([seed, 11])
    light = _film(picture, rng)
    shape = (light.shape[0], light.shape[1])
    passed, labels, defects = _cover(shape, [] if spotless else list(_defects(rng, shape)))
    damaged = light * passed
    clean_rgb, rgb = _counts(light, damaged, rng)
    clean_infrared, seen = np.zeros((2, *shape), np.uint16)
    if infrared is not None:
        clean_infrared, seen = scan_infrared(light, passed, labels, infrared, rng)
    change = np.abs(passed - 1).max(-1)
    return SimulatedFrame(
        rgb=rgb,
        clean_rgb=clean_rgb,
        infrared=seen,
        clean_infrared=clean_infrared,
        visible_mask=_visible(light, damaged),
        any_mask=change > 0,
        holder_mask=np.zeros(shape, np.bool_),
        defects=tuple(defects),
        defect_labels=labels,
        registration=Registration(np.zeros(shape[0]), np.zeros(shape[0]), 1.0),
        recipe=FrameRecipe(scanner=Scanner(black_level=_BLACK / 65535)),
        seed=seed,
    )


def _film(picture: Picture, rng: np.random.Generator) -> Plane:
    """Return the light that passes the developed film, (rows, cols, 3), 0..1."""
    exposed = linear_picture(picture)
    density = np.float32(2.7) / (1 + (np.float32(14) * exposed) ** np.float32(0.95))
    crystals = rng.poisson(14, density.shape).astype(np.float32) / 14 - 1
    clumps = cv2.blur(crystals, (2, 2))
    density += np.float32(0.11) * clumps * np.sqrt(np.minimum(density, 1.5) + np.float32(0.03))
    light = np.exp(-_LN10 * np.maximum(density, 0))
    return np.asarray(cv2.filter2D(light, -1, disc(0.9)), np.float32)


def _counts(
    light: Plane, damaged: Plane, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return the counts without and with damage, both with the same noise."""
    noise = _deviation(light) * rng.standard_normal(light.shape, np.float32)
    clean, dirty = (
        np.rint((plane + noise) * _WHITE + _BLACK).clip(0, 65535).astype(np.uint16) for plane in (light, damaged)
    )
    return clean, dirty


def _deviation(light: Plane) -> Plane:
    deviation: Plane = np.float32(_NOISE_SHARE) * np.sqrt(light + np.float32(0.005))
    return deviation


def _visible(light: Plane, damaged: Plane) -> npt.NDArray[np.bool_]:
    change = np.abs(light - damaged)
    return np.asarray(((change > VISIBLE_SHARE * light) & (change > _deviation(light))).any(-1))


def _defects(rng: np.random.Generator, shape: tuple[int, int]) -> Iterator[_DrawnDefect]:
    megapixels = shape[0] * shape[1] / 1e6
    for kind, count, draw in (
        (DefectKind.DUST, _SPECKS_PER_MP, _speck),
        (DefectKind.DIRT, _SPECKS_PER_MP / 4, _clump),
        (DefectKind.LONG_HAIR, _HAIRS_PER_MP, _hair),
        (DefectKind.SCRATCH, _SCRATCHES_PER_MP, _scratch),
    ):
        for _ in range(max(1, int(rng.poisson(count * megapixels)))):
            soft = cv2.filter2D(draw(rng), -1, disc(rng.uniform(0.7, 2.6)), borderType=cv2.BORDER_CONSTANT)
            coverage: Plane = np.asarray(soft, np.float32)
            coverage[coverage < 0.004] = 0
            top, left = (int(rng.uniform(-size // 2, full)) for size, full in zip(coverage.shape, shape, strict=True))
            density = float(np.clip(0.2 * np.exp(0.9 * rng.standard_normal()), 0.02, 2.0))
            # Skin and wood are brown: they let red pass and stop blue.
            tint = np.array([1 - rng.uniform(0, 0.35), 1, 1 + rng.uniform(0, 0.35)], np.float32)
            rim = rng.uniform(0.03, 0.2) if kind is DefectKind.DUST and rng.uniform() < 0.25 else 0.0
            yield _DrawnDefect(kind, top, left, coverage, density * tint, rim)


def _speck(rng: np.random.Generator) -> Plane:
    return _blob(rng, rng.gamma(4, 0.8) + 1, 0.35)


def _clump(rng: np.random.Generator) -> Plane:
    return _blob(rng, rng.gamma(2.5, 1.4) + 2.5, 0.6)


def _blob(rng: np.random.Generator, radius_px: float, unevenness: float) -> Plane:
    """Return thresholded noise that falls off from its middle; drawn three times as large and reduced."""
    half = int(np.ceil(3 * (2 * radius_px + 4)))
    down, across = np.mgrid[-half:half, -half:half].astype(np.float32) / 3
    noise = cv2.GaussianBlur(rng.standard_normal(down.shape).astype(np.float32), (0, 0), 1.5 * radius_px)
    fall = 1 - np.hypot(down, across * rng.uniform(0.6, 1.0)) / np.float32(radius_px)
    return _shrunk((fall + unevenness * noise / noise.std() > 0).astype(np.float32))


def _hair(rng: np.random.Generator) -> Plane:
    length = rng.gamma(3, 40) + 30
    headings = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.7, 5))
    knots = np.cumsum(np.stack([np.sin(headings), np.cos(headings)], 1) * length / 5, 0)
    path = CubicSpline(np.arange(5), knots)(np.linspace(0, 4, 80))
    return _stroke(path, rng.uniform(2.0, 6.0))


def _scratch(rng: np.random.Generator) -> Plane:
    length = rng.uniform(100, 900)
    along = np.linspace(0, length, 60)
    return _stroke(np.stack([np.cumsum(rng.normal(0, 0.25, 60)), along], 1), rng.uniform(0.7, 2.5))


def _stroke(path: npt.NDArray[np.float64], width_px: float) -> Plane:
    margin = width_px + 5
    path = 3 * (path - path.min(0) + margin)
    size = np.ceil(path.max(0) + 3 * margin).astype(int)
    large = np.zeros((size[0] + -size[0] % 3, size[1] + -size[1] % 3), np.float32)
    points = np.round(path[:, ::-1] * 16).astype(np.int32)
    cv2.polylines(large, [points], False, 1.0, max(round(3 * width_px), 1), cv2.LINE_AA, 4)
    return _shrunk(large)


def _shrunk(large: Plane) -> Plane:
    size = (large.shape[1] // 3, large.shape[0] // 3)
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.float32)


def _cover(
    shape: tuple[int, int], all_drawn: Sequence[_DrawnDefect]
) -> tuple[Plane, npt.NDArray[np.int32], list[Defect]]:
    """Return the share of the light that the damage lets pass, the number of each pixel's defect, and the defects."""
    density = np.zeros((*shape, 3), np.float32)
    rim = np.zeros(shape, np.float32)
    labels = np.zeros(shape, np.int32)
    defects = []
    for drawn in all_drawn:
        rows, cols = (
            slice(max(first, 0), min(first + size, full))
            for first, size, full in zip((drawn.top_px, drawn.left_px), drawn.coverage.shape, shape, strict=True)
        )
        part = drawn.coverage[rows.start - drawn.top_px : rows.stop - drawn.top_px]
        part = part[:, cols.start - drawn.left_px : cols.stop - drawn.left_px]
        if not (part > 0.1).any():
            continue
        density[rows, cols] += part[..., None] * drawn.density_rgb
        # A clear grain refracts light from its middle to its edge.
        rim[rows, cols] += np.float32(drawn.rim) * (4 * part * (1 - part)) ** 4
        strength = float(1 - 10.0 ** -drawn.density_rgb.mean())
        defects.append(Defect(drawn.kind, strength, (rows.start, rows.stop), (cols.start, cols.stop), False))
        labels[rows, cols][part > 0.1] = len(defects)
    passed = np.exp(-_LN10 * density) * (1 + rim)[..., None]
    return passed, labels, defects
