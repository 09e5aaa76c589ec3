"""Large opaque defects, filled by an inpainting model that a station names: the interface of LaMa's ONNX export.

Such a model takes a picture of 512 by 512 pixels and a mask, and gives a picture (Suvorov et al. 2022,
arXiv:2109.07161). It sees the frame as the eye does; what it paints goes back into 16 bits, inside the mask only, and
fades out where the defect lets light through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.detection.regions import Regions, connected_regions, select
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.infrared_healing import DISPLAY_GAMMA, colour_levels
from filmscand.ir.network.model_file import Model
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint16]

CROP_PX = 512
# Targets are gathered in squares of this size, each filled from a crop around it.
CELL_PX = 256
# Natural logarithm of the light that healing gave back: from where on a defect is opaque, and surely so.
OPAQUE = 1.0
SURELY_OPAQUE = 1.6
# Fewer opaque pixels, or fewer steps from the rim to the core, the engine fills as well.
LARGE_PX = 150
DEEP_PX = 4
# A model whose answer is this much brighter than its picture answers in 0..255.
BYTES_FROM = 16.0
# The blurred edge of a defect is painted as well, so that the model does not carry it on.
EDGE_PX = 2
RIM_PX = 3


@dataclass(frozen=True, slots=True)
class Inpainted:
    """A picture with its large opaque defects filled anew, and how many there were."""

    rgb: Counts
    count: int


@dataclass(frozen=True, slots=True)
class _Targets:
    """The picture as healed, and how much of each pixel is to be painted: sparse pixels and a plane of marks."""

    healed: Counts
    rows: npt.NDArray[np.int32]
    cols: npt.NDArray[np.int32]
    weights: Array
    marks: npt.NDArray[np.bool_]
    photometry: Photometry


def inpaint_large(
    rgb: Counts, healed: Counts, mask: npt.NDArray[np.bool_], photometry: Photometry, model: Model
) -> Inpainted:
    """Fill the large opaque parts of healed defects by a model.

    Parameters
    ----------
    rgb, healed : (rows, cols, 3) ndarray of uint16
        The picture as captured and as healed.
    mask : (rows, cols) ndarray of bool
        Pixels that healing changed.
    photometry : Photometry
    model : Model

    Returns
    -------
    Inpainted
        Equal to `healed` but in the opaque parts of `mask`.
    """
    regions, weights = _opaque_regions(rgb, healed, mask, photometry)
    if not len(regions):
        return Inpainted(healed, 0)
    marks = np.zeros(mask.shape, np.bool_)
    marks[regions.rows, regions.cols] = True
    targets = _Targets(healed, regions.rows, regions.cols, weights, marks, photometry)
    result = healed.copy()
    cells = (regions.rows // CELL_PX).astype(np.int64) << 32 | regions.cols // CELL_PX
    for cell in np.unique(cells):
        _paint(result, targets, np.flatnonzero(cells == cell), model)
    return Inpainted(result, len(regions))


def _opaque_regions(
    rgb: Counts, healed: Counts, mask: npt.NDArray[np.bool_], photometry: Photometry
) -> tuple[Regions, Array]:
    """Find the large opaque parts of the mask, and how opaque each of their pixels is, 0..1."""
    rows, cols = np.nonzero(mask)
    channels, tables = np.arange(3), photometry.log_tables
    given = (tables[channels, healed[rows, cols]] - tables[channels, rgb[rows, cols]]).mean(axis=1)
    plane = np.zeros(mask.shape, np.uint8)
    plane[rows, cols] = np.clip((given - OPAQUE) * 255 / (SURELY_OPAQUE - OPAQUE), 0, 255)
    classes = (plane > 0).astype(np.uint8)
    regions = connected_regions(classes + (plane == 255))
    depths = np.empty(len(regions.rows), np.int64)
    kernels.measure_depths(classes, regions.rows, regions.cols, depths)
    weights = np.asarray(plane[regions.rows, regions.cols] / np.float32(255), np.float32)
    owners = regions.owners
    sure, deep = (np.bincount(owners, part, len(regions)) for part in (weights == 1, depths >= DEEP_PX))
    keep = (sure >= LARGE_PX) & (deep > 0)
    return select(regions, keep), weights[keep[owners]]


def _paint(result: Counts, targets: _Targets, picks: npt.NDArray[np.int64], model: Model) -> None:
    """Paint the targets of one cell from a crop around it."""
    rows, cols = targets.rows[picks], targets.cols[picks]
    top, left = (_first(at, length) for at, length in zip((rows, cols), result.shape, strict=False))
    crop = np.s_[top : top + CROP_PX, left : left + CROP_PX]
    seen, hole = _display(targets.healed[crop], targets.photometry), targets.marks[crop]
    hole = ndimage.binary_dilation(hole, iterations=EDGE_PX)
    painted = _answer(model, seen, hole)
    rim = ndimage.binary_dilation(hole, iterations=RIM_PX) & ~hole
    painted += (seen - painted)[rim].mean(axis=0) if rim.any() else np.float32(0)
    inside = (rows - top, cols - left)
    weight = targets.weights[picks, None]
    value = weight * painted[inside] + (1 - weight) * seen[inside]
    result[rows, cols] = _counts(value, targets.photometry)


def _first(at: npt.NDArray[np.int32], length: int) -> int:
    """Return where a crop around some places begins."""
    middle = (int(at.min()) + int(at.max())) // 2
    return max(min(middle - CROP_PX // 2, length - CROP_PX), 0)


def _answer(model: Model, picture: Array, hole: npt.NDArray[np.bool_]) -> Array:
    """Run the model on a crop, which a small frame does not fill; return its picture on the scale of ours."""
    missing = [(0, CROP_PX - length) for length in hole.shape]
    whole = np.pad(np.clip(picture, 0, 1), [*missing, (0, 0)], "edge")
    mask = np.pad(hole, missing)
    inputs = {"image": whole.transpose(2, 0, 1)[None], "mask": mask[None, None].astype(np.float32)}
    (answer,) = model.session.run(None, {name: np.ascontiguousarray(plane) for name, plane in inputs.items()})
    painted = answer[0].transpose(1, 2, 0)
    sound = ~mask
    power = float(np.square(whole[sound]).sum())
    if (painted[sound] * whole[sound]).sum() > BYTES_FROM * power:
        painted = painted / np.float32(255)
    return np.asarray(painted[: hole.shape[0], : hole.shape[1]], np.float32).copy()


def _display(rgb: Counts, photometry: Photometry) -> Array:
    """Return the light above black to the power 1 / 2.2, 1 at the white."""
    tables = np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA))
    return np.asarray(tables[np.arange(3), rgb], np.float32)


def _counts(value: Array, photometry: Photometry) -> Counts:
    black, span, bend = colour_levels(photometry)
    light = np.maximum(value, 1e-6).astype(np.float64) ** DISPLAY_GAMMA
    counts = black + (light - np.square(bend) / light) * span
    return np.asarray(np.clip(np.rint(counts), 0, 65535), np.uint16)
