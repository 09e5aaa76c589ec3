"""The preservation events of a roll, one JSON object a line, with the event types of PREMIS 3.

Lines are only appended, never rewritten. An event is there twice where a writer was killed between the event and the
next step of its work; it is never missing. A reader accepts fields that it does not know.

Each line ends with the SHA-256 of the rest of its event, so that a changed line shows by itself; lines of earlier
versions have none. That lines are missing shows by the digest of the file that the station's database keeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import Field, JsonValue, ValidationError

from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.core.decision import Decision, UtcTime
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Record, StoredFile
from filmscand.daemon.database.archive_records import ArchiveRecord
from filmscand.daemon.station.folders import open_to_append

_SIGNATURE: Final = "line_sha256"


class EventType(StrEnum):
    """Terms of id.loc.gov/vocabulary/preservation/eventType."""

    CAPTURE = "capture"
    INGESTION = "ingestion"
    DIGEST = "message digest calculation"
    CREATION = "creation"
    RENAMING = "filename change"
    FIXITY_CHECK = "fixity check"
    METADATA = "metadata modification"
    APPRAISAL = "appraisal"
    SEALING = "information package creation"
    LOSS = "deaccession"
    REOPENING = "modification"


# Events of a frame after which its folder has to be there.
_STORING: Final = frozenset({EventType.CAPTURE, EventType.INGESTION, EventType.CREATION, EventType.METADATA})


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
    generation : int
        Number of the manifests that a roll was sealed with, or that were valid when it was reopened.
    earlier_name : str
        Name of a renamed file before.
    reason : str
        Why a frame is gone for good, in the words of the person who said so.
    decision : Decision
        What a person decided about a frame.
    description : Description
        What people wrote about a frame, all of it, from now on.
    by : str or None
        Who wrote it; None: whoever uses the station.
    """

    original_name: str | None = None
    size_bytes: int | None = None
    new: bool | None = None
    sha256: str | None = None
    sha512: str | None = None
    is_derived_from: str | None = None
    files: int | None = None
    generation: int | None = None
    earlier_name: str | None = None
    reason: str | None = None
    decision: Decision | None = None
    description: Description | None = None
    by: str | None = None


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


def sidecar_event(frame: FrameId, name: str, content: bytes) -> Event:
    """Return the event that a sidecar is about to be written with this content."""
    detail = EventDetail(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return Event(type=EventType.METADATA, frame=str(frame), about=name, detail=detail)


def stored_events(frame: FrameId, how: EventType, stored: StoredFile, *, is_new: bool) -> tuple[Event, Event]:
    """Return the events that an original was stored, and that its digests were computed."""
    detail = EventDetail(original_name=stored.original_name, size_bytes=stored.size_bytes, new=is_new)
    digests = EventDetail(sha256=stored.sha256, sha512=stored.sha512)
    return (
        Event(type=how, frame=str(frame), about=stored.name, detail=detail),
        Event(type=EventType.DIGEST, frame=str(frame), about=stored.name, detail=digests),
    )


def creation_event(frame: FrameId, file: StoredFile) -> Event:
    """Return the event that a file of a revision was made."""
    detail = EventDetail(sha256=file.sha256, sha512=file.sha512, is_derived_from=f"{frame.stem}_raw")
    return Event(type=EventType.CREATION, frame=str(frame), about=file.name, detail=detail)


def known_losses(events: Iterable[Event]) -> dict[str, Event]:
    """Return by frame the last event that a person accepted its loss, unless files of it were stored afterwards."""
    losses: dict[str, Event] = {}
    for event in events:
        if event.type is EventType.LOSS:
            losses[event.frame] = event
        elif event.type in _STORING:
            losses.pop(event.frame, None)
    return losses


def sidecar_digests(events: Iterable[Event], frame: FrameId) -> tuple[str, ...]:
    """Return the SHA-256 of every sidecar of a frame that was written or about to be, oldest first."""
    return tuple(digests_by_sidecar(events).get(f"{frame.stem}.json", ()))


def digests_by_sidecar(events: Iterable[Event]) -> dict[str, list[str]]:
    """Return the same of every frame of a roll, by the name of the sidecar."""
    digests: dict[str, list[str]] = {}
    for event in events:
        if event.type is EventType.METADATA and event.detail.sha256:
            digests.setdefault(event.about, []).append(event.detail.sha256)
    return digests


def append_events(file: Path, events: Iterable[Event]) -> None:
    """Append events durably: all of them or none, and never behind half a line.

    Raises
    ------
    StorageFullError, ArchiveUnwritableError
        The disk did not take them; the file is as it was.
    """
    lines = "".join(_signed(event.to_line()) for event in events)
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
    with storing(file, "read"):
        content = read_plain(file)
    yield from parsed_events(content)


def parsed_events(content: bytes) -> Iterator[Event]:
    """Yield the events of a file's content; a line that is no event is skipped."""
    for line in content.split(b"\n"):
        with contextlib.suppress(ValidationError, ValueError):
            yield Event.model_validate(_unsigned(line))


def changed_lines(content: bytes) -> Iterator[int]:
    """Yield the number, from 1, of each line that filmscand did not write like that; a torn line counts as written."""
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            if line:
                Event.model_validate(_unsigned(line))
        except ValueError:
            # A power cut leaves the beginning of a line, and on some file systems zeros instead of the rest.
            written = line.rstrip(b"\0")
            if written and (not written.startswith(b"{") or _is_whole(written)):
                yield number


def _is_whole(line: bytes) -> bool:
    """Whether a line ends with the brace that closes it; one that ends with an inner brace was torn."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return line.endswith(b"}") and error.pos < len(error.doc)
    except UnicodeDecodeError:
        return line.endswith(b"}")
    return True


def verify_events(file: Path, record: ArchiveRecord | None, frames: Iterable[FrameId]) -> Iterator[Problem]:
    """Compare the events of a roll with what the database keeps of them, and with the frames that must have some.

    Parameters
    ----------
    record : ArchiveRecord or None
        Digest of the beginning of the file, as far as it was written when the digest was kept.
    frames : iterable of FrameId
        The complete frames of the roll.
    """
    try:
        content = read_plain(file)
    except FileNotFoundError:
        yield Problem(file, ProblemKind.MISSING, "expected the events of the roll, found no file")
        return
    except OSError as error:
        yield unreadable(file, error)
        return
    kept_bytes = 0
    if record is not None:
        kept_bytes = record.size_bytes
        if hashlib.sha256(content[:kept_bytes]).hexdigest() != record.sha256:
            message = f"expected {kept_bytes} bytes or more that begin as they were written, found others"
            yield Problem(file, ProblemKind.CHANGED, message)
            return
    earlier = content[:kept_bytes].count(b"\n")
    for number in changed_lines(content[kept_bytes:]):
        yield Problem(file, ProblemKind.CHANGED, f"line {earlier + number}: expected an event, found another content")
    told = {event.frame for event in parsed_events(content)}
    for frame in frames:
        if str(frame) not in told:
            yield Problem(file, ProblemKind.CHANGED, f"expected events of {frame}, found none")


def _signed(line: str) -> str:
    return json.dumps({**json.loads(line), _SIGNATURE: _digest(json.loads(line))}, sort_keys=True) + "\n"


def _unsigned(line: bytes) -> dict[str, JsonValue]:
    plain = json.loads(line)
    if not isinstance(plain, dict):
        raise ValueError("expected a JSON object")
    signature = plain.pop(_SIGNATURE, None)
    if signature is not None and signature != _digest(plain):
        raise ValueError("expected the event that was written, found another")
    return plain


def _digest(plain: dict[str, JsonValue]) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


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
