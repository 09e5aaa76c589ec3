"""Damage for sheets: that of the film model, and beyond it drawn artefacts, tiny specks, broken scratches, smudges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from filmscand.film.damage import STATISTICS, draw_damage
from filmscand.film.fields import Plane, smooth_field
from filmscand.film.kinds import KINDS
from filmscand.film.recipe import Damage, DefectKind, FrameRecipe, Scanner
from filmscand.film.shapes import Curl, Depth, blob_outline, curved_path, polygon_depth, stroke_depth, wandering
from filmscand.film.specks import Patch
from training.sheets.sources import Drawn, Sources

# Share of the sheets without damage.
SPOTLESS_SHARE = 0.16
# Share of the patches that are brown, as wood, skin and hair are, and the largest exponent of their colour: density
# falls with that power of the wavelength. Melanin has 3.5 (Jacques 1998), but not all of a speck is pigment.
BROWN_SHARE, MOST_BROWN = 0.35, 2.0
# Wavelengths of red, green and blue.
WAVES_NM = (610.0, 545.0, 465.0)
# Share of the patches that lie out of the scanner's focus, of any kind.
OUT_OF_FOCUS_SHARE = 0.25
# Kinds of film whose damage is drawn; a kind that is named twice is drawn twice as often.
_USUAL = (
    "leaky_slide",
    "leaky_slide",
    "leaky_slide",
    "heavy_dirt",
    "long_hairs",
    "scratches",
    "scratches",
    "stripped_scratches",
    "faint_dust",
    "fingerprint",
)
# Kind of defect that gives a drawn artefact its size. Artefacts of other names are groups of specks, each of the size
# of dust.
_SINGLE = {
    "dots": DefectKind.DUST,
    "smut": DefectKind.DIRT,
    "hair": DefectKind.SHORT_HAIR,
    "lint": DefectKind.LONG_HAIR,
}
# Smallest and largest size of a stain and of a group of specks, pixels at 3600 dpi.
_STAIN_PX = (20.0, 160.0)
_GROUP_PX = (60.0, 260.0)


def usual_dirt(rng: np.random.Generator, size_px: int, scale: float, sources: Sources) -> tuple[Patch, ...]:
    """Draw the most common damage, in about the film model's amount, or none.

    Parameters and result are those of `any_dirt`.
    """
    if rng.uniform() < SPOTLESS_SHARE:
        return ()
    usual = KINDS[_USUAL[int(rng.integers(len(_USUAL)))]].damage
    amount = math.exp(rng.normal(0.1, 0.5))
    damage = replace(
        usual,
        dust=usual.dust * amount,
        dirt=usual.dirt * amount,
        short_hairs=usual.short_hairs * amount,
        long_hairs=usual.long_hairs * amount,
        scratches=usual.scratches * amount,
        median_density=usual.median_density * math.exp(rng.normal(0, 0.35)),
        outlines=sources.outlines if rng.uniform() < 0.5 else (),
    )
    recipe = FrameRecipe(damage=damage, scanner=Scanner(resolution_dpi=3600 * scale))
    patches = draw_damage((size_px, size_px), recipe, int(rng.integers(2**62)))
    return tuple(_browned(rng, patch) for patch in patches)


def any_dirt(rng: np.random.Generator, size_px: int, scale: float, sources: Sources) -> tuple[Patch, ...]:
    """Draw damage of every kind and strength, or none.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the damage.
    size_px : int
        Rows and columns of the sheet.
    scale : float
        Resolution of the sheet over 3600 dpi.
    sources : Sources
        Real outlines and drawn artefacts, used beside simulated shapes.

    Returns
    -------
    tuple of Patch
        The defects; empty for a spotless sheet.
    """
    if rng.uniform() < SPOTLESS_SHARE:
        return ()
    median = math.exp(rng.uniform(math.log(0.045), math.log(0.6)))
    density = _Densities(median, rng.uniform(0.3, 1.1), rng.uniform(0.0, 0.1))
    patches = list(_film_model_damage(rng, size_px, scale, sources, density))
    amount = math.exp(rng.normal(0, 0.8))
    amount *= (size_px / 512) ** 2
    for draw, count in _SHAPES.items():
        patches.extend(density.applied(rng, draw(rng, size_px, scale)) for _ in range(rng.poisson(amount * count)))
    if sources.drawn:
        drawn = (_drawn_artefact(rng, size_px, scale, sources.drawn) for _ in range(rng.poisson(1.2 * amount)))
        patches.extend(density.applied(rng, patch) for patch in drawn)
    return tuple(_refocused(rng, _browned(rng, patch)) for patch in patches)


class _Densities:
    """Distribution of the optical density of one sheet's damage: log-normal, with scatter between the channels."""

    def __init__(self, median: float, spread: float, channel_scatter: float) -> None:
        self.median, self.spread, self.channel_scatter = median, spread, channel_scatter

    def applied(self, rng: np.random.Generator, patch: Patch) -> Patch:
        core = float(np.clip(self.median * math.exp(rng.normal(0, self.spread)), 0.012, 2.5))
        channels = np.clip(1 + self.channel_scatter * rng.standard_normal(3), 0.6, 1.4)
        if patch.kind is DefectKind.STRIPPED_SCRATCH:
            stripped = np.clip(rng.uniform(0.15, 1) * rng.uniform(0.6, 1.0, 3), 0, 1)
            return replace(patch, stripped_rgb=(float(stripped[0]), float(stripped[1]), float(stripped[2])))
        if patch.kind is DefectKind.FINGERPRINT:
            core = float(rng.uniform(0.015, 0.12))
        red, green, blue = core * channels
        return replace(patch, density_rgb=(float(red), float(green), float(blue)))


