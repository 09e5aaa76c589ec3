"""How well a defect mask agrees with the truth: precision and recall with a tolerance, and their harmonic mean."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

# Pixels, Euclidean: a mask edge may lie this far from the true edge.
TOLERANCE_PX = 2

Mask = npt.NDArray[np.bool_]


def precision_and_recall(mask: Mask, truth: Mask) -> tuple[float, float]:
    """Return precision and recall of a mask, both with a tolerance of `TOLERANCE_PX`.

    precision = |mask within 2 px of the truth| / |mask|, recall = |truth within 2 px of the mask| / |truth|.

    Parameters
    ----------
    mask : (rows, cols) ndarray of bool
        Defect mask.
    truth : (rows, cols) ndarray of bool
        True defects.

    Returns
    -------
    tuple of float
        Precision and recall, 0..1: (0, 0) for an empty mask, (NaN, NaN) without any true defect.
    """
    if not truth.any():
        return float("nan"), float("nan")
    if not mask.any():
        return 0.0, 0.0
    return float(widened(truth)[mask].mean()), float(widened(mask)[truth].mean())


def widened(mask: Mask, radius_px: int = TOLERANCE_PX) -> Mask:
    """Return a mask dilated by a disc.

    Parameters
    ----------
    mask : (rows, cols) ndarray of bool
        Mask to dilate.
    radius_px : int
        Radius of the disc, pixels: each pixel at most this far (Euclidean) from the mask is added.

    Returns
    -------
    (rows, cols) ndarray of bool
    """
    steps = np.arange(-radius_px, radius_px + 1)
    disc = (steps[:, None] ** 2 + steps**2 <= radius_px**2).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disc).astype(np.bool_)


def harmonic_mean(first: float, second: float) -> float:
    """Return 2 a b / (a + b) of two shares: 0 if both are 0, NaN if one is NaN."""
    total = first + second
    return 2 * first * second / total if total else 0.0
