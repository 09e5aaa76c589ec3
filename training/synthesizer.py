"""Sheets to learn from: densities as the detector gets them, where the damage is, and how much each pixel counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.damage import summed
from filmscand.film.fields import Plane
from filmscand.film.mount import MountPlanes, mount_planes
from filmscand.film.recipe import FilmStock, Mount, MountStyle, Process
from filmscand.film.specks import Patch
from filmscand.ir.network.density_input import density_levels, density_planes, measure_levels
from training.dirt import any_dirt, shading, usual_dirt
from training.emulsion import Exposed, any_stock, expose, usual_stock
from training.infrared import draw_infrared_pass, infrared_planes, scan_infrared, seen_by_infrared
from training.scan import TOUCHED_SHARE, VISIBLE_SHARE, Scanned, any_pass, scan, scanned_beside, usual_pass
from training.scenes import SPANS_ON_NEGATIVES, SPANS_SHARE, draw_scene
from training.sources import Sources

_LN10 = np.float32(math.log(10))
# Sheets of film, damage and scanner as stations see them most; the rest are of all sorts, mixed.
USUAL_SHARE = 0.5
MOUNT_SHARE = 0.07
POINTS_ON_NEGATIVES = 0.1
# What damage far below the noise counts, at least: much of it makes a shape, and benches count every visible pixel.
LEAST_WEIGHT = 0.35
# Infrared sees it better.
LEAST_WEIGHT_SEEN = 0.4


@dataclass(frozen=True, slots=True)
class Sheet:
    """A square of simulated film.

    Parameters
    ----------
    density : ndarray of float32, shape (3, size, size)
        What `filmscand.ir.network.density_input` makes of its counts.
    defect : ndarray of bool, shape (size, size)
        Where damage changed the light of any channel by over 3 % and by over one deviation of the scanner's noise.
    weight : ndarray of float32, shape (size, size)
        0 where it does not matter what is said (the rims of defects, the holder); low where the noise hides a defect.
    infrared : ndarray of float32, shape (3, size, size)
        What the detector gets of the infrared (see `filmscand.ir.network.infrared_view`); zeros where there is none.
    """

    density: Plane
    defect: npt.NDArray[np.bool_]
    weight: Plane
    infrared: Plane


def draw_sheet(rng: np.random.Generator, size_px: int, sources: Sources, *, infrared: bool = False) -> Sheet:
    """Draw one sheet.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of everything about it.
    size_px : int
        Rows and columns.
    sources : Sources
        Photographs and outlines.
    infrared : bool
        Whether it comes with an infrared, which is not to be believed by itself, on film that infrared sees through.
    """
    usual, scale, hard_share = _strangeness(rng)
    stock = _stock(rng, usual)
    while infrared and stock.monochrome:
        stock = _stock(rng, usual)
    film = expose(rng, _scene(rng, size_px, sources, stock, hard_share), stock)
    dirt = usual_dirt if rng.uniform() < usual else any_dirt
    patches = dirt(rng, size_px, scale, sources)
    taken = usual_pass if rng.uniform() < usual else any_pass
    how = taken(rng, stock.process is Process.NEGATIVE)
    second = None
    if infrared:
        # What is inverted or compressed comes from programs that keep the infrared to themselves.
        how, second = replace(how, inverted=False, jpeg_quality=0), draw_infrared_pass(rng, film)
        patches = seen_by_infrared(rng, patches, second.optics)
    mount = _mount(rng, size_px)
    damaged, clean = (
        light * mount.film_share[..., None] + mount.bare_share[..., None] if mount else light
        for light in _light(rng, film, patches)
    )
    scanned = scan(rng, damaged, clean, how)
    visible = _highest((scanned.change > VISIBLE_SHARE) & (scanned.change > scanned.noise))
    weight = _weight(scanned, film, visible, how.blur_px, LEAST_WEIGHT if second is None else LEAST_WEIGHT_SEEN)
    holder = np.zeros_like(visible) if mount is None else mount.film_share < np.float32(0.5)
    weight[holder] = 0
    plane = None if second is None else scanned_beside(scan_infrared(rng, film, patches, second, mount), how)
    return Sheet(_density(rng, scanned.rgb), visible & ~holder, weight, infrared_planes(scanned.rgb, plane))


def _scene(rng: np.random.Generator, size_px: int, sources: Sources, stock: FilmStock, hard_share: float) -> Plane:
    slide = stock.process is Process.SLIDE
    points = slide or rng.uniform() < POINTS_ON_NEGATIVES
    spans_share = SPANS_SHARE if slide else SPANS_ON_NEGATIVES
    return draw_scene(rng, size_px, sources, hard_share=hard_share, points=points, spans_share=spans_share)


def _stock(rng: np.random.Generator, usual: float) -> FilmStock:
    return usual_stock(rng) if rng.uniform() < usual else any_stock(rng)


def _strangeness(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return how often a part of the sheet is the usual one, its resolution as part of 3600 dpi, and `hard_share`."""
    if rng.uniform() < USUAL_SHARE:
        return 1.0, rng.uniform(0.8, 1.15), 0.1
    return 0.35, math.exp(rng.uniform(math.log(0.4), math.log(1.3))), 0.35