def _film_model_damage(
    rng: np.random.Generator, size_px: int, scale: float, sources: Sources, density: _Densities
) -> tuple[Patch, ...]:
    amounts = np.exp(rng.normal(0.2, 0.9, 6))
    damage = Damage(
        dust=amounts[0],
        dirt=amounts[1],
        short_hairs=amounts[2],
        long_hairs=amounts[3],
        scratches=amounts[4],
        stripped_scratches=amounts[5] * (rng.uniform() < 0.4),
        fingerprints=int(rng.uniform() < 0.05),
        median_density=density.median,
        density_spread=density.spread,
        channel_scatter=density.channel_scatter,
        outlines=sources.outlines if rng.uniform() < 0.6 else (),
    )
    recipe = FrameRecipe(damage=damage, scanner=Scanner(resolution_dpi=3600 * scale))
    return draw_damage((size_px, size_px), recipe, int(rng.integers(2**62)))


def _speck(rng: np.random.Generator, size_px: int, _scale: float) -> Patch:
    """Draw a speck of 1 to 14 pixels' area, at the limit of a scan's resolution."""
    area = math.exp(rng.uniform(math.log(1.0), math.log(14.0)))
    place = rng.uniform(0, size_px, 2)
    depth = polygon_depth(blob_outline(rng, area, 1 + rng.gamma(1.2, 0.4), 0.3) + place)
    return _patch(DefectKind.DUST, depth, _edge(depth, rng.uniform(0.7, 1.6)))


def _fibre(rng: np.random.Generator, size_px: int, scale: float) -> Patch:
    """Draw a thin, curled fibre."""
    length = rng.uniform(12, 220) * max(scale, 0.4)
    width = rng.uniform(0.6, 3.0)
    curl = Curl(rng.uniform(0, 2 * math.pi), rng.gamma(2, 1.0) / length, length / 4, kinks=rng.uniform(0, 2))
    path = curved_path(rng, length, curl) + rng.uniform(0, size_px, 2)
    half = width / 2 * np.exp(0.2 * wandering(rng, len(path), 8))
    depth = stroke_depth(path, half)
    return _patch(DefectKind.SHORT_HAIR, depth, _edge(depth, rng.uniform(0.8, 2.0)))


