"""Options, report and result of cleaning a frame: plain frozen data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# Changed part of the film area beyond which a person should look at the frame, 0..1.
MANY_DEFECTS = 0.08


# Corners (row, col) of an area that a person drew, pixels of the captured picture.
Outline: TypeAlias = tuple[tuple[float, float], ...]


class Method(StrEnum):
    """The evidence that decided which pixels are defects."""

    INFRARED = "infrared"
    FUSION = "fusion"
    DETECTOR = "detector"
    NONE = "none"


class DetectorUse(StrEnum):
    """Whether the detector may be used where the infrared cannot clean a frame, or cannot clean it alone."""

    AUTO = "auto"
    OFF = "off"


class Caution(StrEnum):
    """Reason codes of the warnings about a frame that a technician should see."""

    NO_INFRARED = "no_infrared"
    INFRARED_UNUSABLE = "infrared_unusable"
    INFRARED_CONSTANT = "infrared_constant"
    INFRARED_CLIPPED = "infrared_clipped"
    INFRARED_FOREIGN = "infrared_foreign"
    INFRARED_TURNED = "infrared_turned"
    INFRARED_MOVED = "infrared_moved"
    INFRARED_INVERTED = "infrared_inverted"
    PICTURE_INVERTED = "picture_inverted"
    SILVER_FILM = "silver_film"
    STRONG_LEAKAGE = "strong_leakage"
    FRAME_DARK = "frame_dark"
    FRAME_UNEXPOSED = "frame_unexposed"
    NO_FILM = "no_film"
    FRAME_TOO_SMALL = "frame_too_small"
    REGISTRATION_UNSURE = "registration_unsure"
    MANY_DEFECTS = "many_defects"


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """Options of `clean_frame`.

    Attributes
    ----------
    sensitivity : float
        0 (only certain defects) to 1 (everything suspicious); 0.5 suits most frames.
    detector : DetectorUse
        `auto`: a neural network finds defects in the colours where the infrared is missing or not good enough; `off`:
        such frames are left unchanged, or cleaned by the infrared alone.
    detector_model : str or None
        Path of a detector that replaces the shipped one (see `filmscand.ir.network.model_file.load_detector`); None:
        the shipped one.
    inpainting_model : str or None
        Path of a model that fills large opaque defects (see `filmscand.ir.healing.inpainting`); None: the engine fills
        them itself.
    excluded : tuple of Outline
        Areas in which nothing is ever healed: they stay as captured to the last bit. Each has three corners or more,
        (row, col) in pixels; pixel (row, col) has its centre at (row + 0.5, col + 0.5).
    marked : tuple of Outline
        Areas that a person holds for defects: all of their pixels are healed, except excluded ones. They should lie
        close around the defect, because the picture inside is not kept.

    Raises
    ------
    ValueError
        The sensitivity is not within 0..1, the detector is no `DetectorUse`, or an outline has fewer than three corners
        or a corner that is no number.
    """

    sensitivity: float = 0.5
    detector: DetectorUse = DetectorUse.AUTO
    detector_model: str | None = None
    inpainting_model: str | None = None
    excluded: tuple[Outline, ...] = ()
    marked: tuple[Outline, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.sensitivity <= 1.0:
            raise ValueError(f"sensitivity: expected 0..1, found {self.sensitivity}")
        if self.detector not in tuple(DetectorUse):
            raise ValueError(f"detector: expected {' or '.join(DetectorUse)}, found {self.detector}")
        for outline in (*self.excluded, *self.marked):
            if len(outline) < 3 or not np.isfinite(outline).all():
                raise ValueError(f"outline: expected three or more corners (row, col), found {outline}")


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """Part of the picture that showed through in the infrared.

    Attributes
    ----------
    red, green, blue : float
        Mean slope of infrared density on the density of the channel.
    curvature : float
        Coefficient of the squared density (natural log) of red.
    explained : float
        Part of the infrared's variance within tiles that the picture explains, 0..1.
    """

    red: float = 0.0
    green: float = 0.0
    blue: float = 0.0
    curvature: float = 0.0
    explained: float = 0.0


@dataclass(frozen=True, slots=True)
class ShiftReport:
    """Position of the infrared against the picture.

    Attributes
    ----------
    rows_px, cols_px : float
        Mean shift along rows and columns, pixels.
    scale : float
        Width of the infrared picture against the colour picture; 1 where they are equal.
    row_drift_px : float
        Range of the row shift over the frame, pixels.
    blur_px : float
        Standard deviation of the infrared's extra blur, pixels.
    confidence : float
        0 (nothing to register on) to 1.
    """

    rows_px: float = 0.0
    cols_px: float = 0.0
    scale: float = 1.0
    row_drift_px: float = 0.0
    blur_px: float = 0.0
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class CleanReport:
    """Findings of the engine in a frame, and the changes it made.

    Attributes
    ----------
    method : Method
        The evidence that decided which pixels are defects.
    leakage : LeakageReport
        Part of the picture that showed through in the infrared.
    shift : ShiftReport
        Position of the infrared against the picture.
    threshold : float
        Smallest infrared density (natural log) above the clean film that starts a region, median over the activity
        grades; 0 where the infrared decided nothing.
    noise : float
        Standard deviation of the clean film's residual infrared density (natural log), smoothed over 3 by 3 pixels,
        median over the activity grades.
    coverage : float
        Part of the film area (holder excluded) that was changed, 0..1.
    holder_fraction : float
        Part of the frame that is mount or holder, 0..1.
    defects_found : int
        Sum of the next three.
    defects_divided : int
        Defects healed by dividing their transmittance out of the picture.
    defects_filled : int
        Defects filled from their surroundings.
    defects_left : int
        Regions that were left unchanged.
    defects_inpainted : int
        Defects of which an inpainting model filled a part.
    defects_unsure : int
        Regions, defects or not, that a sensitivity lower or higher by 0.25 would decide otherwise.
    excluded_px : int
        Pixels of defects that were left as captured because a person excluded them. The numbers of defects count them.
    marked_px : int
        Pixels that were healed only because a person marked them.
    clipped : float
        Part of the picture that lies on the highest count of a channel, 0..1, in the channel where it is largest.
    sharpness : float
        Roughness of the grain from pixel to pixel against that of means of 4 by 4 pixels; 0 where the picture is too
        dark or too small to tell. Only frames of one roll compare.
    probability_threshold : float
        Smallest probability, 0..1, that makes a region a defect; 0 where the detector decided nothing.
    models : dict of str to str
        SHA-256 of each model file that was run: keys "detector", "inpainting".
    sensitivity : float
        The sensitivity of the options, 0..1.
    warnings : tuple of Caution
        Reason codes for the technician.
    step_seconds : dict of str to float
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
    defects_unsure: int = 0
    excluded_px: int = 0
    marked_px: int = 0
    clipped: float = 0.0
    sharpness: float = 0.0
    probability_threshold: float = 0.0
    models: dict[str, str] = field(default_factory=dict)
    sensitivity: float = 0.5
    warnings: tuple[Caution, ...] = ()
    step_seconds: dict[str, float] = field(default_factory=dict)

    def with_counts(self, divided: int, filled: int, left: int) -> CleanReport:
        """Return a copy with other numbers of divided, filled and left defects, and their sum."""
        return dataclasses.replace(
            self,
            defects_found=divided + filled + left,
            defects_divided=divided,
            defects_filled=filled,
            defects_left=left,
        )

    def with_coverage(self, mask: npt.NDArray[np.bool_], film: float = 1.0) -> CleanReport:
        """Return a copy that tells how much of the film a mask covers, with the caution for too many defects, or none.

        Parameters
        ----------
        mask : (rows, cols) ndarray of bool
            Every pixel that was changed.
        film : float
            Part of the frame that is film, 0..1.
        """
        coverage = float(mask.mean()) / max(film, 1e-6)
        others = (caution for caution in self.warnings if caution is not Caution.MANY_DEFECTS)
        many = (Caution.MANY_DEFECTS,) if coverage > MANY_DEFECTS else ()
        return dataclasses.replace(self, coverage=coverage, warnings=(*others, *many))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class CleanedFrame:
    """A cleaned frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The cleaned picture; outside `defect_mask` equal to the captured one to the last bit.
    defect_mask : (rows, cols) ndarray of bool
        True for every pixel that was changed.
    report : CleanReport
        Findings and changes.
    """

    rgb: npt.NDArray[np.uint16]
    defect_mask: npt.NDArray[np.bool_]
    report: CleanReport

    @classmethod
    def untouched(cls, rgb: npt.NDArray[np.uint16], report: CleanReport) -> CleanedFrame:
        """Return the captured picture with an empty defect mask."""
        return cls(rgb.copy(), np.zeros(rgb.shape[:2], np.bool_), report)
