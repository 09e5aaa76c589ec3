"""A sheet: densities as the detector gets them, the defect mask, and the weight of each pixel in the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.damage import summed
from filmscand.film.fields import Plane
from filmscand.film.mount import MountPlanes, mount_planes
from filmscand.film.recipe import FilmStock, Mount, MountStyle, Process
from filmscand.film.specks import Patch
from filmscand.ir.network.density_input import density_levels, density_planes, measure_levels
from training.sheets.dirt import any_dirt, coloured, shading, usual_dirt
from training.sheets.emulsion import Exposed, any_stock, expose, usual_stock
from training.sheets.infrared import (
    InfraredPass,
    draw_infrared_pass,
    infrared_planes,
    scan_infrared,
    seen_by_infrared,
    stripped_share,
)
from training.sheets.scanners import (
    TOUCHED_SHARE,
    VISIBLE_SHARE,
    Scanned,
    any_settings,
    infrared_counts,
    scan,
    usual_settings,
)
from training.sheets.scenes import SPANS_ON_NEGATIVES, SPANS_SHARE, draw_scene
from training.sheets.sources import Sources

_LN10 = np.float32(math.log(10))
# Share of the sheets whose film, damage and scanner are all of the most common sort; on the others each may be any.
USUAL_SHARE = 0.5
# Share of the sheets with an infrared plane. What the colours alone have to show is harder to learn.
INFRARED_SHARE = 0.55
# Share of the inverted scans that keep an infrared plane, and of the compressed ones: few programs save one with them.
INFRARED_OF_POSITIVE = 0.3
# Share of the sheets that a mount covers in part.
MOUNT_SHARE = 0.1
# Share of the negatives whose scene may have points of light.
POINTS_ON_NEGATIVES = 0.2
# Share of the inverted scans on which dust is coloured, and the largest exponent of its colour: density falls with that
# power of the wavelength. Measured on inverted scans of dusty negatives: red 0.5 to 0.7 of green, blue 1.8 to 4 times
# green, which are powers of 3 to 8.
COLOURED_SHARE, MOST_COLOURED = 0.7, 8.0
# Least weight of a visible defect far below the noise: many such pixels make a shape, and benches count each of them.
LEAST_WEIGHT = 0.35
# The same with infrared, which shows such defects better.
LEAST_WEIGHT_SEEN = 0.4


@dataclass(frozen=True, slots=True)
class Sheet:
    """A square of simulated film.

    Parameters
    ----------
    density : ndarray of float32, shape (3, size, size)
        Densities of the counts, from `filmscand.ir.network.density_input`.
    defect : ndarray of bool, shape (size, size)
        True where damage changed the light of any channel by over 3 % and by over one standard deviation of the
        scanner's noise.
    weight : ndarray of float32, shape (size, size)
        Weight in the loss, 0..1: 0 on rims of defects and on the holder, low where noise hides a defect.
    infrared : ndarray of float32, shape (3, size, size)
        Infrared input of the detector, from `filmscand.ir.network.infrared_view`; zeros without infrared.
    """

    density: Plane
    defect: npt.NDArray[np.bool_]
    weight: Plane
    infrared: Plane


def draw_sheet(rng: np.random.Generator, size_px: int, sources: Sources, *, infrared: bool | None = None) -> Sheet:
    """Draw one sheet.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all choices.
    size_px : int
        Rows and columns.
    sources : Sources
        Photographs, outlines and drawn artefacts.
    infrared : bool, optional
        Whether the sheet has an infrared plane; by default some have and some have not.
    """
    if infrared is None:
        infrared = rng.uniform() < INFRARED_SHARE
    usual, scale, hard_share = _usualness(rng)
    stock = _stock(rng, usual)
    film = expose(rng, _scene(rng, size_px, sources, stock, hard_share), stock)
    dirt = usual_dirt if rng.uniform() < usual else any_dirt
    patches = dirt(rng, size_px, scale, sources)
    draw_settings = usual_settings if rng.uniform() < usual else any_settings
    settings = draw_settings(rng, stock.process is Process.NEGATIVE)
    infrared_pass: InfraredPass | None = None
    if infrared:
        if rng.uniform() > INFRARED_OF_POSITIVE:
            settings = replace(settings, inverted=False, jpeg_quality=0)
        infrared_pass = draw_infrared_pass(rng, film)
        patches = seen_by_infrared(rng, patches, infrared_pass.optics)
    if settings.inverted and rng.uniform() < COLOURED_SHARE:
        power = rng.uniform(0, MOST_COLOURED)
        patches = tuple(coloured(patch, power) for patch in patches)
    mount = _mount(rng, size_px)
    damaged, clean = (
        light * mount.film_share[..., None] + mount.bare_share[..., None] if mount else light
        for light in _light(rng, film, patches)
    )
    scanned = scan(rng, damaged, clean, settings)
    visible = _highest((scanned.change > VISIBLE_SHARE) & (scanned.change > scanned.noise))
    least = LEAST_WEIGHT if infrared_pass is None else LEAST_WEIGHT_SEEN
    weight = _weight(scanned, film, visible, settings.blur_px, least)
    holder = np.zeros_like(visible) if mount is None else mount.film_share < np.float32(0.5)
    weight[holder] = 0
    plane = None
    if infrared_pass is not None:
        plane = infrared_counts(scan_infrared(rng, film, patches, infrared_pass, mount), settings)
    return Sheet(_density(rng, scanned.rgb), visible & ~holder, weight, infrared_planes(scanned.rgb, plane))


def _scene(rng: np.random.Generator, size_px: int, sources: Sources, stock: FilmStock, hard_share: float) -> Plane:
    slide = stock.process is Process.SLIDE
    points = slide or rng.uniform() < POINTS_ON_NEGATIVES
    spans_share = SPANS_SHARE if slide else SPANS_ON_NEGATIVES
    return draw_scene(rng, size_px, sources, hard_share=hard_share, points=points, spans_share=spans_share)


def _stock(rng: np.random.Generator, usual: float) -> FilmStock:
    return usual_stock(rng) if rng.uniform() < usual else any_stock(rng)


def _usualness(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the probability that film, dirt or scanner is a usual one, resolution over 3600 dpi, and `hard_share`."""
    if rng.uniform() < USUAL_SHARE:
        return 1.0, rng.uniform(0.8, 1.15), 0.15
    return 0.35, math.exp(rng.uniform(math.log(0.3), math.log(1.3))), 0.4


