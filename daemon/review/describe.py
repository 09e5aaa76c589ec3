"""Writes down what people tell about frames: caption, date, mount number, and which way up they are shown.

It is recorded in the archive first, and then noted in the database for the lists. No picture is made anew: the next
revision's access image is turned, and what is shown of the earlier ones is turned on the way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from filmscand.daemon.archive.decisions import changing, record_description
from filmscand.daemon.archive.records.known import frame_records, record_of
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.description.record import NOTHING, Description, DescriptionChanges
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import reopen_database, transaction
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.sheets.notes import set_description
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.review.caption_list import ListedFrame, ListRefusedError, repeated
from filmscand.daemon.review.decide import require_idle
from filmscand.daemon.station.configuration import Station


@dataclass(frozen=True, slots=True)
class DescriptionResult:
    """What is written about a frame now, and whether that is new."""

    frame: str
    description: Description
    is_new: bool


@dataclass(frozen=True, slots=True)
class RollDescribed:
    """How many frames of a roll a list described, and how many of them it left as they were."""

    roll: str
    frames: int
    unchanged: int


def describe(station: Station, frame: FrameId, changes: DescriptionChanges, by: str | None = None) -> DescriptionResult:
    """Change what is written about a frame.

    Raises
    ------
    NoSuchFramesError
        The station does not know the frame.
    DecisionRefusedError
        The frame waits for cleaning or is being cleaned, or has no revision.
    RollSealedError
        The roll was sealed and lost the mark of it. A roll that has the mark is reopened.
    IntegrityError, TransientError
        The archive's record of the frame cannot be read or written.
    """
    with closing(reopen_database(station.database)) as connection:
        require_idle(connection, frame)
        archive = bound_archive(station, connection)
        archive.require_mark(frame)
        archive.require_known_sidecars([frame])
        result = _write(connection, archive, frame, changes, by)
        write_records(connection, frame_records(connection, archive.root, frame))
    return result


def describe_roll(station: Station, roll: Roll, listed: Sequence[ListedFrame], by: str | None = None) -> RollDescribed:
    """Change what is written about frames of a roll: all that is listed, or nothing if some of it does not fit.

    A list that a disk or another's work cut off in the middle can be sent again: what is written already stays.

    Raises
    ------
    ListRefusedError
        It names everything that does not fit.
    RollSealedError, IntegrityError, TransientError
        See `describe`.
    """
    frames = [FrameId(roll.collection, roll.box, roll.roll, one.number) for one in listed]
    name = f"{roll.collection}/{roll.box}/{roll.roll}"
    if not frames:
        return RollDescribed(name, 0, 0)
    with closing(reopen_database(station.database)) as connection:
        _require_all(connection, listed, frames)
        archive = bound_archive(station, connection)
        archive.require_mark(frames[0])
        archive.require_known_sidecars(frames)
        results = [
            _write(connection, archive, frame, one.changes, by) for frame, one in zip(frames, listed, strict=True)
        ]
        # Once for all of them: it reads the events of the whole roll.
        write_records(connection, frame_records(connection, archive.root, frames[-1]))
    return RollDescribed(name, len(results), sum(not one.is_new for one in results))


def _require_all(connection: sqlite3.Connection, listed: Iterable[ListedFrame], frames: Iterable[FrameId]) -> None:
    problems = repeated(listed)
    for one, frame in zip(listed, frames, strict=True):
        try:
            require_idle(connection, frame)
        except DaemonError as error:
            problems.append(f"{one.place}: {error}")
    if problems:
        raise ListRefusedError(problems)


def _write(
    connection: sqlite3.Connection, archive: Archive, frame: FrameId, changes: DescriptionChanges, by: str | None
) -> DescriptionResult:
    with changing(archive, frame):
        # Once more, with the lock: a worker may have taken the frame a moment ago.
        job = require_idle(connection, frame)
        sidecar = archive.read_sidecar(frame)
        before = sidecar.description or NOTHING
        description = changes.applied_to(before)
        if description == before:
            return DescriptionResult(str(frame), description, is_new=False)
        record_description(archive, sidecar, description, by)
    record = record_of(archive.root, frame.folder / f"{frame.stem}.json")
    with transaction(connection):
        write_records(connection, [record])
        set_description(connection, job.job_id, description)
    return DescriptionResult(str(frame), description, is_new=True)
