"""Fill large opaque defects with an inpainting model that a station names: the interface of LaMa's ONNX export.

Such a model takes a picture of 512 by 512 pixels and a mask, and returns a picture (Suvorov et al. 2022,
arXiv:2109.07161). It gets the frame in display values. Its picture is converted back to 16 bits, inside the mask only,
and fades out where the defect lets light through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.detection.regions import Regions, connected_regions, select
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.filling import DISPLAY_GAMMA, colour_levels
from filmscand.ir.network.model_file import Model
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint16]

# Side of the model's picture.
CROP_PX = 512
# Side of the squares in which targets are gathered; each is filled from a crop around it.
CELL_PX = 256
# Natural logarithm of the light that healing restored, from which a defect is opaque.
OPAQUE = 1.0
# The same, from which it surely is, so that the model alone fills it.
SURELY_OPAQUE = 1.6
# Opaque pixels below which the engine fills as well.
LARGE_PX = 150
# Steps from the rim to the core below which the engine fills as well.
DEEP_PX = 4
# Brightness of a model's picture, as a multiple of its input's, from which its scale is 0..255.
BYTES_FROM = 16.0
# Width around a defect that is painted as well, so that the model does not continue the defect's blurred edge.
EDGE_PX = 2
# Width of the rim on which the painted brightness is matched.
RIM_PX = 3


@dataclass(frozen=True, slots=True)
class Inpainted:
    """A picture with its large opaque defects filled by a model, and their number."""

    rgb: Counts
    count: int


@dataclass(frozen=True, slots=True)
class _Targets:
    """The healed picture, and the painted part of each target pixel: sparse pixels and a plane of targets."""

    healed: Counts
    rows: npt.NDArray[np.int32]
    cols: npt.NDArray[np.int32]
    weights: Array
    is_target: npt.NDArray[np.bool_]
    photometry: Photometry


def inpaint_large(
    rgb: Counts, healed: Counts, mask: npt.NDArray[np.bool_], photometry: Photometry, model: Model
) -> Inpainted:
    """Fill the large opaque parts of healed defects with a model.

    Parameters
    ----------
    rgb, healed : (rows, cols, 3) ndarray of uint16
        Counts as captured, and as healed.
    mask : (rows, cols) ndarray of bool
        Pixels that healing changed.
    photometry : Photometry
        Levels of the frame.
    model : Model
        The inpainting model.

    Returns
    -------
    Inpainted
        Equal to `healed` outside the opaque parts of `mask`.
    """
    regions, weights = _opaque_regions(rgb, healed, mask, photometry)
    if not len(regions):
        return Inpainted(healed, 0)
    is_target = np.zeros(mask.shape, np.bool_)
    is_target[regions.rows, regions.cols] = True
    targets = _Targets(healed, regions.rows, regions.cols, weights, is_target, photometry)
    result = healed.copy()
    cells = (regions.rows // CELL_PX).astype(np.int64) << 32 | regions.cols // CELL_PX
    for cell in np.unique(cells):
        _paint(result, targets, np.flatnonzero(cells == cell), model)
    return Inpainted(result, len(regions))


def _opaque_regions(
    rgb: Counts, healed: Counts, mask: npt.NDArray[np.bool_], photometry: Photometry
) -> tuple[Regions, Array]:
    """Find the large opaque parts of the mask, and the opacity of each of their pixels, 0..1."""
    rows, cols = np.nonzero(mask)
    channels, tables = np.arange(3), photometry.log_tables
    restored = (tables[channels, healed[rows, cols]] - tables[channels, rgb[rows, cols]]).mean(axis=1)
    plane = np.zeros(mask.shape, np.uint8)
    plane[rows, cols] = np.clip((restored - OPAQUE) * 255 / (SURELY_OPAQUE - OPAQUE), 0, 255)
    classes = (plane > 0).astype(np.uint8)
    regions = connected_regions(classes + (plane == 255))
    depths = np.empty(len(regions.rows), np.int64)
    kernels.measure_depths(classes, regions.rows, regions.cols, depths)
    weights = np.asarray(plane[regions.rows, regions.cols] / np.float32(255), np.float32)
    owners = regions.owners
    sure, deep = (np.bincount(owners, part, len(regions)) for part in (weights == 1, depths >= DEEP_PX))
    keep = (sure >= LARGE_PX) & (deep > 0)
    return select(regions, keep), weights[keep[owners]]


def _paint(result: Counts, targets: _Targets, pixels: npt.NDArray[np.int64], model: Model) -> None:
    """Paint the targets of one square from a crop around it."""
    rows, cols = targets.rows[pixels], targets.cols[pixels]
    top, left = (_first(positions, length) for positions, length in zip((rows, cols), result.shape, strict=False))
    crop = np.s_[top : top + CROP_PX, left : left + CROP_PX]
    picture, mask = _display(targets.healed[crop], targets.photometry), targets.is_target[crop]
    mask = ndimage.binary_dilation(mask, iterations=EDGE_PX)
    painted = _run(model, picture, mask)
    rim = ndimage.binary_dilation(mask, iterations=RIM_PX) & ~mask
    painted += (picture - painted)[rim].mean(axis=0) if rim.any() else np.float32(0)
    inside = (rows - top, cols - left)
    weight = targets.weights[pixels, None]
    value = weight * painted[inside] + (1 - weight) * picture[inside]
    result[rows, cols] = _counts(value, targets.photometry)


def _first(positions: npt.NDArray[np.int32], length: int) -> int:
    """Return the first row or column of a crop around some positions."""
    middle = (int(positions.min()) + int(positions.max())) // 2
    return max(min(middle - CROP_PX // 2, length - CROP_PX), 0)


def _run(model: Model, picture: Array, mask: npt.NDArray[np.bool_]) -> Array:
    """Run the model on a crop, padded where the frame is smaller; return its picture on the scale of the input."""
    missing = [(0, CROP_PX - length) for length in mask.shape]
    whole = np.pad(np.clip(picture, 0, 1), [*missing, (0, 0)], "edge")
    padded_mask = np.pad(mask, missing)
    inputs = {"image": whole.transpose(2, 0, 1)[None], "mask": padded_mask[None, None].astype(np.float32)}
    (answer,) = model.session.run(None, {name: np.ascontiguousarray(plane) for name, plane in inputs.items()})
    painted = answer[0].transpose(1, 2, 0)
    sound = ~padded_mask
    power = float(np.square(whole[sound]).sum())
    if (painted[sound] * whole[sound]).sum() > BYTES_FROM * power:
        painted = painted / np.float32(255)
    return np.asarray(painted[: mask.shape[0], : mask.shape[1]], np.float32).copy()


def _display(rgb: Counts, photometry: Photometry) -> Array:
    """Return display values: the light above black to the power 1 / 2.2, 1 at the white."""
    tables = np.exp(photometry.log_tables[:3] / np.float32(DISPLAY_GAMMA))
    return np.asarray(tables[np.arange(3), rgb], np.float32)


def _counts(value: Array, photometry: Photometry) -> Counts:
    """Return the counts of display values."""
    black, span, bend = colour_levels(photometry)
    light = np.maximum(value, 1e-6).astype(np.float64) ** DISPLAY_GAMMA
    counts = black + (light - np.square(bend) / light) * span
    return np.asarray(np.clip(np.rint(counts), 0, 65535), np.uint16)
