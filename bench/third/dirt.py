"""Dirt and damage of the third simulator: what of the light in four bands each mark takes, adds, or frees.

Red, green, blue and infrared in this order. A mark takes light (density), scatters light in (glow), or has lost a share
of the dyes, from the uppermost layer (yellow) down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.outlines import Stamp, fibre, hair, scratch, speck
from bench.third.recipe import Dirt
from bench.third.veils import fingerprint, haze, mould

Plane = npt.NDArray[np.float32]
Bands = tuple[float, float, float, float]

# Coverage times strength from which a pixel belongs to the mark.
_BELONGS = 0.04
# Infrared density over that in the picture: organic threads let more infrared through than mineral grains.
_SPECKS_INFRARED, _THREADS_INFRARED, _SCRATCHES_INFRARED = (0.8, 1.05), (0.6, 0.9), (0.75, 1.05)
_PRINTS_INFRARED, _MOULDS_INFRARED, _HAZES_INFRARED = (0.5, 0.8), (0.5, 0.8), 3.0
# What an edge of stripped gelatine bends out of the infrared light.
_STRIPPED_INFRARED = (0.04, 0.12)
_NONE: Bands = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: where it is, its density and glow by band at full coverage, and the share of each dye that it lost.

    `seen` tells whether the picture shows it, or only the infrared pass.
    """

    stamp: Stamp
    density: Bands = _NONE
    glow: Bands = _NONE
    lost: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seen: bool = True


@dataclass(frozen=True, slots=True)
class DirtPlanes:
    """All marks of a frame.

    Attributes
    ----------
    density, glow : (rows, cols, 4) ndarray of float32
        Density and added light in red, green, blue and infrared.
    lost : (rows, cols, 3) ndarray of float32
        Share of cyan, magenta and yellow that is lost, 0..1.
    labels : (rows, cols) ndarray of int32
        Number of the mark that the picture shows, from 1; 0 for none.
    """

    density: Plane
    glow: Plane
    lost: Plane
    labels: npt.NDArray[np.int32]


