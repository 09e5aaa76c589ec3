"""The pass of the picture: three colour channels, one after another to limit the memory."""

from __future__ import annotations

import numpy as np

from filmscand.film import optics, scanner
from filmscand.film.damage import summed
from filmscand.film.developed import DevelopedFilm
from filmscand.film.fields import Plane

_LN10 = np.float32(np.log(10))


def scan_channel(channel: int, film: DevelopedFilm) -> scanner.PlanePair:
    """Scan one colour channel with and without the damage.

    Parameters
    ----------
    channel : int
        0 red, 1 green, 2 blue.
    film : DevelopedFilm
        The film in the scanner.

    Returns
    -------
    PlanePair
        Counts with and without the damage.
    """
    clean = film.densities[channel]
    added = summed(film.patches, lambda patch: patch.density_rgb[channel], film.shape)
    stripped = summed(film.patches, lambda patch: patch.stripped_rgb[channel], film.shape)
    damaged = clean * (1 - np.minimum(stripped, 1)) + added
    del added, stripped
    planes = [_on_sensor(density, channel, film) for density in (damaged, clean)]
    settings = film.recipe.scanner
    sensor = scanner.Sensor(settings.full_well_electrons, settings.read_noise)
    noise = scanner.noise_stream(film.seed, f"channel {channel}")
    return scanner.read_out(planes[0], planes[1], sensor, settings, noise)


def _on_sensor(density: Plane, channel: int, film: DevelopedFilm) -> Plane:
    light: Plane = np.exp(-_LN10 * density)
    light *= np.float32(10.0 ** -film.recipe.stock.dmin_rgb[channel])
    light = film.through_mount(light)
    light *= np.float32(film.recipe.scanner.exposure_rgb[channel])
    return optics.gaussian_blur(light, film.recipe.scanner.blur_px)
