"""Infrared of a sheet that misleads by itself: strong leakage, low contrast, or clipped clear film."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

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
from training.sheets.emulsion import Exposed

_LN10 = np.float32(math.log(10))
# Share of the sheets with dust that only the infrared shows.
INFRARED_ONLY_SHARE = 0.25


class Trouble(StrEnum):
    """Reason why the infrared of a sheet misleads by itself."""

    STRONG_LEAK = "strong leak"
    WEAK = "weak"
    CLIPPED = "clipped"


# Probability of each reason, by film process.
_CHANCES = {
    Process.SLIDE: {Trouble.STRONG_LEAK: 0.65, Trouble.WEAK: 0.2, Trouble.CLIPPED: 0.15},
    Process.NEGATIVE: {Trouble.STRONG_LEAK: 0.15, Trouble.WEAK: 0.6, Trouble.CLIPPED: 0.25},
}


@dataclass(frozen=True, slots=True)
class InfraredPass:
    """How the infrared of one sheet is scanned: leakage of the film and optics of the scanner."""

    leakage: Leakage
    optics: InfraredOptics


def draw_infrared_pass(rng: np.random.Generator, film: Exposed) -> InfraredPass:
    """Draw leakage and optics for a sheet, with one `Trouble`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the choices.
    film : Exposed
        The sheet's film; not silver, which stops infrared.
    """
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
    """Return the damage with its infrared densities; on some sheets, part of the dust is visible in infrared only.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the scatter.
    patches : tuple of Patch
        Damage, with colour densities.
    optics : InfraredOptics
        Contrast of damage in infrared, and its scatter.
    """
    hidden_share = rng.uniform(0.05, 0.4) if rng.uniform() < INFRARED_ONLY_SHARE else 0.0
    return tuple(_seen(rng, patch, optics, hidden_share) for patch in patches)


def _seen(rng: np.random.Generator, patch: Patch, optics: InfraredOptics, hidden_share: float) -> Patch:
    density = float(np.mean(patch.density_rgb))
    if patch.kind is DefectKind.STRIPPED_SCRATCH:
        # Where the emulsion is stripped, the bare base scatters some infrared.
        density = rng.uniform(0.08, 0.3)
    infrared = density * optics.contrast * math.exp(rng.normal(0, optics.contrast_scatter))
    hidden = patch.kind in (DefectKind.DUST, DefectKind.DIRT) and rng.uniform() < hidden_share
    rgb = (0.0, 0.0, 0.0) if hidden else patch.density_rgb
    return replace(patch, density_rgb=rgb, infrared_density=infrared)


def scan_infrared(
    rng: np.random.Generator,
    film: Exposed,
    patches: tuple[Patch, ...],
    infrared_pass: InfraredPass,
    mount: MountPlanes | None,
) -> Plane:
    """Scan the infrared of a damaged sheet.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of lamp and noise.
    film : Exposed
        The developed film, (size, size).
    patches : tuple of Patch
        Damage with infrared densities (see `seen_by_infrared`).
    infrared_pass : InfraredPass
        Leakage and optics.
    mount : MountPlanes or None
        Part of a mount that covers the sheet.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Part of full scale, 0..1, linear.
    """
    shape = (film.densities.shape[1], film.densities.shape[2])
    regional = None
    leakage, optics = infrared_pass.leakage, infrared_pass.optics
    if leakage.regional_share:
        regional = 1 + np.float32(leakage.regional_share) * smooth_field(rng, shape, max(shape) * 1.5, octaves=2)
    densities = _left_by_scratches(film.densities, patches, shape)
    leaked = leaked_density(densities, leakage, regional)
    added = summed(patches, lambda patch: patch.infrared_density, shape)
    light = np.float32(optics.base_transmittance) * np.exp(-_LN10 * (leaked + added))
    if mount is not None:
        light = light * mount.film_share + mount.bare_share
    soft: Plane = np.asarray(cv2.GaussianBlur(light, (0, 0), optics.blur_px))
    lamp = 1 - np.float32(optics.vignette) * smooth_field(rng, shape, max(shape) * 1.5)
    seen = (soft * np.float32(1 - optics.stray_share) + np.float32(optics.stray_share)) * lamp
    seen *= np.float32(optics.clear_level)
    deviation = np.sqrt(seen / np.float32(optics.full_well_electrons) + np.float32(optics.read_noise**2))
    seen += deviation * rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.clip(seen, 0, 1))


def _left_by_scratches(densities: Plane, patches: tuple[Patch, ...], shape: tuple[int, int]) -> Plane:
    """Return the densities without the dye that scratches have stripped."""
    if not any(max(patch.stripped_rgb) > 0 for patch in patches):
        return densities
    left = densities.copy()
    for channel in range(3):
        taken = summed(patches, partial(stripped_share, channel=channel), shape)
        left[channel] *= 1 - np.minimum(taken, 1)
    return left


def stripped_share(patch: Patch, *, channel: int) -> float:
    """Return the share of a channel's dye that a patch has stripped at its core, 0..1."""
    return patch.stripped_rgb[channel]


def infrared_planes(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16] | None) -> Plane:
    """Return the detector's infrared input.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane.

    Returns
    -------
    (3, rows, cols) ndarray of float32
        See `filmscand.ir.network.infrared_view`; zeros without infrared, or where it shows nothing usable.
    """
    view = None if infrared is None else view_infrared(rgb, infrared)
    if view is None:
        return np.zeros((PLANES, *rgb.shape[:2]), np.float32)
    return view.planes((0, 0), (rgb.shape[0], rgb.shape[1]))
