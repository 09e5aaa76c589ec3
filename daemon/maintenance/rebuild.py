"""Rebuilds the station's database from the archive: the sidecars hold everything that is known of a frame."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.atomic_file import sync_folder
from filmscand.daemon.archive.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import unrecorded_of
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    DaemonError,
    FrameMissingError,
    IntegrityError,
    TransientError,
    storing,
)
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, StoredFile
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import open_database, transaction
from filmscand.daemon.database.frames import JobOutcome, JobState, SourceFile
from filmscand.daemon.database.restore import RestoredFrame, restore_frame
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_process

# Endings of the database's files. SQLite keeps the last commits in files beside the database. They are moved first:
# SQLite would take them for files of the new database.
_FILES: Final = ("-wal", "-shm", "")


class DatabaseExistsError(DaemonError):
    """The station has a database, and `replace` is False."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a rebuild.

    Attributes
    ----------
    archived : int
        Frames with a sidecar.
    queued : tuple of str
        Frames with a raw file and no sidecar: they are queued for cleaning.
    problems : tuple of str
        Messages about frames that a person has to check.
    old_database : Path or None
        New place of the earlier database; None if there was none.
    """

    archived: int
    queued: tuple[str, ...]
    problems: tuple[str, ...]
    old_database: Path | None

    @property
    def exit_status(self) -> Exit:
        """Exit status of the command."""
        return Exit.PART_FAILED if self.problems else Exit.DONE


def rebuild(station: Station, *, replace: bool = False) -> Rebuilt:
    """Rebuild the station's database from its archive; no service may run at the same time.

    Sidecars are not checked against the files; `filmscand verify` does that. Sessions and candidates are not in the
    archive and are lost: a file that was left in its watch folder becomes a duplicate.

    Parameters
    ----------
    replace : bool
        Rename an existing database instead of refusing.

    Raises
    ------
    StationBusyError
        A service runs on the station.
    DatabaseExistsError
        There is a database and `replace` is False.
    FrameMissingError
        The archive holds no frame: it is most likely not mounted. An existing database stays in place.
    ArchiveUnwritableError
        The archive cannot be read.
    """
    database = station.database
    database.parent.mkdir(parents=True, exist_ok=True)
    with sole_process(station):
        if database.exists() and not replace:
            raise DatabaseExistsError(
                f"{database}: the station has a database; with --replace it is renamed and a new one is made"
            )
        fresh = database.with_name(f"{database.name}.rebuilding")
        _remove(fresh)
        try:
            with closing(open_database(fresh)) as connection:
                archived, queued, problems = _fill(connection, station)
        except BaseException:
            _remove(fresh)
            raise
        old = _rename_old(database)
        fresh.replace(database)
        sync_folder(database.parent)
    return Rebuilt(archived, queued, problems, old)


def _fill(connection: sqlite3.Connection, station: Station) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    archive = Archive(station.archive)
    rows: list[RestoredFrame] = []
    problems: list[str] = []
    for frame in archive.frames():
        try:
            rows.append(_row(archive, frame, station))
        except (FrameMissingError, TransientError, IntegrityError) as error:
            problems.append(str(error))
    if not rows:
        raise FrameMissingError(f"{archive.root}: expected frames, found none; is the archive mounted?")
    rows.sort(key=lambda row: (row.created_at, row.frame))
    with transaction(connection):
        twice = [row.frame for row in rows if not restore_frame(connection, row)]
    for roll in sorted({row.frame.roll_folder for row in rows}):
        sound = [row.frame for row in rows if row.frame.roll_folder == roll and row.error is None]
        records, changed = unrecorded_of(archive, roll, sound)
        write_records(connection, records)
        problems += map(str, changed)
    problems += [f"{frame}: its picture is in the archive twice" for frame in twice]
    problems += [f"{row.frame}: {row.error}" for row in rows if row.error]
    archived = sum(row.outcome is JobOutcome.ARCHIVED for row in rows)
    return archived, tuple(str(row.frame) for row in rows if row.state is JobState.QUEUED), tuple(problems)


def _row(archive: Archive, frame: FrameId, station: Station) -> RestoredFrame:
    sidecar = archive.frame_folder(frame).sidecar
    if not os.path.lexists(sidecar):
        return _unfinished_row(archive, frame, station)
    try:
        return _archived_row(frame, archive.read_sidecar(frame))
    except (IntegrityError, ArchiveUnwritableError) as error:
        # One sidecar that cannot be read, or is no plain file, must not keep all others from being known.
        with storing(sidecar, "read"):
            at = sidecar.lstat().st_mtime
        return RestoredFrame(
            frame=frame,
            state=JobState.FINISHED,
            outcome=JobOutcome.FAILED,
            source="",
            request=_request(station),
            sources=(),
            result=None,
            error=str(error),
            created_at=at,
            finished_at=at,
        )


def _archived_row(frame: FrameId, sidecar: Sidecar) -> RestoredFrame:
    if sidecar.frame_id != frame or not sidecar.originals:
        raise IntegrityError(
            f"expected the sidecar of {frame} with its originals, found that of {sidecar.frame_id} "
            f"with {len(sidecar.originals)} originals"
        )
    latest = sidecar.latest
    return RestoredFrame(
        frame=frame,
        state=JobState.FINISHED,
        outcome=JobOutcome.ARCHIVED,
        source=sidecar.originals[0].original_name or f"scanner {sidecar.capture.model or ''}".strip(),
        request=CleanRequest(
            film=sidecar.film,
            sensitivity=latest.options.sensitivity,
            fourth_sample_is_infrared=latest.options.fourth_sample_is_infrared,
            flags=sidecar.flags,
            originals=sidecar.originals,
        ),
        sources=_sources(sidecar.originals),
        result=latest.result(created=True),
        error=None,
        created_at=sidecar.revisions[0].created_at.timestamp(),
        finished_at=latest.created_at.timestamp(),
    )


def _unfinished_row(archive: Archive, frame: FrameId, station: Station) -> RestoredFrame:
    originals = archive.stored_originals(frame)
    return RestoredFrame(
        frame=frame,
        state=JobState.QUEUED,
        outcome=None,
        source=originals[0].name,
        request=_request(station).model_copy(update={"originals": originals}),
        sources=_sources(originals),
        result=None,
        error=None,
        created_at=archive.frame_folder(frame).raw().stat().st_mtime,
        finished_at=None,
    )


def _request(station: Station) -> CleanRequest:
    return CleanRequest(sensitivity=station.cleaning.sensitivity)


def _sources(originals: tuple[StoredFile, ...]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(str(file.role), file.sha256, file.size_bytes, file.original_name or file.name) for file in originals
    )


def _rename_old(database: Path) -> Path | None:
    existed = database.exists()
    aside = database.with_name(f"{database.name}.{time.strftime('%Y%m%dT%H%M%S')}")
    for ending in _FILES:
        part = database.with_name(database.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside if existed else None


def _remove(database: Path) -> None:
    for ending in _FILES:
        database.with_name(database.name + ending).unlink(missing_ok=True)
