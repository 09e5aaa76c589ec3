"""What every source of frames hands on: a capture, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint16]
Infrared = npt.NDArray[np.uint16]


class DriverError(Exception):
    """Anything that kept a source from giving a frame."""


class InfraredOrigin(StrEnum):
    """How the infrared plane came with the picture."""

    NONE = "none"
    FOURTH_SAMPLE = "fourth_sample"
    PAGE = "page"
    PAIR = "pair"
    SAME_PASS = "same_pass"
    SECOND_PASS = "second_pass"


@dataclass(frozen=True, slots=True)
class CaptureInfo:
    """How a capture was made, as far as its source tells.

    Attributes
    ----------
    layout : str
        Name of the file layout or of the scanner's delivery, for the sidecar.
    sources : tuple of Path
        The files that it was read from, picture first; empty for a scanner.
    bits_per_sample : int
        Bits that the source delivered (8, 12, 14 or 16); counts are always scaled to 0..65535.
    icc_profile : bytes or None
        Embedded colour profile of the picture, as found.
    resolution_dpi : float or None
        Samples per inch along rows.
    linear : bool or None
        True where the counts are proportional to light, False where gamma-encoded, None where unknown.
    infrared_origin : InfraredOrigin
        Where the infrared plane came from.
    flags : tuple of str
        Reason codes of what a technician should know ("eight_bit", "no_infrared", "infrared_weak_evidence", ...).
    infrared_red_correlation : float or None
        Correlation of infrared and red over the frame, -1..1; near 1 where the film blocks infrared as it blocks light.
    """

    layout: str
    sources: tuple[Path, ...] = ()
    bits_per_sample: int = 16
    icc_profile: bytes | None = None
    resolution_dpi: float | None = None
    linear: bool | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    captured_at: datetime | None = None
    infrared_origin: InfraredOrigin = InfraredOrigin.NONE
    flags: tuple[str, ...] = field(default=())
    infrared_red_correlation: float | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One frame as captured.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane, on the grid of `rgb`; None where there is none.
    info : CaptureInfo
        How it was made.
    """

    rgb: Rgb
    infrared: Infrared | None
    info: CaptureInfo
