"""The way of a frame through the infrared engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ir.errors import PlaneTypeError, ShapeMismatchError
from ir.report import Caution, CleanedFrame, CleanOptions, CleanReport, Method

VERSION = "1"


def clean_frame(
    rgb: npt.NDArray[np.uint16],
    infrared: npt.NDArray[np.uint16] | None,
    options: CleanOptions | None = None,
) -> CleanedFrame:
    """Heal dust and scratches of one frame."""
    options = options or CleanOptions()
    _require_planes(rgb, infrared)
    mask = np.zeros(rgb.shape[:2], np.bool_)
    report = CleanReport(Method.NONE, sensitivity=options.sensitivity, warnings=(Caution.NO_INFRARED,))
    return CleanedFrame(rgb.copy(), mask, report)


def _require_planes(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16] | None) -> None:
    if rgb.dtype != np.uint16 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise PlaneTypeError(f"rgb: expected (rows, cols, 3) uint16, found {rgb.shape} {rgb.dtype}")
    if infrared is None:
        return
    if infrared.dtype != np.uint16 or infrared.ndim != 2:
        raise PlaneTypeError(f"infrared: expected (rows, cols) uint16, found {infrared.shape} {infrared.dtype}")
    if infrared.shape != rgb.shape[:2]:
        raise ShapeMismatchError(f"infrared: expected {rgb.shape[:2]} as the picture, found {infrared.shape}")