def draw_dirt(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> DirtPlanes:
    """Return the marks of a frame, drawn at random.

    Parameters
    ----------
    dirt : Dirt
        Numbers and strengths.
    shape : tuple of int
        Rows and columns.
    rng : numpy.random.Generator
        Source of all chance.
    """
    planes = DirtPlanes(
        np.zeros((*shape, 4), np.float32),
        np.zeros((*shape, 4), np.float32),
        np.zeros((*shape, 3), np.float32),
        np.zeros(shape, np.int32),
    )
    for number, mark in enumerate(_marks(dirt, shape, rng), 1):
        _lay(planes, mark, number)
    return planes


def _lay(planes: DirtPlanes, mark: Mark, number: int) -> None:
    met = mark.stamp.window(planes.labels.shape)
    if met is None:
        return
    place, coverage = met
    taken = 1 - coverage[..., None] * (1 - 10 ** -np.array(mark.density, np.float32))
    planes.density[place] -= np.log10(taken)
    planes.glow[place] += coverage[..., None] * np.array(mark.glow, np.float32)
    planes.lost[place] = np.maximum(planes.lost[place], coverage[..., None] * np.array(mark.lost, np.float32))
    strength = max(*(1 - 10 ** -np.array(mark.density[:3])), *mark.glow[:3], *mark.lost)
    if mark.seen:
        planes.labels[place][coverage * strength > _BELONGS] = number


def _marks(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> Iterator[Mark]:
    yield from (_print(dirt, shape, rng) for _ in range(dirt.prints))
    yield from _present(_mould(dirt, shape, rng) for _ in range(dirt.moulds))
    yield from (_haze(shape, rng) for _ in range(dirt.hazes))
    direction = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.01)
    for _ in range(_number(dirt.scratches, shape, rng)):
        yield from _present([_dark_line(dirt, scratch(rng, shape, direction), _SCRATCHES_INFRARED, rng)])
    for _ in range(_number(dirt.bright, shape, rng)):
        yield from _present([_bright(scratch(rng, shape, direction), rng)])
    for _ in range(_number(dirt.stripped, shape, rng)):
        yield from _present([_stripped(scratch(rng, shape, direction), rng)])
    for _ in range(_number(dirt.losses, shape, rng)):
        yield from _present([_stripped(speck(rng, shape, rng.uniform(3, 14)), rng)])
    for draw, mean in ((hair, dirt.hairs), (fibre, dirt.fibres)):
        for _ in range(_number(mean, shape, rng)):
            yield from _present([_dark_line(dirt, draw(rng, shape), _THREADS_INFRARED, rng)])
    for _ in range(_number(dirt.specks, shape, rng)):
        yield _speck(dirt, shape, rng)
    for _ in range(_number(dirt.stray, shape, rng)):
        yield _stray(dirt, shape, rng)


def _present(marks: Iterator[Mark | None] | list[Mark | None]) -> Iterator[Mark]:
    return (mark for mark in marks if mark is not None)


def _number(per_megapixel: float, shape: tuple[int, int], rng: np.random.Generator) -> int:
    return int(rng.poisson(per_megapixel * shape[0] * shape[1] / 1e6))


def _speck(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> Mark:
    radius = float(np.clip(rng.lognormal(0.75, 0.6), 0.8, 16))
    stamp = speck(rng, shape, radius).softened(rng.uniform(0.35, 0.9))
    return Mark(stamp, _absorbed(dirt, rng.lognormal(-1.1, 0.8), _SPECKS_INFRARED, rng))


def _stray(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> Mark:
    mark = _speck(dirt, shape, rng)
    return Mark(mark.stamp, (0.0, 0.0, 0.0, mark.density[3]), seen=False)


def _dark_line(dirt: Dirt, stamp: Stamp | None, infrared: tuple[float, float], rng: np.random.Generator) -> Mark | None:
    if stamp is None:
        return None
    return Mark(stamp.softened(rng.uniform(0.35, 1.1)), _absorbed(dirt, rng.lognormal(-1.1, 0.7), infrared, rng))


def _bright(stamp: Stamp | None, rng: np.random.Generator) -> Mark | None:
    """Return a scratch of the base that scatters the lamp's light into the dark, and takes it from the bright."""
    if stamp is None:
        return None
    glow, taken = float(rng.uniform(0.03, 0.3)), float(rng.uniform(0.03, 0.15))
    return Mark(stamp.softened(0.5), (taken, taken, taken, rng.uniform(0.1, 0.5)), (glow, glow, 0.95 * glow, 0.0))


def _stripped(stamp: Stamp | None, rng: np.random.Generator) -> Mark | None:
    """Return a place where emulsion is gone: yellow first, then magenta, then cyan."""
    if stamp is None:
        return None
    depth = rng.uniform(0.5, 3.0)
    cyan, magenta, yellow = (float(np.clip(depth - layer, 0, 0.95)) for layer in (2, 1, 0))
    return Mark(stamp.softened(0.45), (0.0, 0.0, 0.0, rng.uniform(*_STRIPPED_INFRARED)), lost=(cyan, magenta, yellow))


def _print(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> Mark:
    return Mark(fingerprint(rng, shape).softened(0.9), _absorbed(dirt, rng.uniform(0.07, 0.16), _PRINTS_INFRARED, rng))


def _mould(dirt: Dirt, shape: tuple[int, int], rng: np.random.Generator) -> Mark | None:
    stamp = mould(rng, shape)
    if stamp is None:
        return None
    return Mark(stamp.softened(0.7), _absorbed(dirt, rng.uniform(0.06, 0.3), _MOULDS_INFRARED, rng))


def _haze(shape: tuple[int, int], rng: np.random.Generator) -> Mark:
    """Return a veil that the infrared shows and the picture hardly does: no defect that anyone would retouch."""
    density = rng.uniform(0.004, 0.01)
    return Mark(haze(rng, shape), (density, density, density, _HAZES_INFRARED * density), seen=False)


def _absorbed(dirt: Dirt, density: float, infrared: tuple[float, float], rng: np.random.Generator) -> Bands:
    core = float(np.clip(density * dirt.strength, dirt.faintest, dirt.strongest))
    red, green, blue = core * (1 + 0.05 * rng.standard_normal(3))
    if dirt.tinted:
        red, blue = green * rng.uniform(0.5, 0.7), green * rng.uniform(1.8, 4.0)
    return float(red), float(green), float(blue), core * float(rng.uniform(*infrared))


def with_rims(labels: npt.NDArray[np.int32], reach_px: int) -> npt.NDArray[np.int32]:
    """Return the labels grown into the pixels around them, (rows, cols): the optics show a mark beyond its outline."""
    for _ in range(reach_px):
        wider = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
        labels = np.where(labels > 0, labels, wider)
    return labels
