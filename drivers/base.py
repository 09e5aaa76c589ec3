"""What every source of frames hands on: a capture, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

# `filmscand status` reads records of frames without any array; numpy takes a third of its time to load.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Rgb: TypeAlias = "npt.NDArray[np.uint16]"
Infrared: TypeAlias = "npt.NDArray[np.uint16]"


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


class CaptureInfo(BaseModel):
    """How a frame was captured, as far as its source tells; the sidecar stores it as it is.

    Fields that this version does not know are kept.

    Attributes
    ----------
    rows, cols : int
        Size of the picture, pixels.
    layout : str
        Name of the file layout or of the scanner's delivery.
    scanned : bool
        True where a scanner delivered the frame to filmscand, False where it was read from a film file.
    bits_per_sample : int
        Bits that the source delivered (8, 12, 14 or 16); counts are always scaled to 0..65535.
    resolution_dpi : float or None
        Samples per inch along rows.
    linear : bool or None
        True where the counts are proportional to light, False where gamma-encoded, None where unknown.
    negative : bool or None
        True where the file says that its film is a negative; None where it does not say.
    make, model : str or None
        Maker and model of the scanner.
    software : str or None
        Program that wrote the file, or SANE's backend.
    captured_at : datetime or None
        Time of the capture; local time of the scanning program where that gave no zone.
    infrared_origin : InfraredOrigin
        Where the infrared plane came from.
    infrared_red_correlation : float or None
        Correlation of infrared and red over the frame, -1..1; near 1 where the film blocks infrared as it blocks light.
    icc_profile_sha256 : str or None
        Hexadecimal digest of the colour profile, None where there is none.
    orientation : int
        TIFF orientation, 1..8, by which the stored samples were turned upright; 1 if they were not turned.
    flags : tuple of str
        Reason codes of what a technician should know ("eight_bit", "no_infrared", "infrared_weak_evidence", ...).
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    rows: int = Field(ge=1)
    cols: int = Field(ge=1)
    layout: str
    scanned: bool = False
    bits_per_sample: int = 16
    resolution_dpi: float | None = None
    linear: bool | None = None
    negative: bool | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    captured_at: datetime | None = None
    infrared_origin: InfraredOrigin = InfraredOrigin.NONE
    infrared_red_correlation: float | None = None
    icc_profile_sha256: str | None = None
    orientation: int = 1
    flags: tuple[str, ...] = ()


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
        How it was captured.
    icc_profile : bytes or None
        Embedded colour profile of the picture, as found.
    sources : tuple of Path
        The files that it was read from, picture first; empty for a scanner.
    """

    rgb: Rgb
    infrared: Infrared | None
    info: CaptureInfo
    icc_profile: bytes | None = None
    sources: tuple[Path, ...] = ()
