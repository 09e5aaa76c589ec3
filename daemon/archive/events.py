"""The preservation events of a roll, one JSON object a line, with the event types of PREMIS 3.

Lines are only appended, never rewritten. An event is there twice where a writer was killed between the event and the
next step of its work; it is never missing. A reader accepts fields that it does not know.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError

from filmscand.daemon.archive.atomic_file import lock
from filmscand.daemon.archive.sidecar import UtcTime, utc_now
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.request import Record
from filmscand.daemon.station.folders import open_to_append


class EventType(StrEnum):
    """Terms of id.loc.gov/vocabulary/preservation/eventType."""

    CAPTURE = "capture"
    INGESTION = "ingestion"
    DIGEST = "message digest calculation"
    CREATION = "creation"
    RENAMING = "filename change"
    FIXITY_CHECK = "fixity check"
    SEALING = "information package creation"


class EventDetail(Record):
    """Details of an event; each kind of event sets those that it knows, and only these are written.

    Attributes
    ----------
    original_name : str or None
        Name of the file in the watch folder; None for a captured file.
    size_bytes : int
        Size of the file.
    new : bool
        False where the same file was in the archive already.
    sha256, sha512 : str
        Hexadecimal digests of the file.
    is_derived_from : str
        Name, without ending, of the raw file that a cleaned file was made from.
    files : int
        Number of files in the payload of a sealed roll.
    earlier_name : str
        Name of a renamed file before.
    """

    original_name: str | None = None
    size_bytes: int | None = None
    new: bool | None = None
    sha256: str | None = None
    sha512: str | None = None
    is_derived_from: str | None = None
    files: int | None = None
    earlier_name: str | None = None


class Event(Record):
    """One event of a frame or of its whole roll.

    Attributes
    ----------
    id : str
        UUID of the event.
    at : datetime
        Time of the event, UTC.
    frame : str
        The frame, or the roll where the event concerns all of it.
    about : str
        Name of the file that the event concerns.
    outcome : str
        "success", or what went wrong.
    detail : EventDetail
        More, depending on the type of the event.
    """

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    at: UtcTime = Field(default_factory=utc_now)
    type: EventType
    frame: str
    about: str
    outcome: str = "success"
    detail: EventDetail = EventDetail()

    def to_line(self) -> str:
        """Return the event as one line of `events.jsonl`, keys sorted."""
        detail = self.detail.model_dump(mode="json", exclude_unset=True)
        return json.dumps({**self.model_dump(mode="json"), "detail": detail}, sort_keys=True) + "\n"


def append_events(file: Path, events: Iterable[Event]) -> None:
    """Append events durably: all of them or none, and never behind half a line.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk did not take them; the file is as it was.
    """
    lines = "".join(event.to_line() for event in events)
    with storing(file), open_to_append(file) as log:
        lock(log)
        end = os.fstat(log.fileno()).st_size
        try:
            _append(log, _line_break(file, end) + lines.encode())
        except OSError:
            os.ftruncate(log.fileno(), end)
            raise


def read_events(file: Path) -> Iterator[Event]:
    """Yield the events of a roll; a line that a power cut tore is skipped."""
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
