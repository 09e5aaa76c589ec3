"""Films for sheets: random stocks, and grain that varies more than the film model's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from filmscand.film.density import dye_densities
from filmscand.film.fields import Plane
from filmscand.film.kinds import KINDS
from filmscand.film.recipe import FilmStock, Process

# Kinds of film to draw from; a kind that is named twice is drawn twice as often.
_USUAL = (
    "clear_slide",
    "clear_slide",
    "bright_slide",
    "dark_slide",
    "grainy_slide",
    "kodachrome",
    "negative",
    "silver",
    "silver",
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """A picture on film.

    Parameters
    ----------
    densities : ndarray of float32, shape (3, rows, cols)
        Optical density above the base, with grain.
    grain : ndarray of float32, shape (3, rows, cols)
        Standard deviation of the grain, in density.
    stock : FilmStock
        The film.
    """

    densities: Plane
    grain: Plane
    stock: FilmStock


def expose(rng: np.random.Generator, scene: Plane, stock: FilmStock) -> Exposed:
    """Expose a film to a scene and add its grain.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the grain.
    scene : ndarray of float32, shape (rows, cols, 3)
        Linear light, 0..1.
    stock : FilmStock
        The film.
    """
    clean = dye_densities(scene, replace(stock, grain_density=0.0), 0)
    return Exposed(*_grained(rng, clean, stock), stock)


def usual_stock(rng: np.random.Generator) -> FilmStock:
    """Draw one of the most common films, with small changes of exposure and grain."""
    stock = KINDS[_USUAL[int(rng.integers(len(_USUAL)))]].stock
    return replace(
        stock,
        exposure_stops=stock.exposure_stops + rng.normal(0, 0.5),
        grain_density=stock.grain_density * math.exp(rng.normal(0, 0.3)),
        grain_size_px=stock.grain_size_px * math.exp(rng.normal(0, 0.2)),
    )


def any_stock(rng: np.random.Generator) -> FilmStock:
    """Draw any slide, masked negative or silver film."""
    chance = rng.uniform()
    grain = math.exp(rng.uniform(math.log(0.006), math.log(0.06)))
    size = rng.uniform(0.35, 1.5)
    if chance < 0.55:
        base = tuple(rng.uniform(0.05, 0.25, 3))
        stops = rng.normal(0, 0.7) if rng.uniform() < 0.75 else rng.uniform(-4, 2)
        contrast = rng.uniform(0.8, 1.25)
        return FilmStock(
            Process.SLIDE, base, rng.uniform(2.2, 3.5), contrast, stops, rng.uniform() < 0.06, 0.04, grain, size
        )
    silver = chance > 0.78
    base = (0.25, 0.25, 0.25) if silver else (rng.uniform(0.1, 0.4), rng.uniform(0.3, 0.8), rng.uniform(0.5, 1.1))
    if silver:
        grain = math.exp(rng.uniform(math.log(0.015), math.log(0.07)))
    return FilmStock(
        Process.NEGATIVE,
        base,
        rng.uniform(1.8, 2.8),
        rng.uniform(0.45, 0.9),
        rng.normal(0, 1),
        silver,
        0.04,
        grain,
        size,
    )


def _grained(rng: np.random.Generator, clean: Plane, stock: FilmStock) -> tuple[Plane, Plane]:
    exponent = 0.5 if rng.uniform() < 0.6 else rng.uniform(0.1, 0.8)
    # Share of the grain's variance that all three layers have in common. On silver film it is all of it.
    common = 1.0 if stock.monochrome else rng.uniform(0, 0.7) * (rng.uniform() < 0.5)
    fog = rng.uniform(0.02, 0.15)
    shared = _texture(rng, clean.shape[1:], stock.grain_size_px)
    deviation = np.float32(stock.grain_density) * (np.minimum(clean, 2) + np.float32(fog)) ** np.float32(exponent)
    grained = clean.copy()
    for channel in range(3):
        grain = np.float32(math.sqrt(common)) * shared
        if common < 1:
            own = _texture(rng, clean.shape[1:], stock.grain_size_px * rng.uniform(0.85, 1.2))
            grain = grain + np.float32(math.sqrt(1 - common)) * own
        grained[channel] += grain * deviation[channel]
    return grained, deviation


def _texture(rng: np.random.Generator, shape: tuple[int, ...], size_px: float) -> Plane:
    """Return grain of standard deviation 1; sometimes a part of it is clumped at a second, coarser size."""
    grain = _noise(rng, shape, size_px)
    if rng.uniform() < 0.3:
        share = np.float32(rng.uniform(0.2, 0.6))
        grain = np.sqrt(1 - share) * grain + np.sqrt(share) * _noise(rng, shape, size_px * rng.uniform(1.5, 3))
    return grain


def _noise(rng: np.random.Generator, shape: tuple[int, ...], size_px: float) -> Plane:
    noise: Plane = np.asarray(cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), size_px))
    return noise / np.float32(max(float(noise.std()), 1e-6))
