"""A sheet of crops for a simulated frame: raw, infrared, cleaned, truth and mask side by side, to inspect by eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from filmscand.daemon.evaluation.metrics import dilated, moved_mask, squared_error
from filmscand.daemon.evaluation.pairs import Counts, Mask
from filmscand.film.frame import SimulatedFrame
from filmscand.film.scanner import display_curve

CROP_PX = 144
ENLARGED = 2
WORST_CROPS, HARMED_CROPS = 3, 1
# Pixels, Euclidean: a mask edge may lie this far from the true edge.
_TOLERANCE_PX = 2
_LABEL_PX, _GAP_PX = 18, 4
_COLUMNS = ("raw", "infrared", "cleaned", "truth", "mask: hit, false, missed")
_HIT, _FALSE, _MISSED = (40, 220, 90), (255, 60, 50), (60, 130, 255)

Tile = npt.NDArray[np.uint8]
Place = tuple[int, int]


class CleanedPicture(Protocol):
    """What a cleaner made of a frame."""

    @property
    def rgb(self) -> Counts:
        """Counts, (rows, cols, 3)."""

    @property
    def mask(self) -> Mask:
        """Every pixel that the cleaner may have changed, (rows, cols)."""


@dataclass(frozen=True, slots=True)
class Worst:
    """Crops to show.

    Attributes
    ----------
    why : str
        Caption of the crops.
    plane : (rows, cols) ndarray of float32 or bool
        The crops with the largest sums of this plane are shown.
    count : int
        Number of crops.
    """

    why: str
    plane: npt.NDArray[np.float32] | npt.NDArray[np.bool_]
    count: int


@dataclass(frozen=True, slots=True)
class _Crop:
    why: str
    place: Place


def save_sheet(path: Path, frame: SimulatedFrame, cleaned: CleanedPicture, title: str) -> None:
    """Write a PNG with the crops of largest error, the crop of most harm and a typical one, a row each.

    Parameters
    ----------
    path : Path
        File to write; its folder is created.
    frame : SimulatedFrame
        The frame and its truth.
    cleaned : CleanedPicture
        The cleaned frame.
    title : str
        Title of the sheet.
    """
    curve = display_curve(frame.recipe.scanner)
    shown = curve[cleaned.rgb]
    harm = moved_mask(shown, curve[frame.rgb]) & ~frame.any_mask
    error = squared_error(shown, curve[frame.clean_rgb])
    worst = [Worst("largest error", error, WORST_CROPS), Worst("most harm", harm, HARMED_CROPS)]
    save_crops(path, frame, cleaned, worst, title)


def save_crops(path: Path, frame: SimulatedFrame, cleaned: CleanedPicture, worst: Sequence[Worst], title: str) -> None:
    """Write a PNG with the worst crops and a typical one, a row each.

    Parameters
    ----------
    path : Path
        File to write; its folder is created.
    frame : SimulatedFrame
        The frame and its truth.
    cleaned : CleanedPicture
        The cleaned frame.
    worst : sequence of Worst
        Crops to show, in this order.
    title : str
        Title of the sheet.
    """
    crops = list(_choose(frame, worst))
    planes = _planes(frame, cleaned)
    side = CROP_PX * ENLARGED
    width = len(_COLUMNS) * (side + _GAP_PX)
    sheet = Image.new("RGB", (width, 2 * _LABEL_PX + len(crops) * (side + _LABEL_PX)), (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    draw.text((4, 3), title, fill=(255, 255, 255))
    for column, name in enumerate(_COLUMNS):
        draw.text((column * (side + _GAP_PX) + 4, _LABEL_PX + 2), name, fill=(200, 200, 200))
    for number, crop in enumerate(crops):
        top = 2 * _LABEL_PX + number * (side + _LABEL_PX)
        draw.text((4, top + side + 3), f"{crop.why}, at row {crop.place[0]}, column {crop.place[1]}", fill=(200,) * 3)
        for column, plane in enumerate(planes):
            tile = Image.fromarray(_cut(plane, crop.place)).resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(tile, (column * (side + _GAP_PX), top))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _choose(frame: SimulatedFrame, worst: Sequence[Worst]) -> Iterator[_Crop]:
    taken: list[tuple[int, int]] = []
    for each in worst:
        for block in _largest_blocks(_block_sums(each.plane), each.count, taken):
            taken.append(block)
            yield _Crop(each.why, _place_of(block, frame))
    typical = _typical_block(_block_sums(frame.visible_mask), taken)
    if typical is not None:
        yield _Crop("typical", _place_of(typical, frame))


def _block_sums(plane: npt.NDArray[np.float32] | npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return the sums of a plane over blocks of the crops' size, (block rows, block columns)."""
    whole = np.pad(plane.astype(np.float32), [(0, -size % CROP_PX) for size in plane.shape])
    rows, cols = (size // CROP_PX for size in whole.shape)
    sums: npt.NDArray[np.float32] = whole.reshape(rows, CROP_PX, cols, CROP_PX).sum((1, 3))
    return sums


def _largest_blocks(blocks: npt.NDArray[np.float32], count: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the blocks with the largest sums over 0 that are not taken yet."""
    order = np.argsort(blocks, axis=None)[::-1]
    places = [divmod(int(flat), blocks.shape[1]) for flat in order if blocks.flat[flat] > 0]
    return [place for place in places if place not in taken][:count]


def _typical_block(damage: npt.NDArray[np.float32], taken: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the median of the damaged blocks that are not taken; the first block if no block is damaged or taken."""
    damaged = _largest_blocks(damage, damage.size, taken)
    return damaged[len(damaged) // 2] if damaged else (0, 0) if not taken else None


def _place_of(block: tuple[int, int], frame: SimulatedFrame) -> Place:
    """Return the upper left corner of a block's crop."""
    rows, cols = frame.infrared.shape
    return min(block[0] * CROP_PX, max(rows - CROP_PX, 0)), min(block[1] * CROP_PX, max(cols - CROP_PX, 0))


def _planes(frame: SimulatedFrame, cleaned: CleanedPicture) -> list[Tile]:
    curve = display_curve(frame.recipe.scanner)
    low, high = np.percentile(curve[frame.clean_rgb[::4, ::4]], (0.5, 99.7), axis=(0, 1))
    if frame.recipe.stock.process == "slide":
        low, high = low.min(), high.max()
    low_infrared, high_infrared = np.percentile(frame.infrared[::4, ::4], (0.1, 99.9))
    raw, healed, truth = (_stretched(curve[rgb], low, high) for rgb in (frame.rgb, cleaned.rgb, frame.clean_rgb))
    infrared = _stretched(frame.infrared.astype(np.float32), low_infrared, high_infrared)
    return [raw, np.repeat(infrared[..., None], 3, -1), healed, truth, _overlay(raw, frame, cleaned)]


def _stretched(values: npt.NDArray[np.float32], low: npt.ArrayLike, high: npt.ArrayLike) -> Tile:
    black, white = (np.asarray(level, np.float32) for level in (low, high))
    share = (values - black) / np.maximum(white - black, np.float32(1e-6))
    tile: Tile = np.rint(share.clip(0, 1) * 255).astype(np.uint8)
    return tile


def _overlay(raw: Tile, frame: SimulatedFrame, cleaned: CleanedPicture) -> Tile:
    shown = np.repeat((raw.mean(-1, keepdims=True) * 0.6).astype(np.uint8), 3, -1)
    near_truth = dilated(frame.visible_mask, _TOLERANCE_PX)
    shown[frame.visible_mask & ~dilated(cleaned.mask, _TOLERANCE_PX)] = _MISSED
    shown[cleaned.mask & near_truth] = _HIT
    shown[cleaned.mask & ~near_truth] = _FALSE
    return shown


def _cut(plane: Tile, place: Place) -> Tile:
    return plane[place[0] : place[0] + CROP_PX, place[1] : place[1] + CROP_PX]
