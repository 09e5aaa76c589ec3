"""Draws the damage of a frame, with numbers, sizes and clusters as counted on real film, and sums it into planes.

Sizes and numbers follow the outlines of Ivanova, Williamson and Henderson, "Simulating analogue film damage to analyse
and improve artefact restoration on high-resolution scans", Computer Graphics Forum 42 (2023), doi:10.1111/cgf.14749.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane, smooth_field, stream
from filmscand.film.recipe import Damage, DefectKind, FrameRecipe
from filmscand.film.specks import REFERENCE_DPI, Patch, Spot, draw_patch

# Side of the square cells in which defects were counted, in pixels at 3600 dpi.
_CELL_PX = 256


@dataclass(frozen=True, slots=True)
class Statistics:
    """Gamma distributions of the area and the number of one kind of defect, at 3600 dpi.

    Parameters
    ----------
    area_shape, area_scale_px : float
        Shape and scale of the distribution of the area, in square pixels.
    count_shape, count_scale : float
        Shape and scale of the distribution of the number in a cell of 256 x 256 px that contains any.
    filled_share : float
        Share of the cells that contain any, 0..1.
    """

    area_shape: float
    area_scale_px: float
    count_shape: float
    count_scale: float
    filled_share: float


STATISTICS = {
    DefectKind.DUST: Statistics(6.14, 10.9, 2.16, 1.63, 0.77),
    DefectKind.DIRT: Statistics(2.31, 70.9, 2.79, 0.71, 0.48),
    DefectKind.SHORT_HAIR: Statistics(2.24, 146.0, 4.69, 0.32, 0.32),
    DefectKind.LONG_HAIR: Statistics(3.20, 337.0, 8.29, 0.15, 0.115),
    DefectKind.SCRATCH: Statistics(0.69, 6651.0, 54.0, 0.02, 0.023),
    DefectKind.STRIPPED_SCRATCH: Statistics(0.69, 6651.0, 54.0, 0.02, 0.023),
}


def _amounts(damage: Damage) -> dict[DefectKind, float]:
    return {
        DefectKind.DUST: damage.dust,
        DefectKind.DIRT: damage.dirt,
        DefectKind.SHORT_HAIR: damage.short_hairs,
        DefectKind.LONG_HAIR: damage.long_hairs,
        DefectKind.SCRATCH: damage.scratches,
        DefectKind.STRIPPED_SCRATCH: damage.stripped_scratches,
    }


def draw_damage(shape: tuple[int, int], recipe: FrameRecipe, seed: int) -> tuple[Patch, ...]:
    """Draw all defects of a frame.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the frame.
    recipe : FrameRecipe
        Amount of damage, infrared optics, resolution.
    seed : int
        Seed of the damage, >= 0.

    Returns
    -------
    tuple of Patch
        The defects that touch the frame.
    """
    patches = [
        draw_patch(rng, kind, spot, recipe)
        for kind, amount in _amounts(recipe.damage).items()
        for rng in [stream(seed, f"damage {kind}")]
        for spot in _spots(rng, kind, amount, shape, recipe)
    ]
    rng = stream(seed, "damage fingerprints")
    for _ in range(recipe.damage.fingerprints):
        centre = rng.uniform(0.25, 0.75, 2) * shape
        patches.append(draw_patch(rng, DefectKind.FINGERPRINT, Spot((centre[0], centre[1]), 0.0, shape), recipe))
    return tuple(patch for patch in patches if overlap_slices(patch, shape) is not None)


def _spots(
    rng: np.random.Generator, kind: DefectKind, amount: float, shape: tuple[int, int], recipe: FrameRecipe
) -> Iterator[Spot]:
    scale = recipe.scanner.resolution_dpi / REFERENCE_DPI
    statistics = STATISTICS[kind]
    cell_px = _CELL_PX * scale
    outlines = [outline for outline in recipe.damage.outlines if outline.kind is kind]
    cells = (int(np.ceil(shape[0] / cell_px)), int(np.ceil(shape[1] / cell_px)))
    # The factor 3 makes the standard deviation about 1: two octaves of value noise have about a third.
    crowding = np.exp(recipe.damage.clustering * 3 * smooth_field(rng, cells, max(max(cells) / 4, 2.0), octaves=2))
    crowding /= crowding.mean()
    for row, col in np.ndindex(*cells):
        for _ in range(_count(rng, statistics, amount * float(crowding[row, col]))):
            centre = (np.array([row, col]) + rng.uniform(0, 1, 2)) * cell_px
            area = max(rng.gamma(statistics.area_shape, statistics.area_scale_px), 12.0) * scale**2
            if centre[0] < shape[0] and centre[1] < shape[1]:
                outline = outlines[int(rng.integers(len(outlines)))] if outlines else None
                yield Spot((centre[0], centre[1]), area, shape, outline)


def _count(rng: np.random.Generator, statistics: Statistics, amount: float) -> int:
    expected = statistics.filled_share * amount
    filled = min(expected, max(statistics.filled_share, 0.9))
    if filled <= 0 or rng.uniform() >= filled:
        return 0
    # If filling more cells is not enough for the amount, each filled cell gets more defects.
    crowd = rng.gamma(statistics.count_shape, statistics.count_scale) * expected / filled
    return max(1, int(crowd + rng.uniform()))


def overlap_slices(patch: Patch, shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Return the slices of the frame and of the patch where both overlap; None if they do not.

    Parameters
    ----------
    patch : Patch
        The defect.
    shape : tuple of int
        Rows and columns of the frame.
    """
    first = (max(patch.top_px, 0), max(patch.left_px, 0))
    last = (
        min(patch.top_px + patch.coverage.shape[0], shape[0]),
        min(patch.left_px + patch.coverage.shape[1], shape[1]),
    )
    if first[0] >= last[0] or first[1] >= last[1]:
        return None
    of_frame = (slice(first[0], last[0]), slice(first[1], last[1]))
    of_patch = (
        slice(first[0] - patch.top_px, last[0] - patch.top_px),
        slice(first[1] - patch.left_px, last[1] - patch.left_px),
    )
    return of_frame, of_patch


def summed(patches: Iterable[Patch], weight: Callable[[Patch], float], shape: tuple[int, int]) -> Plane:
    """Sum the weighted coverage of all defects: plane = sum of weight(patch) * coverage of the patch.

    Parameters
    ----------
    patches : iterable of Patch
        The defects.
    weight : callable
        Returns the factor of a patch.
    shape : tuple of int
        Rows and columns of the frame.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        Exactly 0 where there is no defect.
    """
    plane = np.zeros(shape, np.float32)
    for patch in patches:
        overlap = overlap_slices(patch, shape)
        factor = weight(patch)
        if overlap is not None and factor != 0:
            plane[overlap[0]] += np.float32(factor) * patch.coverage[overlap[1]]
    return plane


def label_defects(patches: tuple[Patch, ...], shape: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Label the pixels with the number of their defect.

    Parameters
    ----------
    patches : tuple of Patch
        The defects.
    shape : tuple of int
        Rows and columns of the frame.

    Returns
    -------
    ndarray of int32, shape (rows, cols)
        i + 1 at the core of `patches[i]`, 0 elsewhere; of two overlapping defects, the later one.
    """
    labels = np.zeros(shape, np.int32)
    for number, patch in enumerate(patches, 1):
        overlap = overlap_slices(patch, shape)
        if overlap is not None:
            core = patch.coverage[overlap[1]] > 0.1
            labels[overlap[0]][core] = number
    return labels
