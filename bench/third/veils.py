"""Dirt that covers an area in the third simulator: fingerprints, colonies of mould, soft veils of haze."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.outlines import Points, Stamp, line_stamp, walk

Plane = npt.NDArray[np.float32]

_RIDGE_PX = (7.5, 10.5)
_BRANCHES = 26


def fingerprint(rng: np.random.Generator, shape: tuple[int, ...]) -> Stamp:
    """Return a print: warped rings of ridges in an oval, broken by pores and by uneven contact."""
    height = int(rng.uniform(0.33, 0.5) * min(shape[:2]))
    width = int(height * rng.uniform(0.62, 0.75))
    down, across = np.mgrid[:height, :width].astype(np.float32)
    core = rng.uniform(0.35, 0.6, 2) * (height, width)
    warp_rows, warp_cols = (smooth_noise(rng, (height, width), height / 2.5) * height / 26 for _ in range(2))
    distance = np.hypot((down - core[0] + warp_rows) * 0.8, across - core[1] + warp_cols)
    ridges = np.cos(2 * np.pi * distance / rng.uniform(*_RIDGE_PX) + smooth_noise(rng, distance.shape, 18) * 0.5)
    contact = smooth_noise(rng, distance.shape, height / 9) + 0.6 * smooth_noise(rng, distance.shape, 3)
    oval = 1 - np.hypot((down / height - 0.5) * 2, (across / width - 0.5) * 2)
    pressed = _step(oval * 6) * _step(contact * 1.4 + 0.9)
    coverage = _step(ridges * 1.4 + 0.2) * pressed
    top, left = rng.uniform(0, 1, 2) * (np.array(shape[:2]) - (height, width)).clip(1)
    return Stamp(coverage.astype(np.float32), int(top), int(left))


def mould(rng: np.random.Generator, shape: tuple[int, ...]) -> Stamp | None:
    """Return a colony of mould: threads that grow outwards from a spot and branch."""
    centre = rng.uniform((0, 0), shape[:2])
    points, widths = _threads(rng, centre, rng.uniform(25, 85))
    # A soft core, where the threads lie over one another.
    return line_stamp(points, widths, np.full(len(points), 0.8), shape)


def _threads(rng: np.random.Generator, centre: Points, reach_px: float) -> tuple[Points, Points]:
    threads: list[Points] = []
    widths: list[Points] = []
    for number in range(_BRANCHES):
        branches = number >= _BRANCHES // 3
        parent = threads[rng.integers(len(threads))] if branches else np.array([centre])
        at = parent[rng.integers(len(parent))]
        outwards = np.arctan2(*(at - centre)) if branches else rng.uniform(0, 7)
        length = reach_px * rng.uniform(0.3, 1.0) * (0.5 if branches else 1)
        thread = walk(rng, at, length_px=length, angle=outwards + rng.normal(0, 0.5), bend=0.05)
        threads.append(thread)
        widths.append(np.linspace(2.2, 0.7, len(thread)))
    return np.concatenate(threads), np.concatenate(widths)


def haze(rng: np.random.Generator, shape: tuple[int, ...]) -> Stamp:
    """Return a veil without edges, as of dried moisture or of a lamp's reflection."""
    size = int(rng.uniform(0.15, 0.4) * min(shape[:2]))
    down, across = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    bump = np.exp(-4 * (down**2 + across**2)) * (1 + 0.35 * smooth_noise(rng, (size, size), size / 7))
    top, left = rng.uniform(-size / 3, np.array(shape[:2]) - 2 * size / 3)
    faded = np.minimum.outer(*(1 - np.linspace(-1, 1, size) ** 2,) * 2)
    return Stamp((bump * _step(6 * faded - 1)).clip(0, 1).astype(np.float32), int(top), int(left))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale_px: float) -> Plane:
    """Return smooth random values with mean 0 and deviation 1, (rows, cols), whose waves are about so long."""
    coarse = [max(int(np.ceil(length / max(scale_px, 1))), 3) for length in shape[:2]]
    values = cv2.resize(rng.standard_normal(coarse, np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray((values - values.mean()) / values.std(), np.float32)


def _step(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return a smooth step from 0 (at -1) to 1 (at 1)."""
    part = (values.clip(-1, 1) + 1) / 2
    stepped: npt.NDArray[np.floating] = part * part * (3 - 2 * part)
    return stepped
