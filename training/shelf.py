"""Sheets where the network learns from them: in the pool's own files, or copied into the memory of an accelerator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.pool import DEFECT_BIT, DENSITY_STEP, INFRARED_STEP, WEIGHT_STEPS, Pool


@dataclass(frozen=True, slots=True)
class Look:
    """How a crop of a sheet is shown.

    Parameters
    ----------
    place : int
        Of the sheet in the pool.
    top, left : int
        Its first row and column.
    turns : int
        Quarters of a circle, anticlockwise.
    mirrored : bool
        Whether its columns are reversed after that.
    channels : tuple of int
        Which of the colours each is shown as.
    contrast : float
        Of the densities.
    shift : tuple of float
        Density added to each colour.
    """

    place: int
    top: int
    left: int
    turns: int
    mirrored: bool
    channels: tuple[int, ...]
    contrast: float
    shift: tuple[float, ...]


def draw_look(rng: np.random.Generator, place: int, room_px: int) -> Look:
    """Draw one of a sheet, in which a crop may begin at so many rows and columns beside the first."""
    top, left = rng.integers(0, room_px + 1, 2).tolist()
    turns, mirrored = int(rng.integers(4)), bool(rng.uniform() < 0.5)
    channels = tuple(rng.permutation(3).tolist()) if rng.uniform() < 0.2 else (0, 1, 2)
    contrast = math.exp(rng.uniform(math.log(0.4), math.log(1.2))) if rng.uniform() < 0.3 else 1.0
    shift = rng.normal(0, 0.15) + rng.normal(0, 0.02, 3)
    return Look(place, top, left, turns, mirrored, channels, contrast, tuple(shift.tolist()))


@dataclass(frozen=True, slots=True)
class Crops:
    """Densities and infrared (n, 3, size, size) in channels last; defect and weight (n, 1, size, size)."""

    density: Tensor
    infrared: Tensor
    defect: Tensor
    weight: Tensor


class Shelf:
    """The sheets of a pool, to be cut into crops.

    Parameters
    ----------
    pool : Pool
        Where they are drawn into.
    device : torch.device, optional
        Where they are copied to, as they are drawn; without one they are read from the pool's files.
    """

    def __init__(self, pool: Pool, device: torch.device | None = None) -> None:
        self._pool, self._device = pool, device
        self._files = {name: torch.from_numpy(plane) for name, plane in pool.planes.items()}
        self._planes = self._files
        self._copied = np.zeros(pool.drawers, np.int64)
        if device is not None:
            self._planes = {name: torch.empty_like(plane, device=device) for name, plane in self._files.items()}

    @property
    def size_px(self) -> int:
        """Rows and columns of a sheet."""
        return self._pool.size_px

    @property
    def sheets(self) -> int:
        """Sheets that can be cut: the first so many."""
        return self._pool.sheets if self._device is None else self._pool.complete(self._copied)

    def take_in(self) -> None:
        """Copy what was drawn since it was last asked for."""
        if self._device is None:
            return
        for place in self._pool.places_since(self._copied):
            for name, plane in self._planes.items():
                plane[place].copy_(self._files[name][place])

    def cut(self, looks: Sequence[Look], size_px: int) -> Crops:
        """Return crops of sheets, each shown in its way."""
        label = self._turned("label", looks, size_px).unsqueeze(1)
        density = self._turned("density", looks, size_px)
        channels = torch.tensor([look.channels for look in looks]).to(label.device)
        density = density.gather(1, channels[:, :, None, None].expand_as(density))
        contrasts, shifts = (
            torch.tensor(numbers, dtype=torch.float32).to(label.device)
            for numbers in ([look.contrast * DENSITY_STEP for look in looks], [look.shift for look in looks])
        )
        density = density * contrasts[:, None, None, None] + shifts[..., None, None]
        infrared = torch.zeros_like(density)
        if "infrared" in self._planes:
            infrared = self._turned("infrared", looks, size_px) * INFRARED_STEP
        return Crops(
            density.contiguous(memory_format=torch.channels_last),
            infrared.contiguous(memory_format=torch.channels_last),
            (label >= DEFECT_BIT).float(),
            (label & WEIGHT_STEPS).float() / WEIGHT_STEPS,
        )

    def _turned(self, name: str, looks: Sequence[Look], size_px: int) -> Tensor:
        return torch.stack([_turned(self._planes[name][look.place], look, size_px) for look in looks])


def _turned(sheet: Tensor, look: Look, size_px: int) -> Tensor:
    crop = sheet[..., look.top : look.top + size_px, look.left : look.left + size_px]
    crop = torch.rot90(crop, look.turns, (-2, -1))
    return crop.flip(-1) if look.mirrored else crop
