"""The infrared pass: leakage of the picture, damage, lamp, focus and registration."""

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
    """Position of the infrared plane: a point in row r of the picture lies in row `r + row_shift_px[r]`.

    Parameters
    ----------
    row_shift_px, col_shift_px : ndarray of float64, shape (rows,)
        Shift and drift of each row of the infrared plane, without the scale.
    scale : float
        Size of the infrared plane relative to the picture, about the centre of the frame.
    """

    row_shift_px: npt.NDArray[np.float64]
    col_shift_px: npt.NDArray[np.float64]
    scale: float

    @property
    def same_pixels(self) -> bool:
        """Whether the infrared plane lies exactly on the picture."""
        return self.scale == 1 and not self.row_shift_px.any() and not self.col_shift_px.any()


def draw_registration(rows: int, infrared: InfraredOptics, seed: int) -> Registration:
    """Draw the drift of the infrared pass and add its shift.

    Parameters
    ----------
    rows : int
        Rows of the frame.
    infrared : InfraredOptics
        Shift, scale and size of the drift.
    seed : int
        Seed of the frame, >= 0.
    """
    drift = _drift(stream(seed, "drift rows"), rows) * infrared.drift_px
    # The carriage slips far more along its direction than across it.
    sway = _drift(stream(seed, "drift cols"), rows) * infrared.drift_px * 0.25
    return Registration(infrared.shift_rows_px + drift, infrared.shift_cols_px + sway, infrared.scale)


def _drift(rng: np.random.Generator, rows: int) -> npt.NDArray[np.float64]:
    """Return a smooth random walk along the rows whose largest deviation from its mean is 1."""
    walk = np.cumsum(smooth_field(rng, (rows, 1), max(rows / 6, 8.0), octaves=2)[:, 0].astype(np.float64))
    walk -= walk.mean()
    return walk / max(float(np.abs(walk).max()), 1e-9)


def leaked_density(densities: Plane, leakage: Leakage, regional: Plane | None) -> Plane:
    """Calculate the infrared density of the dyes.

    It is (s_r R + s_g G + s_b B + c R^2 + x R G) * regional for the densities R, G and B, the slopes s, the curvature c
    and the cross term x.

    Parameters
    ----------
    densities : ndarray of float32, shape (3, ...)
        Density over the base of the red, green and blue channel.
    leakage : Leakage
        How the dyes absorb infrared.
    regional : ndarray of float32, shape (...), or None
        Factor of the leakage at each pixel; None for 1.

    Returns
    -------
    ndarray of float32, shape (...)
        Infrared density over the base.
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
    """Scan the infrared plane with and without the damage.

    Parameters
    ----------
    film : DevelopedFilm
        The film in the scanner.

    Returns
    -------
    planes : PlanePair
        Counts with and without the damage.
    registration : Registration
        Position of the plane relative to the picture.
    """
    infrared = film.recipe.infrared
    clean, damaged = _transmittances(film)
    registration = draw_registration(film.shape[0], infrared, film.seed)
    lamp = _lamp(film.shape, infrared, film.seed)
    planes = [_on_sensor(film.through_mount(light), registration, lamp, infrared) for light in (damaged, clean)]
    sensor = scanner.Sensor(infrared.full_well_electrons, infrared.read_noise)
    noise = scanner.noise_stream(film.seed, "infrared")
    return scanner.read_out(planes[0], planes[1], sensor, film.recipe.scanner, noise), registration


def _transmittances(film: DevelopedFilm) -> tuple[Plane, Plane]:
    """Return the infrared transmittance of the film, first without its damage, then with it."""
    leakage, regional = film.recipe.leakage, _regional_factor(film)
    clean = leaked_density(film.densities, leakage, regional)
    added = summed(film.patches, lambda patch: patch.infrared_density, film.shape)
    damaged = clean.copy()
    if any(max(patch.stripped_rgb) > 0 for patch in film.patches):
        defect_pixels = np.nonzero(added)
        remaining = _stripped_densities(film, defect_pixels)
        regional_there = None if regional is None else regional[defect_pixels]
        damaged[defect_pixels] = leaked_density(remaining, leakage, regional_there)
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


def _stripped_densities(film: DevelopedFilm, pixels: tuple[npt.NDArray[np.intp], ...]) -> Plane:
    remaining = np.empty((3, pixels[0].size), np.float32)
    for channel in range(3):
        stripped = summed(film.patches, _stripped_share(channel), film.shape)[pixels]
        remaining[channel] = film.densities[channel][pixels] * (1 - np.minimum(stripped, 1))
    return remaining


def _stripped_share(channel: int) -> Callable[[Patch], float]:
    return lambda patch: patch.stripped_rgb[channel]


def _lamp(shape: tuple[int, int], infrared: InfraredOptics, seed: int) -> Plane:
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    col = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    lamp: Plane = 1 - np.float32(infrared.vignette / 2) * (row * row + col * col)
    if infrared.unevenness:
        lamp *= 1 + np.float32(infrared.unevenness) * smooth_field(stream(seed, "lamp"), shape, max(shape) / 2)
    return lamp


def _on_sensor(light: Plane, registration: Registration, lamp: Plane, infrared: InfraredOptics) -> Plane:
    light = optics.gaussian_blur(light, infrared.blur_px)
    if not registration.same_pixels:
        light = _displace(light, registration)
    stray = np.float32(infrared.stray_share)
    received: Plane = (light * (1 - stray) + stray) * lamp
    received *= np.float32(infrared.clear_level)
    return received


def _displace(light: Plane, registration: Registration) -> Plane:
    rows, cols = light.shape
    scale = registration.scale
    row = (np.arange(rows) - registration.row_shift_px - (rows - 1) / 2) / scale + (rows - 1) / 2
    col = (np.arange(cols) - (cols - 1) / 2) / scale + (cols - 1) / 2
    return optics.resample(light, row, col, -registration.col_shift_px / scale)
