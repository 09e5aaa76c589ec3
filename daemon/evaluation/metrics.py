"""What a cleaned picture and its mask are measured by, beside a restored picture.

The measures are those of Ivanova, Williamson and Henderson, "Simulating analogue film damage to analyse and improve
artefact restoration on high-resolution scans", Computer Graphics Forum 42 (2023), doi:10.1111/cgf.14749; what is
computed exactly, and where the publication leaves it open, is in docs/reference/evaluation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.stats import wasserstein_distance

from filmscand.daemon.evaluation.pairs import Counts, Mask, MeasureMissingError

FULL_SCALE = 65535
_SSIM_WINDOW_PX = 7
_BAND_ROWS = 256


@dataclass(frozen=True, slots=True)
class MaskScore:
    """How well a mask fits the true one; NaN where there is nothing to measure.

    Attributes
    ----------
    precision, recall, f1 : float
        Of pixels, 0..1; a pixel counts as right within the tolerance.
    iou : float
        Intersection over union, 0..1, without tolerance.
    emd : float
        Earth mover's distance between the values of both masks' pixels, 0..1.
    emd_place : float
        Earth mover's distance between where both masks lie along the rows and along the columns, mean of both, in
        parts of that side.
    found, damaged : float
        Part of the picture that was called damaged, and that is, 0..1.
    """

    precision: float
    recall: float
    f1: float
    iou: float
    emd: float
    emd_place: float
    found: float
    damaged: float


def changed_mask(first: Counts, second: Counts, threshold: float) -> Mask:
    """Return where any channel of two pictures differs by more than a part of full scale.

    Parameters
    ----------
    first, second : (rows, cols, 3) ndarray of uint16
        The pictures.
    threshold : float
        Part of full scale, 0..1; 0 gives every pixel that differs at all.
    """
    mask = np.empty(first.shape[:2], np.bool_)
    limit = threshold * FULL_SCALE
    for rows in _bands(len(first)):
        difference = np.abs(first[rows].astype(np.int32) - second[rows])
        mask[rows] = (difference > limit).any(axis=-1)
    return mask


def score_mask(found: Mask, true: Mask, tolerance_px: int = 0) -> MaskScore:
    """Measure a mask.

    Parameters
    ----------
    found, true : (rows, cols) ndarray of bool
        The mask to measure, and the true one.
    tolerance_px : int
        How far a pixel may lie from the other mask and still count as right, in precision, recall and F1.
    """
    near_true, near_found = _widened(true, tolerance_px), _widened(found, tolerance_px)
    precision = _share(int((found & near_true).sum()), int(found.sum()))
    recall = _share(int((true & near_found).sum()), int(true.sum()))
    return MaskScore(
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        iou=_share(int((found & true).sum()), int((found | true).sum())),
        emd=_value_distance(found, true),
        emd_place=_place_distance(found, true),
        found=float(found.mean()),
        damaged=float(true.mean()),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _f1(precision: float, recall: float) -> float:
    if math.isnan(precision) and math.isnan(recall):
        return math.nan
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def _widened(mask: Mask, radius_px: int) -> Mask:
    if radius_px == 0:
        return mask
    steps = np.arange(-radius_px, radius_px + 1)
    disc = steps[:, None] ** 2 + steps**2 <= radius_px**2
    return np.asarray(ndimage.binary_dilation(mask, disc))


def _value_distance(found: Mask, true: Mask) -> float:
    values = [0.0, 1.0]
    shares = [[1 - float(mask.mean()), float(mask.mean())] for mask in (found, true)]
    return float(wasserstein_distance(values, values, *shares))


def _place_distance(found: Mask, true: Mask) -> float:
    if not found.any() or not true.any():
        return math.nan
    return float(np.mean([_along(found, true, axis) for axis in (0, 1)]))


def _along(found: Mask, true: Mask, axis: int) -> float:
    side = found.shape[axis]
    places = (np.arange(side) + 0.5) / side
    counts = [mask.sum(axis=1 - axis) for mask in (found, true)]
    return float(wasserstein_distance(places, places, *counts))


def require_measures() -> None:
    """Raise MeasureMissingError where scikit-image is not installed, before any work is done."""
    if find_spec("skimage") is None:
        raise MeasureMissingError("SSIM: expected scikit-image, found none; pip install 'filmscand[evaluate]'")


def psnr_db(picture: Counts, restored: Counts) -> float:
    """Return the peak signal to noise ratio against full scale, decibel; infinite where both are equal."""
    total = 0.0
    for rows in _bands(len(picture)):
        difference = picture[rows].astype(np.float64) - restored[rows]
        total += float(np.vdot(difference, difference))
    return -10 * math.log10(total / picture.size / FULL_SCALE**2) if total else math.inf


def ssim(picture: Counts, restored: Counts) -> float:
    """Return the structural similarity, mean of the channels (scikit-image, window of 7 pixels, full scale).

    Computed in bands of rows, so that memory stays bounded; the mean is that of the whole picture, NaN where it is
    smaller than the window. Needs scikit-image, see `require_measures`.
    """
    rows, cols = picture.shape[:2]
    rim = _SSIM_WINDOW_PX // 2
    if min(rows, cols) < _SSIM_WINDOW_PX:
        return math.nan
    total, count = 0.0, 0
    for first in range(rim, rows - rim, _BAND_ROWS):
        last = min(first + _BAND_ROWS, rows - rim)
        band = slice(first - rim, last + rim)
        total += _ssim_sum(picture[band], restored[band], rim)
        count += (last - first) * (cols - 2 * rim) * 3
    return total / count


def _ssim_sum(picture: Counts, restored: Counts, rim: int) -> float:
    from skimage.metrics import structural_similarity

    first, second = (plane.astype(np.float64) / FULL_SCALE for plane in (picture, restored))
    _, each = structural_similarity(  # type: ignore[no-untyped-call]
        first, second, win_size=_SSIM_WINDOW_PX, data_range=1.0, channel_axis=-1, full=True
    )
    inside: npt.NDArray[np.float64] = each[rim:-rim, rim:-rim]
    return float(inside.sum())


def lpips_installed() -> bool:
    """Return whether LPIPS can be measured."""
    return find_spec("lpips") is not None


def lpips(picture: Counts, restored: Counts) -> float:
    """Return the learned perceptual distance (Zhang and others 2018, AlexNet) of the package `lpips`."""
    import torch

    first, second = (
        torch.from_numpy(rgb.astype(np.float32).transpose(2, 0, 1)[None] / (FULL_SCALE / 2) - 1)
        for rgb in (picture, restored)
    )
    with torch.inference_mode():
        return float(_perceptual_network()(first, second))


@cache
def _perceptual_network() -> Any:
    from lpips import LPIPS

    return LPIPS(net="alex", verbose=False)


def _bands(rows: int) -> list[slice]:
    return [slice(first, first + _BAND_ROWS) for first in range(0, rows, _BAND_ROWS)]
