"""Draws single defects: their shape, how much light they absorb, and how infrared sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.film import shapes
from filmscand.film.fields import Plane, smooth_field
from filmscand.film.recipe import Damage, DefectKind, FrameRecipe, Outline

# Resolution at which outlines and sizes were measured, in dpi (FilmDamageSimulator: 142 px/mm).
REFERENCE_DPI = 3600.0
# Height of a fingerprint and distance of its ridges, in millimetres.
_FINGER_HEIGHT_MM, _RIDGE_MM = 16.0, 0.45


@dataclass(frozen=True, slots=True)
class Patch:
    """A defect on the film.

    Parameters
    ----------
    kind : DefectKind
        What it is.
    top_px, left_px : int
        Row and column of its first pixel in the frame; may lie outside.
    coverage : ndarray of float32, shape (rows, cols)
        Share of the defect's full density at each pixel, 0..1.
    density_rgb : tuple of float
        Optical density that it adds at its core, per channel.
    stripped_rgb : tuple of float
        Share of the dye that it has removed at its core, per channel, 0..1.
    infrared_density : float
        Optical density that it adds in infrared at its core.
    """

    kind: DefectKind
    top_px: int
    left_px: int
    coverage: Plane
    density_rgb: tuple[float, float, float]
    stripped_rgb: tuple[float, float, float]
    infrared_density: float

    @property
    def infrared_only(self) -> bool:
        """Whether only the infrared plane shows it."""
        return max(self.density_rgb) == 0 and max(self.stripped_rgb) == 0

    @property
    def strength(self) -> float:
        """Share lost at its core, 0..1: of light, of dye if stripped, or of infrared for an infrared-only defect."""
        if max(self.stripped_rgb) > 0:
            return float(np.mean(self.stripped_rgb))
        density = self.infrared_density if self.infrared_only else float(np.mean(self.density_rgb))
        return float(1 - 10.0**-density)


@dataclass(frozen=True, slots=True)
class Spot:
    """Position and size of a defect.

    Parameters
    ----------
    centre_px : tuple of float
        Row and column of its centre.
    area_px : float
        Area in square pixels; not used with an outline.
    frame_shape : tuple of int
        Rows and columns of the frame, which limit its size.
    outline : Outline or None
        A real outline to use instead of a procedural shape.
    """

    centre_px: tuple[float, float]
    area_px: float
    frame_shape: tuple[int, int]
    outline: Outline | None = None


def draw_patch(rng: np.random.Generator, kind: DefectKind, spot: Spot, recipe: FrameRecipe) -> Patch:
    """Draw one defect.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of its shape and strength.
    kind : DefectKind
        What it is.
    spot : Spot
        Its position and size.
    recipe : FrameRecipe
        Densities of the damage, infrared optics, resolution.
    """
    scale = recipe.scanner.resolution_dpi / REFERENCE_DPI
    if kind is DefectKind.FINGERPRINT:
        depth, coverage = _fingerprint(rng, spot, recipe.scanner.resolution_dpi)
    elif spot.outline is not None:
        depth = shapes.polygon_depth(_drawn_outline(rng, spot.outline.points_px, scale) + np.array(spot.centre_px))
        coverage = _soft_coverage(rng, depth, scale)
    else:
        depth = _SHAPES[kind](rng, spot, scale)
        coverage = _soft_coverage(rng, depth, scale)
    if kind in _HOLLOW_SHARE:
        coverage *= _texture(rng, depth, _HOLLOW_SHARE[kind])
    return _absorbing(rng, Patch(kind, depth.top_px, depth.left_px, coverage, (0, 0, 0), (0, 0, 0), 0.0), recipe)


def _drawn_outline(rng: np.random.Generator, points_px: npt.NDArray[np.floating], scale: float) -> shapes.Points:
    points = np.asarray(points_px, np.float64) * scale
    centred = points - (points.min(0) + points.max(0)) / 2
    rotated: shapes.Points = centred @ shapes.rotation_matrix(rng.uniform(0, 2 * math.pi))
    return rotated


def _speck(rng: np.random.Generator, spot: Spot, _scale: float) -> shapes.Depth:
    outline = shapes.blob_outline(rng, spot.area_px, 1 + rng.gamma(1.2, 0.25), 0.22)
    return shapes.polygon_depth(outline + np.array(spot.centre_px))


def _clump(rng: np.random.Generator, spot: Spot, _scale: float) -> shapes.Depth:
    outline = shapes.blob_outline(rng, spot.area_px, 1 + rng.gamma(1.5, 0.3), 0.32)
    return shapes.polygon_depth(outline + np.array(spot.centre_px))


def _short_hair(rng: np.random.Generator, spot: Spot, scale: float) -> shapes.Depth:
    return _hair(rng, spot, scale * rng.uniform(3.5, 7.0), rng.gamma(1.5, 0.7))


def _long_hair(rng: np.random.Generator, spot: Spot, scale: float) -> shapes.Depth:
    return _hair(rng, spot, scale * rng.uniform(3.5, 8.0), rng.gamma(2.0, 1.2))


def _hair(rng: np.random.Generator, spot: Spot, width_px: float, turn_radians: float) -> shapes.Depth:
    length = max(spot.area_px / width_px, 1.5 * width_px)
    curl = shapes.Curl(rng.uniform(0, 2 * math.pi), turn_radians / length, length / 4, kinks=0.05 * length / width_px)
    path = shapes.curved_path(rng, length, curl)
    along = np.linspace(0, 1, len(path))
    taper = np.minimum(1, 0.45 + 8 * np.minimum(along, 1 - along))
    half_width = width_px / 2 * taper * np.exp(0.1 * shapes.wandering(rng, len(path), 8))
    return shapes.stroke_depth(path + np.array(spot.centre_px), half_width)


def _scratch(rng: np.random.Generator, spot: Spot, scale: float) -> shapes.Depth:
    width = max(scale * rng.gamma(3.0, 0.8), 0.7)
    length = min(max(spot.area_px / width, 12 * width), 1.2 * math.hypot(*spot.frame_shape))
    # Three of four scratches come from the transport and follow the film, which runs along the columns; the others have
    # any direction.
    heading = rng.normal(0, 0.02) if rng.uniform() < 0.75 else rng.uniform(0, 2 * math.pi)
    path = shapes.curved_path(rng, length, shapes.Curl(heading, 0.15 / length, length / 2))
    ragged = np.clip(0.75 + 0.35 * shapes.wandering(rng, len(path), 20), 0.05, 1.4)
    return shapes.stroke_depth(path + np.array(spot.centre_px), width / 2 * ragged)


_SHAPES = {
    DefectKind.DUST: _speck,
    DefectKind.DIRT: _clump,
    DefectKind.SHORT_HAIR: _short_hair,
    DefectKind.LONG_HAIR: _long_hair,
    DefectKind.SCRATCH: _scratch,
    DefectKind.STRIPPED_SCRATCH: _scratch,
}


# Share of defects that are lighter inside than at their edge.
_HOLLOW_SHARE = {
    DefectKind.DUST: 0.4,
    DefectKind.DIRT: 0.1,
    DefectKind.SHORT_HAIR: 0.4,
    DefectKind.LONG_HAIR: 0.4,
}


def _soft_coverage(rng: np.random.Generator, depth: shapes.Depth, scale: float) -> Plane:
    # Dirt lies up to a tenth of a millimetre above the emulsion, so the blur of its edge is one to three pixels wide.
    softness = max(scale * (1.0 + rng.gamma(2.0, 0.5)), 0.8)
    share = np.clip(0.5 + depth.depth_px / np.float32(softness), 0, 1)
    coverage: Plane = share * share * (3 - 2 * share)
    return coverage


def _texture(rng: np.random.Generator, depth: shapes.Depth, hollow_share: float) -> Plane:
    """Return the inner structure of a defect: uneven, often lighter inside, for clear grains and fibres are lenses."""
    shape = (depth.depth_px.shape[0], depth.depth_px.shape[1])
    reach = max(float(depth.depth_px.max()), 1.0)
    uneven = 1 - 0.3 * (1 + smooth_field(rng, shape, max(1.5 * reach, 3.0), octaves=2)) / 2
    if rng.uniform() > hollow_share:
        return uneven.astype(np.float32)
    core = np.clip(depth.depth_px / np.float32(reach), 0, 1)
    ring: Plane = (uneven * (1 - rng.uniform(0.2, 0.7) * core)).astype(np.float32)
    return ring


def _fingerprint(rng: np.random.Generator, spot: Spot, resolution_dpi: float) -> tuple[shapes.Depth, Plane]:
    px_per_mm = resolution_dpi / 25.4
    height = int(min(_FINGER_HEIGHT_MM * px_per_mm, 0.7 * min(spot.frame_shape)))
    shape = (max(height, 16), max(int(height * 0.75), 12))
    row, col = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    spacing = max(_RIDGE_MM / _FINGER_HEIGHT_MM * 2, 8.0 / shape[0])
    bent = np.hypot(row * 0.8 + 0.15, col) + 0.3 * smooth_field(rng, shape, shape[0] / 2, octaves=3)
    ridges = np.clip(0.5 + 0.9 * np.sin(2 * np.pi / spacing * bent), 0, 1)
    sweat = np.clip(0.6 + 0.9 * smooth_field(rng, shape, shape[0] / 4, octaves=4), 0, 1)
    envelope = np.clip(2.5 * (0.85 - np.hypot(row, col) + 0.15 * smooth_field(rng, shape, shape[0] / 4)), 0, 1)
    coverage = (ridges * sweat * envelope).astype(np.float32)
    top, left = int(spot.centre_px[0]) - shape[0] // 2, int(spot.centre_px[1]) - shape[1] // 2
    return shapes.Depth(top, left, coverage), coverage


def _absorbing(rng: np.random.Generator, patch: Patch, recipe: FrameRecipe) -> Patch:
    damage = recipe.damage
    density = _core_density(rng, patch.kind, damage)
    infrared = density * recipe.infrared.contrast * math.exp(rng.normal(0, recipe.infrared.contrast_scatter))
    channels = np.clip(1 + damage.channel_scatter * rng.standard_normal(3), 0.7, 1.3)
    visible, stripped = density * channels / channels.mean(), np.zeros(3)
    if patch.kind is DefectKind.STRIPPED_SCRATCH:
        stripped = np.clip(rng.uniform(0.3, 0.95) * rng.uniform(0.75, 1.0, 3), 0, 1)
        visible = np.zeros(3)
    elif patch.kind in (DefectKind.DUST, DefectKind.DIRT) and rng.uniform() < damage.infrared_only_share:
        visible = np.zeros(3)
    return replace(patch, density_rgb=_triple(visible), stripped_rgb=_triple(stripped), infrared_density=infrared)


def _triple(values: npt.NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _core_density(rng: np.random.Generator, kind: DefectKind, damage: Damage) -> float:
    if kind is DefectKind.FINGERPRINT:
        return float(rng.uniform(0.03, 0.08))
    median = damage.median_density * _RELATIVE_DENSITY[kind]
    # Below 0.15, the missing leakage of the stripped dye would hide the scattering of a stripped scratch in infrared.
    least = 0.15 if kind is DefectKind.STRIPPED_SCRATCH else 0.012
    return float(np.clip(median * math.exp(rng.normal(0, damage.density_spread)), least, 2.2))


# Density relative to dust. Fibres are thicker than specks and absorb more light; a scratch only scatters some of it.
_RELATIVE_DENSITY = {
    DefectKind.DUST: 1.0,
    DefectKind.DIRT: 1.3,
    DefectKind.SHORT_HAIR: 1.4,
    DefectKind.LONG_HAIR: 1.4,
    DefectKind.SCRATCH: 0.7,
    DefectKind.STRIPPED_SCRATCH: 0.6,
}
