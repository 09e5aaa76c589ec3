"""Reads one part of the archive, and compares it with everything that is known of it.

It is what `verify_rolls` does with a whole roll, cut into pieces: the folder of each frame, and the rest of the roll.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.files.problem import Problem
from filmscand.daemon.archive.frames.verify_frame import FrameEvidence, folder_problem, verify_frame
from filmscand.daemon.archive.records.bag import DECLARATION
from filmscand.daemon.archive.records.events import Event, known_losses, sidecar_digests, verify_events
from filmscand.daemon.archive.records.known import EVENTS, Known, known_of_frame, known_of_roll
from filmscand.daemon.archive.records.roll_record import verify_roll_record
from filmscand.daemon.archive.records.verify_bag import parts_of, verify_declaration, verify_part, verify_tags
from filmscand.daemon.archive.records.verify_reopened import (
    not_named_before,
    payload_before,
    verify_reopened_part,
    verify_reopened_tags,
)
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import events_of, frames_told, verify_tag_manifest
from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.database.keeping.audits import Damage, Part
from filmscand.daemon.fixity.findings import damage_among


@dataclass(frozen=True, slots=True)
class Found:
    """What a part holds.

    Attributes
    ----------
    damage : tuple of Damage
        Files that are not as they were recorded.
    is_known : bool
        False: nothing is there, and nothing knows of the part any more.
    told : tuple of Part
        Other parts of the roll that its records tell of.
    """

    damage: tuple[Damage, ...] = ()
    is_known: bool = True
    told: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _ReadEvents:
    """The events of one roll, and how their file looked."""

    file: Path
    look: tuple[int, int]
    events: tuple[Event, ...]


class PartReader:
    """Reads parts of an archive.

    Parameters
    ----------
    archive : Archive
        The archive.
    connection : sqlite3.Connection
        Connection to the station's database, of the calling thread.
    """

    def __init__(self, archive: Archive, connection: sqlite3.Connection) -> None:
        self._archive = archive
        self._connection = connection
        self._events: _ReadEvents | None = None

    def read(self, part: Part) -> Found:
        """Read every file of a part from the disk."""
        frame = part.frame
        return self._read_records(part.roll_folder) if frame is None else self._read_frame(frame)

    def known(self, part: Part) -> tuple[Known, bool]:
        """Return what the database says of a part at this moment, and whether its roll is reopened."""
        frame = part.frame
        is_reopened = _is_reopened(self._archive.root / part.roll_folder)
        if frame is None:
            return known_of_roll(self._connection, part.roll_folder), is_reopened
        return known_of_frame(self._connection, frame), is_reopened

    def _read_frame(self, frame: FrameId) -> Found:
        known = known_of_frame(self._connection, frame)
        roll = self._archive.root / frame.roll_folder
        if _is_sealed(roll, known, frame.roll_folder) and not _is_reopened(roll):
            problems = tuple(verify_part(roll, frame.stem)) if roll.is_dir() else ()
            return Found(damage_among(problems, roll), is_known=bool(problems) or self._is_there(frame))
        evidence = self._evidence(known, frame)
        if not self._is_there(frame):
            events = self._events_of(roll)
            if str(frame) in known_losses(events):
                return Found()
            if (
                evidence.job is None
                and not evidence.was_complete
                and frame not in frames_told(events, frame.roll_folder)
            ):
                return Found(is_known=False)
        problems = verify_frame(self._archive.frame_folder(frame), evidence).problems
        if _is_reopened(roll):
            problems = (*not_named_before(roll, problems), *verify_reopened_part(roll, frame.stem))
        return Found(damage_among(problems, roll))

    def _is_there(self, frame: FrameId) -> bool:
        return os.path.lexists(self._archive.frame_folder(frame).path)

    def _evidence(self, known: Known, frame: FrameId) -> FrameEvidence:
        job, record = known.jobs.get(frame), known.record(frame.folder / f"{frame.stem}.json")
        evidence = FrameEvidence(job, record)
        if record is not None and not evidence.is_under_way:
            # The digest of the database decides; the events of a long roll take seconds to read.
            return evidence
        events = self._events_of(self._archive.root / frame.roll_folder)
        return FrameEvidence(job, record, sidecar_digests(events, frame))

    def _read_records(self, roll: Path) -> Found:
        folder = self._archive.root / roll
        known = known_of_roll(self._connection, roll)
        wrong = folder_problem(folder, "the roll's folder")
        if wrong is not None:
            is_known = bool(known.jobs or known.records) or os.path.lexists(folder)
            return Found(damage_among([wrong] if is_known else [], folder), is_known=is_known)
        events = self._events_of(folder)
        told = {*frames_told(events, roll), *_frames_in(folder, roll)}
        if not _is_sealed(folder, known, roll):
            problems = list(self._open_problems(folder, known, roll))
        elif _is_reopened(folder):
            problems = list(self._reopened_problems(folder, known, roll))
            told |= {frame for name in _parts_before(folder) if (frame := _frame(roll, name)) is not None}
        else:
            problems = list(self._sealed_problems(folder, known, roll))
            told |= {frame for name in parts_of(folder) if (frame := _frame(roll, name)) is not None}
        return Found(damage_among(problems, folder), told=tuple(map(Part.of, sorted(told))))

    def _sealed_problems(self, folder: Path, known: Known, roll: Path) -> Iterator[Problem]:
        yield from verify_declaration(folder)
        yield from verify_tags(folder)
        yield from verify_tag_manifest(self._archive.root, known.sealing(roll))
        for name in sorted(parts_of(folder)):
            if _frame(roll, name) is None:
                yield from verify_part(folder, name)

    def _reopened_problems(self, folder: Path, known: Known, roll: Path) -> Iterator[Problem]:
        yield from self._open_problems(folder, known, roll)
        yield from verify_reopened_tags(folder)
        for name in sorted(_parts_before(folder)):
            if _frame(roll, name) is None:
                yield from verify_reopened_part(folder, name)

    def _open_problems(self, folder: Path, known: Known, roll: Path) -> Iterator[Problem]:
        complete = [
            frame for frame in _frames_in(folder, roll) if os.path.lexists(self._archive.frame_folder(frame).sidecar)
        ]
        if complete or known.jobs:
            yield from verify_roll_record(folder / "metadata", roll)
            yield from verify_events(folder / EVENTS, known.record(roll / EVENTS), complete)

    def _events_of(self, folder: Path) -> tuple[Event, ...]:
        """Return the events of a roll; those of one roll are kept, for its frames are read one after another."""
        file = folder / EVENTS
        try:
            found = file.lstat()
        except OSError:
            return ()
        look = (found.st_size, found.st_mtime_ns)
        if self._events is None or (self._events.file, self._events.look) != (file, look):
            self._events = _ReadEvents(file, look, events_of(folder))
        return self._events.events


def _is_sealed(folder: Path, known: Known, roll: Path) -> bool:
    return os.path.lexists(folder / DECLARATION) or known.sealing(roll) is not None


def _is_reopened(folder: Path) -> bool:
    """Whether frames of a sealed roll get revisions, so that its manifests lag behind."""
    return os.path.lexists(folder / REOPENED)


def _parts_before(folder: Path) -> set[str]:
    """Return every name directly below `data/` that the last generation of a reopened roll lists."""
    return {path.relative_to(folder / "data").parts[0] for path in payload_before(folder)}


def _frames_in(folder: Path, roll: Path) -> list[FrameId]:
    data = folder / "data"
    names = sorted(path.name for path in data.iterdir()) if data.is_dir() else []
    return [frame for name in names if (frame := _frame(roll, name)) is not None]


def _frame(roll: Path, name: str) -> FrameId | None:
    try:
        return FrameId.from_folder(roll / "data" / name)
    except FrameIdError:
        return None
