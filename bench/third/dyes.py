"""Film of the third simulator: from the light of a scene to amounts of dye, and to what they absorb in four bands.

Red, green, blue and infrared are bands of the scanner; each dye absorbs a share of every one. The infrared part
saturates with the amount of the dye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.recipe import Film, Process

Plane = npt.NDArray[np.float32]

# Density of a unit of cyan, magenta and yellow dye (rows) in red, green and blue (columns): made for, and as scanned.
_MADE_FOR = np.array([[1.0, 0.13, 0.05], [0.07, 1.0, 0.16], [0.02, 0.08, 1.0]], np.float32)
_SCANNED = np.array([[0.97, 0.10, 0.06], [0.05, 1.04, 0.12], [0.01, 0.11, 0.95]], np.float32)
# Amount of dye at which its infrared absorption has bent by 1/e.
_SATURATION = np.float32(2.4)
_SILVER_INFRARED = np.float32(0.93)
_BASES = {
    Process.SLIDE: (0.14, 0.15, 0.17, 0.03),
    Process.NEGATIVE: (0.22, 0.62, 0.88, 0.04),
    Process.SILVER: (0.24, 0.24, 0.24, 0.22),
}
_DARKEST = np.float32(1e-5)
# The grain is a sum of fine and of coarse clouds: standard deviations of the Gaussians, pixels, and their shares.
_CLOUDS = ((0.55, 0.8), (1.7, 0.6))


@dataclass(frozen=True, slots=True)
class DyeImage:
    """A developed film: amounts of dye, (rows, cols, 3), >= 0, and the film that they are on."""

    amounts: Plane
    film: Film

    def without(self, lost: Plane) -> DyeImage:
        """Return the image after a share of each dye, (rows, cols, 3), 0..1, is lost."""
        return DyeImage(self.amounts * (1 - lost), self.film)

    def densities(self) -> Plane:
        """Return densities in red, green, blue and infrared, (rows, cols, 4)."""
        base = np.array(_BASES[self.film.process], np.float32)
        if self.film.process is Process.SILVER:
            silver = self.amounts.mean(-1, keepdims=True)
            return np.asarray(base + silver * np.array((1, 1, 1, _SILVER_INFRARED), np.float32))
        bent = _SATURATION * (1 - np.exp(-self.amounts / _SATURATION))
        leaked = bent @ np.array(self.film.leak, np.float32)
        leaked += np.float32(self.film.cross_leak) * bent[..., 0] * bent[..., 1]
        seen: Plane = np.concatenate([self.amounts @ _SCANNED, leaked[..., None]], -1) + base
        return seen


def develop(light: Plane, film: Film, rng: np.random.Generator) -> DyeImage:
    """Return the film after exposure and development, with its grain.

    Parameters
    ----------
    light : (rows, cols, 3) ndarray of float32
        Light of the scene, 0..1.
    film : Film
        The film.
    rng : numpy.random.Generator
        Source of the grain.
    """
    exposed = np.maximum(light * np.float32(2.0**film.stops), _DARKEST)
    wanted = _characteristic(np.log10(exposed), film.process)
    if film.process is Process.SILVER:
        wanted = np.repeat(wanted.mean(-1, keepdims=True), 3, -1)
        amounts = wanted
    else:
        amounts = np.maximum(wanted @ np.linalg.inv(_MADE_FOR).astype(np.float32), 0)
    spread = np.float32(film.grain) * np.sqrt(amounts + np.float32(0.02))
    clouds = [_clouds(light.shape[:2], rng) for _ in range(1 if film.process is Process.SILVER else 3)]
    grain = np.stack(clouds * (3 // len(clouds)), -1)
    return DyeImage(np.maximum(amounts + spread * grain, 0), film)


def _characteristic(log_exposure: Plane, process: Process) -> Plane:
    """Return the density over the base: an S of a slide, or the straight line and toe of a negative."""
    if process is Process.NEGATIVE:
        return np.float32(0.63) * np.log10(1 + 170 * 10**log_exposure)
    if process is Process.SILVER:
        return np.float32(0.75) * np.log10(1 + 90 * 10**log_exposure)
    return np.float32(3.1) / (1 + 10 ** (np.float32(1.05) * (log_exposure + np.float32(1.35))))


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> Plane:
    total = np.zeros(shape, np.float32)
    for deviation_px, share in _CLOUDS:
        cloud = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), deviation_px)
        total += np.float32(share) * cloud / cloud.std()
    return total
