"""Measures of a cleaned picture and its mask, against a restored picture and the true mask.

The measures are those of Ivanova, Williamson and Henderson, "Simulating analogue film damage to analyse and improve
artefact restoration on high-resolution scans", Computer Graphics Forum 42 (2023), doi:10.1111/cgf.14749.
docs/reference/evaluation.md states what exactly is computed, also where the publication leaves it open.
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

from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.evaluation.pairs import Counts, Mask, MeasureMissingError

FULL_SCALE = 65535
# Change of a display value, as a share of white, from which a sound pixel counts as harmed.
HARM_SHARE = 0.01
_SSIM_WINDOW_PX = 7
_BAND_ROWS = 256


@dataclass(frozen=True, slots=True)
class MaskScore:
    """How well a mask fits the true mask; NaN if a measure is not defined, for both masks are empty, say.

    Attributes
    ----------
    precision, recall, f1 : float
        Of pixels, 0..1. A pixel is right if the other mask has a pixel within the tolerance.
    iou : float
        Intersection over union, 0..1, without tolerance.
    emd : float
        Earth mover's distance between the pixel values of both masks, 0..1.
    emd_place : float
        Earth mover's distance between the positions of both masks, as a part of the side of the picture, 0..1: the
        mean of that along the rows and that along the columns.
    found, damaged : float
        Part of the picture that the mask, and the true mask, call damaged, 0..1.
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
    """Return the pixels at which two pictures differ: max over channels of |first - second| > threshold * 65535.

    Parameters
    ----------
    first, second : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    threshold : float
        Part of full scale, 0..1; 0 gives every pixel that differs at all.

    Returns
    -------
    (rows, cols) ndarray of bool
    """
    mask = np.empty(first.shape[:2], np.bool_)
    limit = threshold * FULL_SCALE
    for rows in _bands(len(first)):
        difference = np.abs(first[rows].astype(np.int32) - second[rows])
        mask[rows] = (difference > limit).any(axis=-1)
    return mask


def score_mask(found: Mask, true: Mask, tolerance_px: int = 0) -> MaskScore:
    """Measure a mask against the true mask.

    Parameters
    ----------
    found : (rows, cols) ndarray of bool
        The mask to measure.
    true : (rows, cols) ndarray of bool
        The true mask.
    tolerance_px : int
        Distance in pixels within which a pixel of the other mask makes a pixel right, in precision, recall and F1.
    """
    near_true, near_found = dilated(true, tolerance_px), dilated(found, tolerance_px)
    precision = _ratio(int((found & near_true).sum()), int(found.sum()))
    recall = _ratio(int((true & near_found).sum()), int(true.sum()))
    return MaskScore(
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        iou=_ratio(int((found & true).sum()), int((found | true).sum())),
        emd=_value_distance(found, true),
        emd_place=_place_distance(found, true),
        found=float(found.mean()),
        damaged=float(true.mean()),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _f1(precision: float, recall: float) -> float:
    if math.isnan(precision) and math.isnan(recall):
        return math.nan
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def dilated(mask: Mask, radius_px: int) -> Mask:
    """Return a mask with each pixel that lies at most so far from it, Euclidean, in pixels."""
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
    """Raise MeasureMissingError if scikit-image is not installed; to be called before any work is done."""
    if find_spec("skimage") is None:
        raise MeasureMissingError(f"SSIM needs scikit-image, which is not installed: {pip_install('scikit-image')}")


def squared_error(values: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the squared difference of two (rows, cols, n) arrays, mean over the n channels, (rows, cols)."""
    difference = values - truth
    total: npt.NDArray[np.float32] = np.einsum("rcx,rcx->rc", difference, difference)
    return total / np.float32(values.shape[-1])


def moved_mask(values: npt.NDArray[np.float32], before: npt.NDArray[np.float32]) -> Mask:
    """Return the pixels, (rows, cols), of which a display value, (rows, cols, 3), moved by over 1 % of white."""
    moved: Mask = np.abs(values - before).max(-1) > HARM_SHARE
    return moved


def psnr_db(picture: Counts, restored: Counts) -> float:
    """Return the peak signal to noise ratio, -10 log10(mean((picture - restored) ** 2) / 65535 ** 2), decibel.

    Parameters
    ----------
    picture, restored : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535. The result is infinite if both are equal.
    """
    total = 0.0
    for rows in _bands(len(picture)):
        difference = picture[rows].astype(np.float64) - restored[rows]
        total += float(np.vdot(difference, difference))
    return -10 * math.log10(total / picture.size / FULL_SCALE**2) if total else math.inf


def ssim(picture: Counts, restored: Counts) -> float:
    """Return the structural similarity of two pictures, the mean of its channels and pixels.

    It is that of scikit-image with a window of 7 pixels and a data range of full scale. It is computed in bands of
    rows, so that memory stays bounded; the result is that of the whole picture.

    Parameters
    ----------
    picture, restored : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535. The result is NaN if a side is shorter than the window.

    Raises
    ------
    ImportError
        scikit-image is not installed; see `require_measures`.
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
    """Return whether the package `lpips` is installed."""
    return find_spec("lpips") is not None


def lpips(picture: Counts, restored: Counts) -> float:
    """Return the learned perceptual distance of two pictures (Zhang and others 2018), by the package `lpips` (AlexNet).

    Parameters
    ----------
    picture, restored : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    """
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
