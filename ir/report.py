"""What cleaning a frame was asked for, and what it found: plain frozen data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

# Part of the film that was changed, beyond which a person should look.
MANY_DEFECTS = 0.08


class Method(StrEnum):
    """What decided which pixels are defects."""

    INFRARED = "infrared"
    FUSION = "fusion"
    DETECTOR = "detector"
    NONE = "none"


class DetectorUse(StrEnum):
    """Whether the detector may look at frames that infrared cannot clean, or cannot clean alone."""

    AUTO = "auto"
    OFF = "off"


class Caution(StrEnum):
    """Reason codes of what a technician should know about a frame."""

    NO_INFRARED = "no_infrared"
    INFRARED_UNUSABLE = "infrared_unusable"
    INFRARED_CONSTANT = "infrared_constant"
    INFRARED_CLIPPED = "infrared_clipped"
    SILVER_FILM = "silver_film"
    STRONG_LEAKAGE = "strong_leakage"
    FRAME_DARK = "frame_dark"
    FRAME_UNEXPOSED = "frame_unexposed"
    NO_FILM = "no_film"
    REGISTRATION_UNSURE = "registration_unsure"
    MANY_DEFECTS = "many_defects"


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """What may be asked of `clean_frame`.

    Attributes
    ----------
    sensitivity : float
        0 (only what is certain) to 1 (everything suspected); 0.5 needs no touch.
    detector : DetectorUse
        `auto`: where infrared cannot be used, or only partly, a neural network looks at the colours; `off`: such frames
        are left as they are, or cleaned by infrared alone.
    detector_model : str or None
        File of another detector than the one that comes along (see `filmscand.ir.network.model_file.load_detector`).
    inpainting_model : str or None
        File of a model that fills large opaque defects (see `ir.healing.inpainting`); None: the engine fills them.
    """

    sensitivity: float = 0.5
    detector: DetectorUse = DetectorUse.AUTO
    detector_model: str | None = None
    inpainting_model: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.sensitivity <= 1.0:
            raise ValueError(f"sensitivity: expected 0..1, found {self.sensitivity}")
        if self.detector not in tuple(DetectorUse):
            raise ValueError(f"detector: expected {' or '.join(DetectorUse)}, found {self.detector}")


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """How much of the picture showed through in the infrared (slopes of density on density)."""

    red: float = 0.0
    green: float = 0.0
    blue: float = 0.0
    curvature: float = 0.0
    explained: float = 0.0


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """Where the infrared lies against the picture, pixels; `confidence` 0..1."""

    rows_px: float = 0.0
    cols_px: float = 0.0
    scale: float = 1.0
    row_drift_px: float = 0.0
    blur_px: float = 0.0
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class CleanReport:
    """What was found in a frame and what was done to it.

    Attributes
    ----------
    threshold : float
        Smallest infrared density (natural log) above the clean film that was called a defect, median over the frame.
    noise : float
        Standard deviation of the clean film's residual infrared density (natural log), median over the frame.
    coverage : float
        Part of the film area (holder excluded) that was changed, 0..1.
    probability_threshold : float
        Smallest probability that made a defect where the detector looked; 0 where it did not.
    defects_inpainted : int
        Regions of which an inpainting model filled a part.
    models : dict
        SHA-256 of each model file that was run: "detector", "inpainting".
    step_seconds : dict
        Wall time of each step, seconds.
    """

    method: Method
    leakage: LeakageReport = field(default_factory=LeakageReport)
    shift: ShiftReport = field(default_factory=ShiftReport)
    threshold: float = 0.0
    noise: float = 0.0
    coverage: float = 0.0
    holder_fraction: float = 0.0
    defects_found: int = 0
    defects_divided: int = 0
    defects_filled: int = 0
    defects_left: int = 0
    defects_inpainted: int = 0
    probability_threshold: float = 0.0
    models: dict[str, str] = field(default_factory=dict)
    sensitivity: float = 0.5
    warnings: tuple[Caution, ...] = ()
    step_seconds: dict[str, float] = field(default_factory=dict)

    def counted(self, divided: int, filled: int, left: int) -> CleanReport:
        """Return the report with the defects that were healed and those that were left alone."""
        return dataclasses.replace(
            self,
            defects_found=divided + filled + left,
            defects_divided=divided,
            defects_filled=filled,
            defects_left=left,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class CleanedFrame:
    """A cleaned frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The picture; outside `defect_mask` equal to the captured one to the last bit.
    defect_mask : (rows, cols) ndarray of bool
        Every pixel that was changed.
    report : CleanReport
        What was found and done.
    """

    rgb: npt.NDArray[np.uint16]
    defect_mask: npt.NDArray[np.bool_]
    report: CleanReport

    @classmethod
    def untouched(cls, rgb: npt.NDArray[np.uint16], report: CleanReport) -> CleanedFrame:
        """Return a frame as it was captured."""
        return cls(rgb.copy(), np.zeros(rgb.shape[:2], np.bool_), report)
