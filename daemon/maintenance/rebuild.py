"""Rebuilds the station's database from the archive: the sidecars hold everything that is known of a frame."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import make_folders, sync_folder
from filmscand.daemon.archive.records.known import restore_damage
from filmscand.daemon.archive.records.sidecar import Sidecar, utc_now
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import unrecorded_of
from filmscand.daemon.core.decision import Settings
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
from filmscand.daemon.database.connection import DatabaseError, open_database, open_to_read, transaction
from filmscand.daemon.database.frames import JobOutcome, JobState, SourceFile
from filmscand.daemon.database.identity import change_identity, frames_in_archive
from filmscand.daemon.database.presence import is_blank
from filmscand.daemon.database.restore import RestoredFrame, restore_frame
from filmscand.daemon.maintenance.identity import bind, marker_of
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_process
from filmscand.daemon.station.marker import Identity

# The database goes first: one that is missing is refused at the next start, one without its last commits is not. SQLite
# keeps those in files beside it, which have to be gone before another database comes: it would take them for its own.
_FILES: Final = ("", "-wal", "-shm")


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
        Frames with a raw file and no sidecar, and frames that a person wants cleaned once more: they are queued.
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

    The database gets a new station id, which the archive's marker gets too: the old database does not fit any more.
    Killed at any moment, it leaves the old database, the new one, or none, which every command refuses.

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
        The archive holds no frame and has no marker, or the old database knows frames: it is most likely not mounted.
        An existing database stays in place.
    ArchiveUnwritableError
        The archive cannot be read.
    """
    database = station.database
    make_folders(database.parent)
    with sole_process(station):
        if not replace and not is_blank(database):
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
        with closing(open_database(database)) as connection:
            bind(station, connection)
    return Rebuilt(archived, queued, problems, old)


def _fill(connection: sqlite3.Connection, station: Station) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    archive = Archive(station.archive)
    marker = marker_of(archive.root)
    rows, problems = read_frames(archive, archive.frames(), station)
    if not rows and (marker is None or _knows_frames(station.database)):
        raise FrameMissingError(f"{archive.root}: expected frames, found none; is the archive mounted?")
    with transaction(connection):
        problems += enter_frames(connection, rows)
        ids = Identity.new(None if marker is None else marker.archive_id)
        change_identity(connection, ids, None if marker is None else marker.station_id, utc_now().isoformat())
    problems += _record_files(connection, archive, rows)
    restore_damage(connection, archive.root, sorted({row.frame.roll_folder for row in rows}))
    archived = sum(row.outcome is JobOutcome.ARCHIVED for row in rows)
    return archived, tuple(str(row.frame) for row in rows if row.state is JobState.QUEUED), tuple(problems)


def _record_files(connection: sqlite3.Connection, archive: Archive, rows: Iterable[RestoredFrame]) -> list[str]:
    """Record the digests of sidecars, events and bags; return which of them the roll's events do not tell of."""
    problems: list[str] = []
    rows = list(rows)
    for roll in sorted({row.frame.roll_folder for row in rows}):
        sound = [row.frame for row in rows if row.frame.roll_folder == roll and row.error is None]
        records, changed = unrecorded_of(archive, roll, sound)
        write_records(connection, records)
        problems += map(str, changed)
    return problems


def read_frames(archive: Archive, frames: Iterable[FrameId], station: Station) -> tuple[list[RestoredFrame], list[str]]:
    """Return the rows of frames in an archive, oldest first, and what a person has to look at."""
    rows: list[RestoredFrame] = []
    problems: list[str] = []
    for frame in frames:
        try:
            rows.append(_row(archive, frame, station))
        except (FrameMissingError, TransientError, IntegrityError) as error:
            problems.append(str(error))
    rows.sort(key=lambda row: (row.created_at, row.frame))
    return rows, problems


def enter_frames(connection: sqlite3.Connection, rows: Iterable[RestoredFrame]) -> list[str]:
    """Enter rows into a database that has none of these frames; return what a person has to look at."""
    problems = []
    for row in rows:
        if not restore_frame(connection, row):
            problems.append(f"{row.frame}: its picture is in the archive twice")
        if row.error:
            problems.append(f"{row.frame}: {row.error}")
    return problems


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
    current = sidecar.current
    # A decision may wait for its cleaning.
    wanted = sidecar.wanted or Settings(sensitivity=current.options.sensitivity, film=sidecar.film)
    waits = sidecar.wanted is not None
    return RestoredFrame(
        frame=frame,
        state=JobState.QUEUED if waits else JobState.FINISHED,
        outcome=None if waits else JobOutcome.ARCHIVED,
        source=sidecar.originals[0].original_name or f"scanner {sidecar.capture.model or ''}".strip(),
        request=CleanRequest(
            film=wanted.film,
            sensitivity=wanted.sensitivity,
            fourth_sample_is_infrared=current.options.fourth_sample_is_infrared,
            flags=sidecar.flags,
            originals=sidecar.originals,
        ),
        sources=_sources(sidecar.originals),
        result=None if waits else sidecar.result(created=True),
        error=None,
        created_at=sidecar.revisions[0].created_at.timestamp(),
        finished_at=None if waits else current.created_at.timestamp(),
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


def _knows_frames(database: Path) -> bool:
    """Return whether a database knows frames; one that cannot be read may not."""
    try:
        if is_blank(database):
            return False
        with closing(open_to_read(database)) as connection:
            return bool(frames_in_archive(connection))
    except (sqlite3.Error, DatabaseError):
        return False


def _rename_old(database: Path) -> Path | None:
    existed = database.exists()
    if existed:
        _fold_log(database)
    aside = _free_name(database.with_name(f"{database.name}.{time.strftime('%Y%m%dT%H%M%S')}"))
    for ending in _FILES:
        part = database.with_name(database.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
            sync_folder(database.parent)
    return aside if existed else None


def _fold_log(database: Path) -> None:
    """Write the last commits into the database itself, so that it is one file that can be renamed at once."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _free_name(preferred: Path) -> Path:
    names = (preferred, *(preferred.with_name(f"{preferred.name}-{number}") for number in range(2, 1000)))
    return next(name for name in names if not any(name.with_name(name.name + end).exists() for end in _FILES))


def _remove(database: Path) -> None:
    for ending in _FILES:
        database.with_name(database.name + ending).unlink(missing_ok=True)
