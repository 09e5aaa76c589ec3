"""The infrared of a sheet, where it helps only in part: dyes that leak strongly, weak optics, a clipped scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.damage import summed
from filmscand.film.fields import Plane, smooth_field
from filmscand.film.infrared_plane import leaked_density
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import DefectKind, InfraredOptics, Leakage, Process
from filmscand.film.specks import Patch
from filmscand.ir.methods.measure import view_infrared
from filmscand.ir.network.infrared_view import PLANES
from training.emulsion import Exposed

_LN10 = np.float32(math.log(10))
INFRARED_ONLY_SHARE = 0.25


class Trouble(StrEnum):
    """Why the infrared of a frame is not believed by itself."""

    STRONG_LEAK = "strong leak"
    WEAK = "weak"
    CLIPPED = "clipped"


_CHANCES = {
    Process.SLIDE: {Trouble.STRONG_LEAK: 0.65, Trouble.WEAK: 0.2, Trouble.CLIPPED: 0.15},
    Process.NEGATIVE: {Trouble.STRONG_LEAK: 0.15, Trouble.WEAK: 0.6, Trouble.CLIPPED: 0.25},
}


@dataclass(frozen=True, slots=True)
class InfraredPass:
    """How the infrared of one sheet is scanned, and what leaks into it."""

    leakage: Leakage
    optics: InfraredOptics


def draw_infrared_pass(rng: np.random.Generator, film: Exposed) -> InfraredPass:
    """Draw how the infrared of a sheet is scanned, on film that infrared sees through."""
    chances = _CHANCES[film.stock.process]
    trouble = list(chances)[int(rng.choice(len(chances), p=list(chances.values())))]
    optics = InfraredOptics(
        clear_level=rng.uniform(0.7, 0.95),
        stray_share=rng.uniform(0.02, 0.06),
        vignette=rng.uniform(0, 0.03),
        blur_px=rng.uniform(0.6, 1.3),
        contrast=rng.uniform(0.75, 1.05),
        contrast_scatter=rng.uniform(0.03, 0.12),
        full_well_electrons=10 ** rng.uniform(4.3, 4.8),
        read_noise=10 ** rng.uniform(-3.5, -3.1),
    )
    leakage = Leakage((rng.uniform(0.03, 0.2), rng.uniform(0, 0.025), rng.uniform(0, 0.015)))
    if trouble is Trouble.STRONG_LEAK:
        return InfraredPass(_strong_leakage(rng), optics)
    if trouble is Trouble.WEAK:
        weak = replace(optics, contrast=math.exp(rng.uniform(math.log(0.1), math.log(0.4))), contrast_scatter=0.45)
        return InfraredPass(leakage, replace(weak, blur_px=rng.uniform(0.8, 2.0)))
    return InfraredPass(leakage, replace(optics, clear_level=rng.uniform(1.1, 1.5)))


def _strong_leakage(rng: np.random.Generator) -> Leakage:
    return Leakage(
        (rng.uniform(0.3, 0.68), rng.uniform(0, 0.14), rng.uniform(0, 0.06)),
        curvature_per_density=rng.uniform(-0.09, 0.01),
        cross_per_density=rng.uniform(-0.01, 0.045),
        regional_share=rng.uniform(0, 0.06),
    )


def seen_by_infrared(rng: np.random.Generator, patches: tuple[Patch, ...], optics: InfraredOptics) -> tuple[Patch, ...]:
    """Return the damage with what it takes of the infrared; sometimes with dust that only the infrared saw."""
    hidden_share = rng.uniform(0.05, 0.4) if rng.uniform() < INFRARED_ONLY_SHARE else 0.0
    return tuple(_seen(rng, patch, optics, hidden_share) for patch in patches)


def _seen(rng: np.random.Generator, patch: Patch, optics: InfraredOptics, hidden_share: float) -> Patch:
    density = float(np.mean(patch.density_rgb))
    if patch.kind is DefectKind.STRIPPED_SCRATCH:
        # The bared base scatters a little.
        density = rng.uniform(0.08, 0.3)
    infrared = density * optics.contrast * math.exp(rng.normal(0, optics.contrast_scatter))
    hidden = patch.kind in (DefectKind.DUST, DefectKind.DIRT) and rng.uniform() < hidden_share
    rgb = (0.0, 0.0, 0.0) if hidden else patch.density_rgb
    return replace(patch, density_rgb=rgb, infrared_density=infrared)


def scan_infrared(
    rng: np.random.Generator, film: Exposed, patches: tuple[Patch, ...], how: InfraredPass, mount: MountPlanes | None
) -> Plane:
    """Scan the infrared of a damaged sheet.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of lamp and noise.
    film : Exposed
        The developed film, (size, size).
    patches : tuple of Patch
        Its damage (see `seen_by_infrared`).
    how : InfraredPass
        Leak and scanner.
    mount : MountPlanes or None
        What lies over the sheet.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Part of full scale, 0..1, linear.
    """
    shape = (film.densities.shape[1], film.densities.shape[2])
    regional = None
    if how.leakage.regional_share:
        regional = 1 + np.float32(how.leakage.regional_share) * smooth_field(rng, shape, max(shape) * 1.5, octaves=2)
    densities = _left_by_scratches(film.densities, patches, shape)
    leaked = leaked_density(densities, how.leakage, regional)
    added = summed(patches, lambda patch: patch.infrared_density, shape)
    optics = how.optics
    light = np.float32(optics.base_transmittance) * np.exp(-_LN10 * (leaked + added))
    if mount is not None:
        light = light * mount.film_share + mount.bare_share
    light = cv2.GaussianBlur(light, (0, 0), optics.blur_px)
    lamp = 1 - np.float32(optics.vignette) * smooth_field(rng, shape, max(shape) * 1.5)
    seen = (light * np.float32(1 - optics.stray_share) + np.float32(optics.stray_share)) * lamp
    seen *= np.float32(optics.clear_level)
    deviation = np.sqrt(seen / np.float32(optics.full_well_electrons) + np.float32(optics.read_noise**2))
    seen += deviation * rng.standard_normal(shape, dtype=np.float32)
    return np.clip(seen, 0, 1)


def _left_by_scratches(densities: Plane, patches: tuple[Patch, ...], shape: tuple[int, int]) -> Plane:
    if not any(max(patch.stripped_rgb) > 0 for patch in patches):
        return densities
    left = densities.copy()
    for channel in range(3):
        taken = summed(patches, lambda patch, at=channel: patch.stripped_rgb[at], shape)
        left[channel] *= 1 - np.minimum(taken, 1)
    return left


def infrared_planes(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16] | None) -> Plane:
    """Return what the detector gets of a sheet's infrared, (3, rows, cols); zeros where there is none to be seen."""
    view = None if infrared is None else view_infrared(rgb, infrared)
    if view is None:
        return np.zeros((PLANES, *rgb.shape[:2]), np.float32)
    return view.planes((0, 0), (rgb.shape[0], rgb.shape[1]))