def _light(rng: np.random.Generator, film: Exposed, patches: tuple[Patch, ...]) -> tuple[Plane, Plane]:
    """Return the light that passes the damaged and the clean film, (rows, cols, 3)."""
    shape = (film.densities.shape[1], film.densities.shape[2])
    clean = np.exp(-_LN10 * film.densities)
    if not patches:
        light = np.moveaxis(clean, 0, -1).copy()
        return light, light
    damaged = np.empty_like(clean)
    for channel in range(3):
        taken = summed(patches, lambda patch, at=channel: patch.stripped_rgb[at], shape)
        added = summed(patches, lambda patch, at=channel: patch.density_rgb[at], shape)
        density = film.densities[channel] * (1 - np.minimum(taken, 1)) + added
        damaged[channel] = np.exp(-_LN10 * density)
    if rng.uniform() < 0.3:
        damaged *= shading(rng, summed(patches, lambda patch: float(max(patch.density_rgb) > 0), shape))
    return tuple(np.ascontiguousarray(np.moveaxis(light, 0, -1)) for light in (damaged, clean))  # type: ignore[return-value]


def _mount(rng: np.random.Generator, size_px: int) -> MountPlanes | None:
    """Draw a corner or an edge of a mount that lies over the sheet."""
    if rng.uniform() > MOUNT_SHARE:
        return None
    style = MountStyle.SLIDE if rng.uniform() < 0.6 else MountStyle.SPROCKETS
    whole = int(size_px * rng.uniform(1.2, 3))
    mount = Mount(style, rng.uniform(0.02, 0.12), rng.uniform(0, 0.06), rng.normal(0, 1.5), rng.uniform(0.5, 5))
    planes = mount_planes((whole, whole), mount)
    assert planes is not None, "a mount style without planes"
    top, left = (int(rng.choice([0, whole - size_px])) for _ in range(2))
    cut = (slice(top, top + size_px), slice(left, left + size_px))
    return MountPlanes(*(plane[cut] for plane in planes))


def _weight(scanned: Scanned, film: Exposed, visible: npt.NDArray[np.bool_], blur_px: float, least: float) -> Plane:
    # Blurring by the scanner and what the eye sums over a speck both quieten the grain.
    size = film.stock.grain_size_px
    grain = np.moveaxis(film.grain, 0, -1) * np.float32(_LN10 * size / math.hypot(size, blur_px))
    deviation = np.sqrt(grain * grain + scanned.noise * scanned.noise)
    change = cv2.GaussianBlur(np.minimum(scanned.change, 3), (0, 0), 1.0)
    clear = _highest(change / (deviation + np.float32(1e-4))) / np.float32(1.3)
    weight = np.where(visible, np.clip(clear, least, 1), 1).astype(np.float32)
    weight[~visible & (_highest(scanned.change) > TOUCHED_SHARE)] = 0
    return weight


def _highest(colours: np.ndarray) -> np.ndarray:
    """Return the highest of three channels, much faster than along an axis of three."""
    return np.maximum(np.maximum(colours[..., 0], colours[..., 1]), colours[..., 2])


def _density(rng: np.random.Generator, rgb: npt.NDArray[np.uint16]) -> Plane:
    """Return the densities, over a white that the rest of the frame might have."""
    white = np.array(measure_levels(rgb).white)
    if rng.uniform() < 0.7:
        white = white * 10 ** rng.uniform(-0.15, 0.5) * 10 ** rng.normal(0, 0.03, 3)
    red, green, blue = np.clip(white, 1, 65535)
    return density_planes(rgb, density_levels((float(red), float(green), float(blue))))