def _scratch(rng: np.random.Generator, size_px: int, _scale: float) -> Patch:
    """Draw a scratch, dark or bright, straight or bent, often broken."""
    across = rng.uniform() < 0.5
    length = size_px * 1.4 if across else rng.uniform(15, 300)
    heading = rng.choice([0, math.pi / 2]) + rng.normal(0, 0.03) if across else rng.uniform(0, math.pi)
    path = curved_path(rng, length, Curl(heading, rng.uniform(0, 0.3) / length, length / 2))
    place = rng.uniform(0, size_px, 2)
    half = rng.uniform(0.5, 3.0) / 2 * np.exp(0.2 * wandering(rng, len(path), 12))
    depth = stroke_depth(path + place, half)
    coverage = _edge(depth, rng.uniform(0.8, 1.6))
    if rng.uniform() < 0.6:
        gaps = smooth_field(rng, (coverage.shape[0], coverage.shape[1]), rng.uniform(6, 50))
        coverage *= np.clip(0.6 + rng.uniform(0.5, 4) * gaps, 0, 1)
    kind = DefectKind.STRIPPED_SCRATCH if rng.uniform() < 0.55 else DefectKind.SCRATCH
    return _patch(kind, depth, coverage)


def _smudge(rng: np.random.Generator, size_px: int, scale: float) -> Patch:
    """Draw a drying mark or a smear: wide, faint, sometimes with a dark rim."""
    area = math.exp(rng.uniform(math.log(200.0), math.log(6000.0))) * scale**2
    depth = polygon_depth(blob_outline(rng, area, 1 + rng.gamma(1.2, 0.6), 0.25) + rng.uniform(0, size_px, 2))
    coverage = _edge(depth, rng.uniform(1.5, 5))
    shape = (coverage.shape[0], coverage.shape[1])
    coverage *= np.clip(0.6 + smooth_field(rng, shape, 12, octaves=3), 0, 1)
    if rng.uniform() < 0.4:
        coverage *= np.exp(-np.maximum(depth.depth_px, 0) / np.float32(rng.uniform(1.5, 4)))
    return _patch(DefectKind.FINGERPRINT, depth, coverage)


# Mean number of each shape on a sheet of 512 x 512 pixels.
_SHAPES: Final[dict[Callable[[np.random.Generator, int, float], Patch], float]] = {
    _speck: 8.0,
    _fibre: 2.0,
    _scratch: 0.5,
    _smudge: 0.25,
}


