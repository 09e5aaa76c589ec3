"""What a frame is to be cleaned with and what came of it: the records that go through the queue into the sidecar.

The queue stores them as JSON (columns `request` and `result`), the sidecar holds the same parts. Every record keeps
fields that it does not know, so that what another version wrote is still there after this version has written.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import to_jsonable_python

from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.drivers.base import CaptureInfo

if TYPE_CHECKING:
    from filmscand.ir.report import CleanReport


class Record(BaseModel):
    """A frozen record that keeps the fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Role(StrEnum):
    """What a file of a frame is."""

    RAW = "raw"
    INFRARED = "infrared"
    CLEAN = "clean"
    MASK = "mask"
    ACCESS = "access"


class CleanOutcome(StrEnum):
    """Whether the engine looked for defects in a frame (CLEANED) or left it as captured (UNCLEANED)."""

    CLEANED = "cleaned"
    UNCLEANED = "uncleaned"


class StoredFile(Record):
    """One file of a frame as it lies in the archive.

    Attributes
    ----------
    name : str
        File name within the frame's folder.
    size_bytes : int
        Size, >= 0.
    sha256, sha512 : str
        Hexadecimal digests of the content.
    original_name : str or None
        File name in the watch folder; None for a file that filmscand wrote itself.
    """

    role: Role
    name: str
    size_bytes: int = Field(ge=0)
    sha256: str
    sha512: str
    original_name: str | None = None


class CleanRequest(Record):
    """How one frame is to be cleaned.

    Attributes
    ----------
    film : FilmKind
        The film, as the technician told it.
    sensitivity : float
        0 (certain defects only) to 1 (everything suspected).
    fourth_sample_is_infrared : bool or None
        What the watch's profile says about a fourth sample; None leaves the decision to the file.
    flags : tuple of str
        Reason codes of what happened before cleaning ("pair_timeout" ...), for the sidecar.
    awaits_infrared : bool
        The picture was queued without its infrared file; should that file come later, the frame is cleaned again.
    originals : tuple of StoredFile
        The raw and infrared files as archived; empty: the archive's files are hashed anew.
    replaced_originals : tuple of StoredFile
        Infrared files that another one took the place of; they stay in the frame's folder under names of their own.
    original_folder : str or None
        Folder of the picture below its watch folder; None where the roll record names the folder, or there is none.
    captured : CaptureInfo or None
        How a scanner captured the frame; the stored files hold only a part of it. None for a watched file.
    """

    film: FilmKind = FilmKind.UNKNOWN
    sensitivity: float = Field(default=0.5, ge=0, le=1)
    fourth_sample_is_infrared: bool | None = None
    flags: tuple[str, ...] = ()
    awaits_infrared: bool = False
    originals: tuple[StoredFile, ...] = ()
    replaced_originals: tuple[StoredFile, ...] = ()
    original_folder: str | None = None
    captured: CaptureInfo | None = None


class _Findings(Record):
    """Measured values of which each may be unknown; a value that was never set is not written."""

    @model_serializer(mode="wrap")
    def _only_known(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        written = write(self)
        return {name: value for name, value in written.items() if value is not None or name in self.model_fields_set}


class LeakageRecord(_Findings):
    """How much of the picture shows through in the infrared; see `filmscand.ir.report.LeakageReport`."""

    red: float | None = None
    green: float | None = None
    blue: float | None = None
    curvature: float | None = None
    explained: float | None = None


class ShiftRecord(_Findings):
    """Where the infrared lies against the picture, pixels; see `filmscand.ir.report.ShiftReport`."""

    rows_px: float | None = None
    cols_px: float | None = None
    scale: float | None = None
    row_drift_px: float | None = None
    blur_px: float | None = None
    confidence: float | None = None


class ReportRecord(_Findings):
    """The engine's report as it is stored; None where the engine that wrote it did not tell.

    The fields are those of `filmscand.ir.report.CleanReport`, where their units are described.
    """

    method: str | None = None
    leakage: LeakageRecord = LeakageRecord()
    shift: ShiftRecord = ShiftRecord()
    threshold: float | None = None
    noise: float | None = None
    coverage: float | None = None
    holder_fraction: float | None = None
    defects_found: int | None = None
    defects_divided: int | None = None
    defects_filled: int | None = None
    defects_left: int | None = None
    defects_inpainted: int | None = None
    defects_unsure: int | None = None
    excluded_px: int | None = None
    marked_px: int | None = None
    clipped: float | None = None
    sharpness: float | None = None
    probability_threshold: float | None = None
    models: dict[str, str] | None = None
    sensitivity: float | None = None
    warnings: tuple[str, ...] | None = None
    step_seconds: dict[str, float] | None = None

    @classmethod
    def of(cls, report: CleanReport) -> ReportRecord:
        """Return the record of an engine's report; NaN and infinity become None."""
        return cls.model_validate(to_jsonable_python(report.as_dict(), inf_nan_mode="null"))


class CleanResult(Record):
    """What came of cleaning one frame.

    Attributes
    ----------
    revision : int
        Number of the revision, from 1.
    created : bool
        False where an earlier run had made the same revision: nothing was added to the archive.
    warnings : tuple of str
        Caution codes of the engine.
    seconds : dict of str to float
        Wall time of each step of the service, seconds; "total" is all of them.
    report : ReportRecord
        What the engine found.
    engine : str or None
        Label of the engine that made the revision (`filmscand.ir.identity.EngineIdentity.label`); None where an earlier
        version wrote this record.
    made_from : str or None
        Digest of everything that decides how the revision looks (`Revision.made_from` of the sidecar).
    verdict : str or None
        How a person's review of this revision ended (`filmscand.daemon.core.decision.Verdict`).
    description : Description or None
        What people wrote about the frame, for lists; the sidecar has it too.
    """

    revision: int = Field(ge=1)
    created: bool
    outcome: CleanOutcome
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = Field(default_factory=dict)
    report: ReportRecord = ReportRecord()
    engine: str | None = None
    made_from: str | None = None
    verdict: str | None = None
    description: Description | None = None
