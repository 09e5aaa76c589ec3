"""The sheets of a pool as tensors to cut crops from: in the pool's files, or copied into an accelerator's memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.sheets.pool import DEFECT_BIT, DENSITY_STEP, INFRARED_STEP, WEIGHT_STEPS, Pool

# Share of the crops that are shown without the infrared that their sheet has, so that the network also finds by the
# colours what infrared would have shown it.
BLIND_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class CropView:
    """One crop of a sheet and its random augmentation.

    Parameters
    ----------
    place : int
        Number of the sheet's place in the pool.
    top, left : int
        First row and column of the crop in the sheet.
    turns : int
        Quarter turns, anticlockwise, 0..3.
    mirrored : bool
        Whether the columns are reversed after the turn.
    channels : tuple of int
        Source channel, 0..2, of each colour.
    contrast : float
        Factor of the densities.
    shift : tuple of float
        Density added to each colour.
    blind : bool
        Whether the crop is shown without its infrared.
    """

    place: int
    top: int
    left: int
    turns: int
    mirrored: bool
    channels: tuple[int, ...]
    contrast: float
    shift: tuple[float, ...]
    blind: bool = False


def draw_view(rng: np.random.Generator, place: int, room_px: int, blind_share: float = BLIND_SHARE) -> CropView:
    """Draw a random crop of a sheet.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of crop and augmentation.
    place : int
        Number of the sheet's place in the pool.
    room_px : int
        Size of the sheet minus that of the crop: the last row and column at which the crop may begin.
    blind_share : float
        Probability that the crop is shown without its infrared, 0..1.
    """
    top, left = rng.integers(0, room_px + 1, 2).tolist()
    turns, mirrored = int(rng.integers(4)), bool(rng.uniform() < 0.5)
    channels = tuple(rng.permutation(3).tolist()) if rng.uniform() < 0.2 else (0, 1, 2)
    contrast = math.exp(rng.uniform(math.log(0.4), math.log(1.2))) if rng.uniform() < 0.3 else 1.0
    shift = rng.normal(0, 0.15) + rng.normal(0, 0.02, 3)
    blind = bool(rng.uniform() < blind_share)
    return CropView(place, top, left, turns, mirrored, channels, contrast, tuple(shift.tolist()), blind)


@dataclass(frozen=True, slots=True)
class Crops:
    """Densities and infrared (n, 3, size, size) in channels last; defect and weight (n, 1, size, size)."""

    density: Tensor
    infrared: Tensor
    defect: Tensor
    weight: Tensor


class Shelf:
    """The sheets of a pool, to cut crops from.

    Parameters
    ----------
    pool : Pool
        The pool, which other processes go on filling.
    device : torch.device, optional
        Accelerator whose memory receives a copy of every sheet; without one, crops are cut from the pool's files.
    blind_share : float
        Share of the crops to show without the infrared that their sheet has, 0..1.
    """

    def __init__(self, pool: Pool, device: torch.device | None = None, blind_share: float = BLIND_SHARE) -> None:
        self._pool, self._device = pool, device
        self.blind_share = blind_share
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
        """Number of sheets that crops can be cut from; they are the first ones of the pool."""
        return self._pool.sheets if self._device is None else self._pool.complete(self._copied)

    def update(self) -> None:
        """Copy the sheets that were drawn since the last call to the accelerator."""
        if self._device is None:
            return
        for place in self._pool.places_since(self._copied):
            for name, plane in self._planes.items():
                plane[place].copy_(self._files[name][place])

    def cut(self, views: Sequence[CropView], size_px: int) -> Crops:
        """Return one augmented crop of size_px x size_px for each view."""
        label = self._turned("label", views, size_px).unsqueeze(1)
        density = self._turned("density", views, size_px)
        channels = torch.tensor([view.channels for view in views]).to(label.device)
        density = density.gather(1, channels[:, :, None, None].expand_as(density))
        contrasts, shifts = (
            torch.tensor(numbers, dtype=torch.float32).to(label.device)
            for numbers in ([view.contrast * DENSITY_STEP for view in views], [view.shift for view in views])
        )
        density = density * contrasts[:, None, None, None] + shifts[..., None, None]
        infrared = torch.zeros_like(density)
        if "infrared" in self._planes:
            seeing = [0.0 if view.blind else INFRARED_STEP for view in views]
            steps = torch.tensor(seeing, dtype=torch.float32).to(label.device)
            infrared = self._turned("infrared", views, size_px) * steps[:, None, None, None]
        return Crops(
            density.contiguous(memory_format=torch.channels_last),
            infrared.contiguous(memory_format=torch.channels_last),
            (label >= DEFECT_BIT).float(),
            (label & WEIGHT_STEPS).float() / WEIGHT_STEPS,
        )

    def _turned(self, name: str, views: Sequence[CropView], size_px: int) -> Tensor:
        return torch.stack([_turned(self._planes[name][view.place], view, size_px) for view in views])


def _turned(sheet: Tensor, view: CropView, size_px: int) -> Tensor:
    crop = sheet[..., view.top : view.top + size_px, view.left : view.left + size_px]
    crop = torch.rot90(crop, view.turns, (-2, -1))
    return crop.flip(-1) if view.mirrored else crop
