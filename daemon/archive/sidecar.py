"""The sidecar of a frame: what it was made from, what was done to it, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from filmscand.daemon.archive.atomic_file import Digest
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import CaptureInfo

SCHEMA_VERSION: Final = 1

UtcTime = Annotated[
    AwareDatetime, PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), when_used="json")
]


class Role(StrEnum):
    """What a file of a frame is."""

    RAW = "raw"
    INFRARED = "infrared"
    CLEAN = "clean"
    MASK = "mask"
    ACCESS = "access"


class Outcome(StrEnum):
    """What came of cleaning."""

    CLEANED = "cleaned"
    UNCLEANED = "uncleaned"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredFile(_Record):
    """One file of a frame as it was published; goes through a database as `model_dump_json`."""

    role: Role
    name: str
    size_bytes: int = Field(ge=0)
    sha256: str
    sha512: str
    original_name: str | None = None


class FrameRecord(_Record):
    """The name of the frame."""

    collection: str
    box: str
    roll: str
    number: int


class CaptureRecord(_Record):
    """How the frame was captured; `captured_at` is local time of the scanning program where that gave no zone."""

    rows: int
    cols: int
    layout: str
    bits_per_sample: int
    resolution_dpi: float | None
    linear: bool | None
    make: str | None
    model: str | None
    software: str | None
    captured_at: datetime | None
    infrared_origin: str
    infrared_red_correlation: float | None = None
    icc_profile_sha256: str | None
    flags: tuple[str, ...]

    @classmethod
    def of(cls, info: CaptureInfo, rgb: npt.NDArray[np.uint16]) -> CaptureRecord:
        """Return the record of a capture."""
        return cls(
            rows=rgb.shape[0],
            cols=rgb.shape[1],
            layout=info.layout,
            bits_per_sample=info.bits_per_sample,
            resolution_dpi=info.resolution_dpi,
            linear=info.linear,
            make=info.make,
            model=info.model,
            software=info.software,
            captured_at=info.captured_at,
            infrared_origin=str(info.infrared_origin),
            infrared_red_correlation=info.infrared_red_correlation,
            icc_profile_sha256=hashlib.sha256(info.icc_profile).hexdigest() if info.icc_profile else None,
            flags=tuple(str(flag) for flag in info.flags),
        )


class Revision(_Record):
    """One cleaning: a pure function of the inputs, the options and the engine's version."""

    number: int = Field(ge=1)
    created_at: UtcTime
    engine_version: str
    options: dict[str, Any]
    inputs_sha256: tuple[str, ...]
    outcome: Outcome
    report: dict[str, Any]
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    files: tuple[StoredFile, ...]


class Sidecar(_Record):
    """What `<stem>.json` holds."""

    schema_version: Literal[1] = SCHEMA_VERSION
    frame: FrameRecord
    film: FilmKind
    capture: CaptureRecord
    originals: tuple[StoredFile, ...]
    flags: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = Field(min_length=1)

    @property
    def frame_id(self) -> FrameId:
        """The frame that this is the sidecar of."""
        return FrameId(**self.frame.model_dump())

    @property
    def latest(self) -> Revision:
        """The newest revision."""
        return self.revisions[-1]

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Every file of the frame but the sidecar itself."""
        return self.originals + tuple(file for revision in self.revisions for file in revision.files)

    def to_json(self) -> bytes:
        """Return the canonical bytes: sorted keys, two spaces, UTF-8, a newline at the end."""
        plain = json.loads(self.model_dump_json())
        return (json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, name: str) -> Sidecar:
        """Read a sidecar; `name` is for the error.

        Raises
        ------
        IntegrityError
            It is no sidecar of a schema that is known here.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise IntegrityError(f"{name}: expected a sidecar of schema {SCHEMA_VERSION}, found: {error}") from error


def stored_file(role: Role, path: Path, digest: Digest, original_name: str | None = None) -> StoredFile:
    """Return the record of a file that was published with these hashes."""
    return StoredFile(role=role, name=path.name, original_name=original_name, **asdict(digest))


def frame_record(frame: FrameId) -> FrameRecord:
    """Return the name of a frame for its sidecar."""
    return FrameRecord(collection=frame.collection, box=frame.box, roll=frame.roll, number=frame.number)


def utc_now() -> datetime:
    """Return the time, to the millisecond, in UTC."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
