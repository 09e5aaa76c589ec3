"""The infrared pass: leaked picture, damage, lamp, focus and registration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.film import optics, scanner
from filmscand.film.damage import summed
from filmscand.film.developed import DevelopedFilm
from filmscand.film.fields import Plane, smooth_field, stream
from filmscand.film.recipe import InfraredOptics, Leakage
from filmscand.film.specks import Patch

_LN10 = np.float32(np.log(10))


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the infrared plane shows the film: a point of the picture at row r lies at `r + row_shift_px[r]`.

    Parameters
    ----------
    row_shift_px, col_shift_px : ndarray of float64, shape (rows,)
        Shift and drift of each row of the infrared plane, without the scale.
    scale : float
        Size of the infrared plane relative to the picture, about the frame's middle.
    """

    row_shift_px: npt.NDArray[np.float64]
    col_shift_px: npt.NDArray[np.float64]
    scale: float

    @property
    def same_pixels(self) -> bool:
        """Whether both planes share their pixels."""
        return self.scale == 1 and not self.row_shift_px.any() and not self.col_shift_px.any()


def registration(rows: int, infrared: InfraredOptics, seed: int) -> Registration:
    """Draw the drift of a frame's infrared pass and add its shift."""
    drift = _drift(stream(seed, "drift rows"), rows) * infrared.drift_px
    # The carriage slips along its way far more than across it.
    sway = _drift(stream(seed, "drift cols"), rows) * infrared.drift_px * 0.25
    return Registration(infrared.shift_rows_px + drift, infrared.shift_cols_px + sway, infrared.scale)


def _drift(rng: np.random.Generator, rows: int) -> npt.NDArray[np.float64]:
    """Return a smooth random walk along the rows whose largest departure from its mean is 1."""
    walk = np.cumsum(smooth_field(rng, (rows, 1), max(rows / 6, 8.0), octaves=2)[:, 0].astype(np.float64))
    walk -= walk.mean()
    return walk / max(float(np.abs(walk).max()), 1e-9)


def leaked_density(densities: Plane, leakage: Leakage, regional: Plane | None) -> Plane:
    """Return the infrared density of the dyes.

    Parameters
    ----------
    densities : ndarray of float32, shape (3, ...)
        Density over the base of the red, green and blue channel.
    leakage : Leakage
        How they absorb infrared.
    regional : ndarray of float32, shape (...), or None
        Factor of the leak at each pixel.

    Returns
    -------
    ndarray of float32, shape (...)
        Density over the base.
    """
    red, green, blue = densities
    slopes = np.asarray(leakage.slopes_rgb, np.float32)
    leaked: Plane = slopes[0] * red + slopes[1] * green + slopes[2] * blue
    if leakage.curvature_per_density:
        leaked += np.float32(leakage.curvature_per_density) * red * red
    if leakage.cross_per_density:
        leaked += np.float32(leakage.cross_per_density) * red * green
    if regional is not None:
        leaked *= regional
    return leaked


def scan_infrared(film: DevelopedFilm) -> tuple[scanner.PlanePair, Registration]:
    """Scan the infrared plane, damaged and clean, and tell where it lies.

    Parameters
    ----------
    film : DevelopedFilm
        What is scanned.
    """
    infrared = film.recipe.infrared
    clean, damaged = _transmittances(film)
    place = registration(film.shape[0], infrared, film.seed)
    lamp = _lamp(film.shape, infrared, film.seed)
    planes = [_on_sensor(film.through_mount(light), place, lamp, infrared) for light in (damaged, clean)]
    sensor = scanner.Sensor(infrared.full_well_electrons, infrared.read_noise)
    noise = scanner.noise_stream(film.seed, "infrared")
    return scanner.read_out(planes[0], planes[1], sensor, film.recipe.scanner, noise), place


def _transmittances(film: DevelopedFilm) -> tuple[Plane, Plane]:
    """Return the film's infrared transmittance without and with its damage."""
    leakage, regional = film.recipe.leakage, _regional_factor(film)
    clean = leaked_density(film.densities, leakage, regional)
    added = summed(film.patches, lambda patch: patch.infrared_density, film.shape)
    damaged = clean.copy()
    if any(max(patch.stripped_rgb) > 0 for patch in film.patches):
        marked = np.nonzero(added)
        left = _stripped_densities(film, marked)
        damaged[marked] = leaked_density(left, leakage, None if regional is None else regional[marked])
    damaged += added
    base = np.float32(film.recipe.infrared.base_transmittance)
    return base * np.exp(-_LN10 * clean), base * np.exp(-_LN10 * damaged)


def _regional_factor(film: DevelopedFilm) -> Plane | None:
    share = film.recipe.leakage.regional_share
    if share == 0:
        return None
    field = smooth_field(stream(film.seed, "regional leak"), film.shape, max(film.shape) / 2.5, octaves=2)
    factor: Plane = 1 + np.float32(share) * field
    return factor


def _stripped_densities(film: DevelopedFilm, marked: tuple[npt.NDArray[np.intp], ...]) -> Plane:
    left = np.empty((3, marked[0].size), np.float32)
    for channel in range(3):
        taken = summed(film.patches, _stripped_part(channel), film.shape)[marked]
        left[channel] = film.densities[channel][marked] * (1 - np.minimum(taken, 1))
    return left


def _stripped_part(channel: int) -> Callable[[Patch], float]:
    return lambda patch: patch.stripped_rgb[channel]


def _lamp(shape: tuple[int, int], infrared: InfraredOptics, seed: int) -> Plane:
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    col = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    lamp: Plane = 1 - np.float32(infrared.vignette / 2) * (row * row + col * col)
    if infrared.unevenness:
        lamp *= 1 + np.float32(infrared.unevenness) * smooth_field(stream(seed, "lamp"), shape, max(shape) / 2)
    return lamp


def _on_sensor(light: Plane, place: Registration, lamp: Plane, infrared: InfraredOptics) -> Plane:
    light = optics.gaussian_blur(light, infrared.blur_px)
    if not place.same_pixels:
        light = _registered(light, place)
    stray = np.float32(infrared.stray_share)
    received: Plane = (light * (1 - stray) + stray) * lamp
    received *= np.float32(infrared.clear_level)
    return received


def _registered(light: Plane, place: Registration) -> Plane:
    rows, cols = light.shape
    row = (np.arange(rows) - place.row_shift_px - (rows - 1) / 2) / place.scale + (rows - 1) / 2
    col = (np.arange(cols) - (cols - 1) / 2) / place.scale + (cols - 1) / 2
    return optics.resample(light, row, col, -place.col_shift_px / place.scale)
