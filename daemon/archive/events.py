"""The preservation events of a roll, one JSON object a line, in the words of PREMIS 3.

An event stands here twice where a writer was killed after it was told and before the work was; it never lacks.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from filmscand.daemon.archive.atomic_file import lock
from filmscand.daemon.archive.sidecar import UtcTime, utc_now
from filmscand.daemon.core.errors import storing


class EventType(StrEnum):
    """Terms of id.loc.gov/vocabulary/preservation/eventType."""

    CAPTURE = "capture"
    INGESTION = "ingestion"
    DIGEST = "message digest calculation"
    CREATION = "creation"
    FIXITY_CHECK = "fixity check"
    SEALING = "information package creation"


class Event(BaseModel):
    """Something that happened to a frame, or to its whole roll; `about` names the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    at: UtcTime = Field(default_factory=utc_now)
    type: EventType
    frame: str
    about: str
    outcome: str = "success"
    detail: dict[str, Any] = Field(default_factory=dict)


def append_events(file: Path, events: Iterable[Event]) -> None:
    """Append events durably: all of them or none, and never behind half a line.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk did not take them; the file is as it was.
    """
    lines = "".join(json.dumps(json.loads(event.model_dump_json()), sort_keys=True) + "\n" for event in events)
    with storing(file), file.open("ab", buffering=0) as log:
        lock(log)
        end = os.fstat(log.fileno()).st_size
        try:
            _append(log, _line_break(file, end) + lines.encode())
        except OSError:
            os.ftruncate(log.fileno(), end)
            raise


def read_events(file: Path) -> Iterator[Event]:
    """Yield the events of a roll; a line that a power cut tore is passed over."""
    if not file.exists():
        return
    for line in file.read_bytes().splitlines():
        try:
            yield Event.model_validate_json(line)
        except ValidationError:
            continue


def _append(log: io.FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[log.write(rest) :]
    os.fsync(log.fileno())


def _line_break(file: Path, end: int) -> bytes:
    if end == 0:
        return b""
    with file.open("rb") as log:
        log.seek(end - 1)
        return b"" if log.read(1) == b"\n" else b"\n"