def _light(rng: np.random.Generator, film: Exposed, patches: tuple[Patch, ...]) -> tuple[Plane, Plane]:
    """Return the light that passes the damaged and the clean film, (rows, cols, 3)."""
    shape = (film.densities.shape[1], film.densities.shape[2])
    clean = np.exp(-_LN10 * film.densities)
    if not patches:
        light = np.moveaxis(clean, 0, -1).copy()
        return light, light
    damaged = np.empty_like(clean)
    for channel in range(3):
        stripped = summed(patches, partial(stripped_share, channel=channel), shape)
        added = summed(patches, partial(_added_density, channel=channel), shape)
        density = film.densities[channel] * (1 - np.minimum(stripped, 1)) + added
        damaged[channel] = np.exp(-_LN10 * density)
    if rng.uniform() < 0.3:
        damaged *= shading(rng, summed(patches, lambda patch: float(max(patch.density_rgb) > 0), shape))
    return np.ascontiguousarray(np.moveaxis(damaged, 0, -1)), np.ascontiguousarray(np.moveaxis(clean, 0, -1))


def _added_density(patch: Patch, *, channel: int) -> float:
    return patch.density_rgb[channel]


def _mount(rng: np.random.Generator, size_px: int) -> MountPlanes | None:
    """Draw a corner of a mount that covers a part of the sheet, or none."""
    if rng.uniform() > MOUNT_SHARE:
        return None
    style = MountStyle.SLIDE if rng.uniform() < 0.6 else MountStyle.SPROCKETS
    whole = int(size_px * rng.uniform(1.2, 3))
    mount = Mount(style, rng.uniform(0.02, 0.12), rng.uniform(0, 0.06), rng.normal(0, 1.5), rng.uniform(0.5, 5))
    planes = mount_planes((whole, whole), mount)
    assert planes is not None, "a mount style without planes"
    top, left = (int(rng.choice([0, whole - size_px])) for _ in range(2))
    cut = (slice(top, top + size_px), slice(left, left + size_px))
    return MountPlanes(planes.film_share[cut], planes.bare_share[cut], planes.exposed[cut])


def _weight(scanned: Scanned, film: Exposed, visible: npt.NDArray[np.bool_], blur_px: float, least: float) -> Plane:
    # The scanner's blur and the sum over a speck (the blur of the change, below) both reduce the grain.
    size = film.stock.grain_size_px
    grain = np.moveaxis(film.grain, 0, -1) * np.float32(_LN10 * size / math.hypot(size, blur_px))
    deviation = np.sqrt(grain * grain + scanned.noise * scanned.noise)
    change = cv2.GaussianBlur(np.minimum(scanned.change, 3), (0, 0), 1.0)
    clear = _highest(change / (deviation + np.float32(1e-4))) / np.float32(1.3)
    weight = np.where(visible, np.clip(clear, least, 1), 1).astype(np.float32)
    weight[~visible & (_highest(scanned.change) > TOUCHED_SHARE)] = 0
    return weight


def _highest(colours: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the maximum of three channels; much faster than `max` along an axis of length 3."""
    highest: npt.NDArray[Any] = np.maximum(np.maximum(colours[..., 0], colours[..., 1]), colours[..., 2])
    return highest


def _density(rng: np.random.Generator, rgb: npt.NDArray[np.uint16]) -> Plane:
    """Return the densities above a random white, as the rest of a frame could have it."""
    white = np.array(measure_levels(rgb).white)
    if rng.uniform() < 0.7:
        white = white * 10 ** rng.uniform(-0.15, 0.5) * 10 ** rng.normal(0, 0.03, 3)
    red, green, blue = np.clip(white, 1, 65535)
    return density_planes(rgb, density_levels((float(red), float(green), float(blue))))
