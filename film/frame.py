"""Simulates a scanned film frame, with the ground truth of its damage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.film.damage import draw_damage, label_defects, overlap_slices
from filmscand.film.density import Picture, dye_densities, linear_picture
from filmscand.film.developed import DevelopedFilm
from filmscand.film.infrared_plane import Registration, scan_infrared
from filmscand.film.mount import MountPlanes, mount_planes
from filmscand.film.picture_planes import scan_channel
from filmscand.film.recipe import (
    Damage,
    DefectKind,
    FilmStock,
    FrameRecipe,
    InfraredOptics,
    Leakage,
    Mount,
    MountStyle,
    Outline,
    Process,
    Scanner,
)
from filmscand.film.specks import Patch

__all__ = [
    "Damage",
    "Defect",
    "DefectKind",
    "FilmStock",
    "FrameRecipe",
    "InfraredOptics",
    "Leakage",
    "Mount",
    "MountStyle",
    "Outline",
    "Process",
    "Registration",
    "Scanner",
    "SimulatedFrame",
    "simulate_frame",
]


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect of the frame.

    Parameters
    ----------
    kind : DefectKind
        What it is.
    strength : float
        Share of the light that it absorbs at its core, 0..1, before the scanner's blur; for a stripped scratch, the
        share of the dye that is missing; for a defect of the infrared plane alone, the share of the infrared light.
    rows, cols : tuple of int
        First row and column that it touches in the picture, and one past the last.
    infrared_only : bool
        Whether only the infrared plane shows it.
    """

    kind: DefectKind
    strength: float
    rows: tuple[int, int]
    cols: tuple[int, int]
    infrared_only: bool


@dataclass(frozen=True, slots=True)
class SimulatedFrame:
    """A frame and its ground truth. Outside `any_mask`, the damaged and the clean planes are equal.

    Parameters
    ----------
    rgb, clean_rgb : ndarray of uint16, shape (rows, cols, 3)
        Counts of the picture with and without the damage, with the same noise, 0..65535.
    infrared, clean_infrared : ndarray of uint16, shape (rows, cols)
        Counts of the infrared plane with and without the damage, with the same noise, 0..65535.
    visible_mask : ndarray of bool, shape (rows, cols)
        Where damage changed the light of any colour channel by more than 3 % and by more than one standard deviation of
        the scanner's noise (without grain).
    any_mask : ndarray of bool, shape (rows, cols)
        Where damage changed the light of any plane at all.
    holder_mask : ndarray of bool, shape (rows, cols)
        Mount, holder and perforation, at their place in the picture.
    defects : tuple of Defect
        All defects that touch the visible film.
    defect_labels : ndarray of int32, shape (rows, cols)
        i + 1 at the core of `defects[i]`, 0 elsewhere, at their place in the picture.
    registration : Registration
        Position of the infrared plane relative to the picture.
    recipe : FrameRecipe
        The recipe of the frame.
    seed : int
        Seed of the frame.
    """

    rgb: npt.NDArray[np.uint16]
    clean_rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16]
    clean_infrared: npt.NDArray[np.uint16]
    visible_mask: npt.NDArray[np.bool_]
    any_mask: npt.NDArray[np.bool_]
    holder_mask: npt.NDArray[np.bool_]
    defects: tuple[Defect, ...]
    defect_labels: npt.NDArray[np.int32]
    registration: Registration
    recipe: FrameRecipe
    seed: int


def simulate_frame(picture: Picture, recipe: FrameRecipe, *, seed: int) -> SimulatedFrame:
    """Simulate the scan of a film frame that shows a picture.

    Parameters
    ----------
    picture : ndarray, shape (rows, cols, 3)
        uint8 or uint16 in sRGB encoding, or float32 or float64, linear, 0..1. The frame has the same size.
    recipe : FrameRecipe
        Film, scanner and damage.
    seed : int
        Seed of grain, damage and noise, >= 0. The same picture, recipe and seed always give the same frame.

    Returns
    -------
    SimulatedFrame
        The scan and its ground truth.

    Raises
    ------
    PictureError
        If the shape or dtype of the picture is another one.

    Examples
    --------
    >>> from filmscand.film.kinds import KINDS
    >>> from filmscand.film.pictures import landscape
    >>> frame = simulate_frame(landscape(64, 96, 1), KINDS["leaky_slide"], seed=7)
    >>> frame.rgb.shape, frame.infrared.dtype
    ((64, 96, 3), dtype('uint16'))
    """
    linear = linear_picture(picture)
    shape = (linear.shape[0], linear.shape[1])
    mount = mount_planes(shape, recipe.mount)
    if mount is not None:
        linear *= mount.exposed[..., None]
    densities = dye_densities(linear, recipe.stock, seed)
    del linear
    patches = tuple(patch for patch in draw_damage(shape, recipe, seed) if _on_visible_film(patch, mount, shape))
    film = DevelopedFilm(densities, patches, mount, recipe, seed)
    infrared, registration = scan_infrared(film)
    channels = [scan_channel(channel, film) for channel in range(3)]
    return SimulatedFrame(
        rgb=np.stack([pair.damaged for pair in channels], -1),
        clean_rgb=np.stack([pair.clean for pair in channels], -1),
        infrared=infrared.damaged,
        clean_infrared=infrared.clean,
        visible_mask=np.logical_or.reduce([pair.visible for pair in channels]),
        any_mask=np.logical_or.reduce([infrared.touched, *(pair.touched for pair in channels)]),
        holder_mask=np.zeros(shape, np.bool_) if mount is None else mount.holder,
        defects=tuple(_defect(patch, shape) for patch in patches),
        defect_labels=label_defects(patches, shape),
        registration=registration,
        recipe=recipe,
        seed=seed,
    )


def _on_visible_film(patch: Patch, mount: MountPlanes | None, shape: tuple[int, int]) -> bool:
    overlap = overlap_slices(patch, shape)
    if overlap is None:
        return False
    core = patch.coverage[overlap[1]] > 0.1
    if mount is not None:
        core &= mount.film_share[overlap[0]] > 0.02
    return bool(core.any())


def _defect(patch: Patch, shape: tuple[int, int]) -> Defect:
    overlap = overlap_slices(patch, shape)
    assert overlap is not None, "a defect outside the frame was not dropped"
    rows, cols = overlap[0]
    return Defect(patch.kind, patch.strength, (rows.start, rows.stop), (cols.start, cols.stop), patch.infrared_only)
