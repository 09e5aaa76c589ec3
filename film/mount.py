"""Slide mounts and strip holders: where the light passes the film, where it is unhindered, where it is blocked."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane
from filmscand.film.recipe import Mount, MountStyle

# 35 mm film, ISO 1007: width of the film and of the picture, perforation (KS) and its pitch.
_FILM_MM, _PICTURE_MM, _HOLDER_MM = 35.0, 24.0, 1.5
_HOLE_ROWS_MM, _HOLE_COLS_MM, _HOLE_PITCH_MM, _HOLE_EDGE_MM = 2.8, 2.0, 4.75, 2.0


class MountPlanes(NamedTuple):
    """How much of the light passes the film, and how much passes beside it.

    Parameters
    ----------
    film_share : ndarray of float32, shape (rows, cols)
        Share of a pixel's light that goes through the film, 0..1.
    bare_share : ndarray of float32, shape (rows, cols)
        Share that goes through a hole, 0..1; the holder blocks the rest.
    exposed : ndarray of bool, shape (rows, cols)
        Where the camera exposed the film; the rebate got no light.
    """

    film_share: Plane
    bare_share: Plane
    exposed: npt.NDArray[np.bool_]

    @property
    def holder(self) -> npt.NDArray[np.bool_]:
        """Where more than 2 % of the light does not go through film."""
        return self.film_share < np.float32(0.98)


def mount_planes(shape: tuple[int, int], mount: Mount) -> MountPlanes | None:
    """Calculate how much light passes film and holes in each pixel; None if the film fills the frame.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the frame.
    mount : Mount
        The mount or holder.
    """
    if mount.style is MountStyle.NONE:
        return None
    row, col = _turned_grid(shape, math.radians(mount.turn_degrees))
    if mount.style is MountStyle.SPROCKETS:
        return _strip_holder(shape, row, col, mount)
    shorter = min(shape)
    border = mount.border_share * shorter
    half = (shape[0] / 2 - border, shape[1] / 2 - border)
    film = _soft_inside(_box_depth(row, col, half, mount.corner_share * shorter), mount.edge_blur_px)
    return MountPlanes(film, np.zeros(shape, np.float32), np.ones(shape, np.bool_))


def _turned_grid(shape: tuple[int, int], angle_radians: float) -> tuple[Plane, Plane]:
    row = (np.arange(shape[0], dtype=np.float32) - np.float32((shape[0] - 1) / 2))[:, None]
    col = (np.arange(shape[1], dtype=np.float32) - np.float32((shape[1] - 1) / 2))[None, :]
    cosine, sine = np.float32(math.cos(angle_radians)), np.float32(math.sin(angle_radians))
    return row * cosine + col * sine, col * cosine - row * sine


def _box_depth(row: Plane, col: Plane, half: tuple[float, float], corner_px: float) -> Plane:
    """Return the depth inside a box with round corners, in pixels, negative outside."""
    down = np.abs(row) - np.float32(half[0] - corner_px)
    across = np.abs(col) - np.float32(half[1] - corner_px)
    outside = np.hypot(np.maximum(down, 0), np.maximum(across, 0))
    depth: Plane = np.float32(corner_px) - outside - np.minimum(np.maximum(down, across), 0)
    return depth


def _soft_inside(depth: Plane, blur_px: float) -> Plane:
    share = np.clip(np.float32(0.5) + depth / np.float32(max(4 * blur_px, 1e-3)), 0, 1)
    soft: Plane = share * share * (3 - 2 * share)
    return soft


def _strip_holder(shape: tuple[int, int], row: Plane, col: Plane, mount: Mount) -> MountPlanes:
    px_per_mm = shape[0] / (_FILM_MM + 2 * _HOLDER_MM)
    opening = _soft_inside(np.float32(_FILM_MM / 2 * px_per_mm) - np.abs(row), mount.edge_blur_px)
    centre = (_FILM_MM / 2 - _HOLE_EDGE_MM - _HOLE_ROWS_MM / 2) * px_per_mm
    pitch = np.float32(_HOLE_PITCH_MM * px_per_mm)
    from_hole = np.mod(col + pitch / 2, pitch) - pitch / 2
    half = (_HOLE_ROWS_MM / 2 * px_per_mm, _HOLE_COLS_MM / 2 * px_per_mm)
    depth = _box_depth(np.abs(row) - np.float32(centre), from_hole, half, 0.5 * px_per_mm)
    bare = opening * _soft_inside(depth, mount.edge_blur_px / 2)
    gap = np.float32(shape[1] / 2 - mount.border_share * shape[0])
    exposed = (np.abs(row) < np.float32(_PICTURE_MM / 2 * px_per_mm)) & (np.abs(col) < gap)
    return MountPlanes(opening - bare, bare, exposed)
