"""Infrared of a sheet, from a good one to one that misleads: leaking, weak, soft, clipped, displaced, hazy."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film import optics as film_optics
from filmscand.film.damage import summed
from filmscand.film.fields import Plane, smooth_field
from filmscand.film.infrared_plane import draw_registration, leaked_density
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import DefectKind, InfraredOptics, Leakage, Process
from filmscand.film.specks import Patch
from filmscand.ir.methods.measure import view_infrared
from filmscand.ir.network.infrared_view import PLANES
from training.sheets.emulsion import Exposed

_LN10 = np.float32(math.log(10))
# Share of the sheets with dust that only the infrared shows.
INFRARED_ONLY_SHARE = 0.25
# Share of the sheets with haze that only the infrared shows, the largest density of it, and its smallest and largest
# size in pixels. It is nothing to be healed.
HAZE_SHARE, MOST_HAZE, HAZE_PX = 0.08, 0.12, (40.0, 300.0)
# Share of the weak and of the soft planes that are of a second pass, as most of the scanners with such planes take.
SECOND_PASS_SHARE = 0.4


class InfraredKind(StrEnum):
    """What the infrared of a sheet is like."""

    GOOD = "good"
    STRONG_LEAK = "strong leak"
    WEAK = "weak"
    SOFT = "soft"
    CLIPPED = "clipped"
    DISPLACED = "displaced"


# Probability of each kind, by film process. Half is good or leaks: what most scanners give is what most is learnt from.
_CHANCES = {
    Process.SLIDE: {
        InfraredKind.GOOD: 0.25,
        InfraredKind.STRONG_LEAK: 0.3,
        InfraredKind.WEAK: 0.15,
        InfraredKind.SOFT: 0.08,
        InfraredKind.CLIPPED: 0.12,
        InfraredKind.DISPLACED: 0.1,
    },
    Process.NEGATIVE: {
        InfraredKind.GOOD: 0.35,
        InfraredKind.STRONG_LEAK: 0.05,
        InfraredKind.WEAK: 0.3,
        InfraredKind.SOFT: 0.08,
        InfraredKind.CLIPPED: 0.12,
        InfraredKind.DISPLACED: 0.1,
    },
}


@dataclass(frozen=True, slots=True)
class InfraredPass:
    """How the infrared of one sheet is scanned: leakage of the film and optics of the scanner."""

    leakage: Leakage
    optics: InfraredOptics


def draw_infrared_pass(rng: np.random.Generator, film: Exposed) -> InfraredPass:
    """Draw leakage and optics for a sheet, of one `InfraredKind`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the choices.
    film : Exposed
        The sheet's film. Silver stops infrared nearly as it stops light, whatever the kind.
    """
    chances = _CHANCES[film.stock.process]
    kind = list(chances)[int(rng.choice(len(chances), p=list(chances.values())))]
    optics = InfraredOptics(
        clear_level=rng.uniform(0.7, 0.95),
        stray_share=rng.uniform(0.02, 0.06),
        vignette=rng.uniform(0, 0.03),
        blur_px=rng.uniform(0.6, 1.3),
        contrast=rng.uniform(0.75, 1.05),
        contrast_scatter=rng.uniform(0.03, 0.12),
        full_well_electrons=10 ** rng.uniform(4.0, 4.8),
        read_noise=10 ** rng.uniform(-3.5, -3.1),
    )
    leakage = _leakage(rng, kind, monochrome=film.stock.monochrome)
    if kind is InfraredKind.WEAK:
        contrast = math.exp(rng.uniform(math.log(0.1), math.log(0.4)))
        optics = replace(optics, contrast=contrast, contrast_scatter=0.45, blur_px=rng.uniform(0.8, 2.6))
    elif kind is InfraredKind.SOFT:
        optics = replace(optics, blur_px=rng.uniform(1.3, 3.2))
    elif kind is InfraredKind.CLIPPED:
        optics = replace(optics, clear_level=rng.uniform(1.1, 1.5))
    second_pass = kind in (InfraredKind.WEAK, InfraredKind.SOFT) and rng.uniform() < SECOND_PASS_SHARE
    return InfraredPass(leakage, _displaced(rng, optics) if second_pass or kind is InfraredKind.DISPLACED else optics)


def _leakage(rng: np.random.Generator, kind: InfraredKind, *, monochrome: bool) -> Leakage:
    if monochrome:
        # Silver scatters long waves slightly less: it stops nine tenths of what it stops of the light, or more.
        third = rng.uniform(0.28, 0.33)
        return Leakage((third, third, third))
    if kind is InfraredKind.STRONG_LEAK:
        return _strong_leakage(rng)
    return Leakage((rng.uniform(0.01, 0.2), rng.uniform(0, 0.025), rng.uniform(0, 0.015)))


def _displaced(rng: np.random.Generator, optics: InfraredOptics) -> InfraredOptics:
    """Displace the plane as a second pass does: by up to 6 rows, with a drift of up to 3 of them."""
    return replace(
        optics,
        shift_rows_px=rng.uniform(-6, 6),
        shift_cols_px=rng.uniform(-2, 2),
        drift_px=rng.uniform(0, 3) * (rng.uniform() < 0.5),
    )


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
    light = np.float32(optics.base_transmittance) * np.exp(-_LN10 * (leaked + added + _haze(rng, shape)))
    if mount is not None:
        light = light * mount.film_share + mount.bare_share
    soft: Plane = _registered(rng, np.asarray(cv2.GaussianBlur(light, (0, 0), optics.blur_px)), optics)
    lamp = 1 - np.float32(optics.vignette) * smooth_field(rng, shape, max(shape) * 1.5)
    seen = (soft * np.float32(1 - optics.stray_share) + np.float32(optics.stray_share)) * lamp
    seen *= np.float32(optics.clear_level)
    deviation = np.sqrt(seen / np.float32(optics.full_well_electrons) + np.float32(optics.read_noise**2))
    seen += deviation * rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.clip(seen, 0, 1))


def _haze(rng: np.random.Generator, shape: tuple[int, int]) -> Plane | np.float32:
    """Return the density of haze that only the infrared shows, on a share of the sheets; else 0."""
    if rng.uniform() > HAZE_SHARE:
        return np.float32(0)
    field = smooth_field(rng, shape, rng.uniform(*HAZE_PX), octaves=2)
    haze: Plane = np.float32(rng.uniform(0, MOST_HAZE)) * np.clip(field, 0, 1)
    return haze


def _registered(rng: np.random.Generator, light: Plane, optics: InfraredOptics) -> Plane:
    """Displace the plane as its optics say."""
    registration = draw_registration(light.shape[0], optics, int(rng.integers(2**31)))
    if registration.same_pixels:
        return light
    rows, cols = (np.arange(length, dtype=np.float64) for length in light.shape)
    return film_optics.resample(light, rows - registration.row_shift_px, cols, -registration.col_shift_px)


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