def _drawn_artefact(rng: np.random.Generator, size_px: int, scale: float, drawn: Sequence[Drawn]) -> Patch:
    names = sorted({each.kind for each in drawn})
    # Groups cover much of a sheet: with too many of them nothing else would be learnt.
    chances = np.array([3.0 if name in _SINGLE else 0.5 for name in names])
    name = names[int(rng.choice(len(names), p=chances / chances.sum()))]
    of_kind = [each for each in drawn if each.kind == name]
    opacity = of_kind[int(rng.integers(len(of_kind)))].opacity
    target = opacity.shape[0] * _drawing_scale(rng, name, opacity, scale)
    factor = float(np.clip(target / opacity.shape[0], 4 / max(opacity.shape), 1.5))
    coverage: Plane = np.asarray(cv2.resize(opacity, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    if name in ("hair", "lint"):
        # Scaled below the width of a pixel, a drawn fibre would fade. A real one stays dark: undo the fading.
        coverage = np.minimum(coverage / max(float(np.quantile(coverage[coverage > 0.05], 0.8)), 0.2), 1)
    coverage = np.ascontiguousarray(np.rot90(coverage, int(rng.integers(4))), np.float32)
    top, left = (int(rng.uniform(-0.3, 1) * size_px) for _ in range(2))
    kind = DefectKind.FINGERPRINT if name == "stain" else DefectKind.DIRT
    return Patch(kind, top, left, np.pad(coverage, 3), (0, 0, 0), (0, 0, 0), 0.0)


def _drawing_scale(rng: np.random.Generator, name: str, opacity: Plane, scale: float) -> float:
    if name in _SINGLE:
        statistics = STATISTICS[_SINGLE[name]]
        area = max(rng.gamma(statistics.area_shape, statistics.area_scale_px), 12) * scale**2
        return math.sqrt(float(area) / max(float(opacity.sum()), 1))
    low, high = _STAIN_PX if name == "stain" else _GROUP_PX
    return float(rng.uniform(low, high)) * scale / float(max(opacity.shape))


def _edge(depth: Depth, softness_px: float) -> Plane:
    share = np.clip(0.5 + depth.depth_px / np.float32(softness_px), 0, 1)
    edge: Plane = share * share * (3 - 2 * share)
    return edge


def _patch(kind: DefectKind, depth: Depth, coverage: Plane) -> Patch:
    return Patch(kind, depth.top_px, depth.left_px, coverage, (0, 0, 0), (0, 0, 0), 0.0)


def _browned(rng: np.random.Generator, patch: Patch) -> Patch:
    """Make some patches brown: denser in blue, less dense in red."""
    return patch if rng.uniform() > BROWN_SHARE else coloured(patch, rng.uniform(0, MOST_BROWN))


def coloured(patch: Patch, power: float) -> Patch:
    """Return a patch whose density falls with a power of the wavelength, that in green unchanged."""
    red, green, blue = (
        density * (WAVES_NM[1] / wave_nm) ** power for density, wave_nm in zip(patch.density_rgb, WAVES_NM, strict=True)
    )
    return replace(patch, density_rgb=(red, green, blue))


def _refocused(rng: np.random.Generator, patch: Patch) -> Patch:
    """Blur some patches as if they lay out of the scanner's focus: on the film's other side, or on glass."""
    if rng.uniform() > OUT_OF_FOCUS_SHARE:
        return patch
    coverage = np.pad(patch.coverage, 4)
    if rng.uniform() < 0.5:
        soft = cv2.GaussianBlur(coverage, (0, 0), rng.uniform(0.5, 1.6))
    else:
        soft = cv2.filter2D(coverage, -1, _aperture(rng.uniform(0.7, 3)), borderType=cv2.BORDER_CONSTANT)
    return replace(patch, top_px=patch.top_px - 4, left_px=patch.left_px - 4, coverage=np.asarray(soft, np.float32))


def _aperture(radius_px: float) -> Plane:
    """Return the point spread of a defocused lens, (rows, cols): a disc whose sum is 1."""
    reach = math.ceil(radius_px)
    rows, cols = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(np.float32(radius_px + 0.5) - np.hypot(rows, cols), 0, 1)
    return np.asarray(disc / disc.sum(), np.float32)


def shading(rng: np.random.Generator, coverage: Plane) -> Plane:
    """Return a factor of the light around specks: brighter on one side of each, darker on the other.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of direction, reach and strength.
    coverage : (rows, cols) ndarray of float32
        Coverage by all specks of a sheet.

    Returns
    -------
    (rows, cols) ndarray of float32
        1 far from any speck.
    """
    angle, reach = rng.uniform(0, 2 * math.pi), rng.uniform(0.7, 2.5)
    soft = cv2.GaussianBlur(np.minimum(coverage, 1), (0, 0), rng.uniform(0.5, 1.2))
    rows, cols = coverage.shape
    step = (reach * math.cos(angle), reach * math.sin(angle))
    lit, shaded = (
        cv2.warpAffine(soft, np.array([[1, 0, sign * step[0]], [0, 1, sign * step[1]]]), (cols, rows))
        for sign in (1, -1)
    )
    factor: Plane = 1 + np.float32(rng.uniform(0.03, 0.3)) * (lit - shaded)
    return factor
