"""`filmscand archive init` and `filmscand archive adopt`: a person says that a folder is this station's archive."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import make_folders
from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveMissingError, ConfigError, DaemonError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.database.connection import open_database, transaction
from filmscand.daemon.database.identity import change_identity, every_frame, find_identity, frames_in_archive
from filmscand.daemon.maintenance.identity import bind, holds_frames, lies_in, marker_of
from filmscand.daemon.maintenance.rebuild import enter_frames, read_frames
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_process
from filmscand.daemon.station.marker import Identity, Marker


class NoNewArchiveError(DaemonError):
    """The folder is an archive already, or the station has frames in another archive."""


@dataclass(frozen=True, slots=True)
class BoundArchive:
    """An archive that this station has made or taken over.

    Attributes
    ----------
    archive : Path
        Its folder.
    archive_id, station_id : str
        The ids that its marker and the database hold now.
    frames : int
        Number of frames in it.
    added : tuple of str
        Frames that the database did not know before.
    missing : tuple of str
        Frames that the database knows and the archive does not hold.
    problems : tuple of str
        What a person has to look at.
    """

    archive: Path
    archive_id: str
    station_id: str
    frames: int = 0
    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def exit_status(self) -> Exit:
        """The exit status that tells how it went."""
        return Exit.PART_FAILED if self.missing or self.problems else Exit.DONE


def init_archive(station: Station, folder: Path | None = None) -> BoundArchive:
    """Make the station's archive folder and its marker; other files in the folder stay as they are.

    Parameters
    ----------
    folder : Path, optional
        The folder; it has to be the one that the configuration names.

    Raises
    ------
    ConfigError
        The configuration names another folder.
    NoNewArchiveError
        The folder is an archive already, or the database knows frames, which lie in another archive.
    StationBusyError
        A service runs on the station.
    """
    _require_configured(station, folder)
    make_folders(station.database.parent)
    with sole_process(station):
        marker = marker_of(station.archive)
        if marker is not None or holds_frames(station.archive):
            raise NoNewArchiveError(
                f"{station.archive}: this is an archive already. `filmscand archive adopt` makes it this station's."
            )
        with closing(open_database(station.database)) as connection:
            if known := len(frames_in_archive(connection)):
                raise NoNewArchiveError(
                    f"{station.database}: the station has {known} frames in another archive. Mount that one, or copy "
                    f"it to {station.archive} and run `filmscand archive adopt`."
                )
            change_identity(connection, Identity.new(), None, utc_now().isoformat())
            ids = bind(station, connection)
    return BoundArchive(station.archive, ids.archive_id, ids.station_id)


def adopt_archive(station: Station, folder: Path | None = None) -> BoundArchive:
    """Make an existing archive this station's: its marker gets the station's id, the database gets its frames.

    A station that it belonged to before stops writing to it.

    Parameters
    ----------
    folder : Path, optional
        The folder; it has to be the one that the configuration names.

    Raises
    ------
    ArchiveMissingError
        The folder holds neither a marker nor frames, or none of the frames that the database knows.
    ConfigError
        The configuration names another folder.
    StationBusyError
        A service runs on the station.
    """
    _require_configured(station, folder)
    make_folders(station.database.parent)
    with sole_process(station):
        marker = _marker_if_sound(station.archive)
        archive = Archive(station.archive)
        frames = list(archive.frames())
        if marker is None and not frames:
            raise ArchiveMissingError(
                f"{station.archive}: expected an archive, found no marker and no frame. Mount its disk, or make a new "
                "archive by `filmscand archive init`."
            )
        with closing(open_database(station.database)) as connection:
            known = frames_in_archive(connection)
            if known and not lies_in(station.archive, known):
                raise ArchiveMissingError(
                    f"{station.archive}: the archive holds none of the {len(known)} frames that {station.database} "
                    "knows. `filmscand rebuild --replace` makes a database from this archive and keeps the old one."
                )
            return _take_over(station, connection, archive, marker)


def _take_over(
    station: Station, connection: sqlite3.Connection, archive: Archive, marker: Marker | None
) -> BoundArchive:
    known = set(frames_in_archive(connection))
    frames = set(archive.frames())
    rows, problems = read_frames(archive, sorted(frames - every_frame(connection)), station)
    stored = find_identity(connection)
    ids = Identity.new(None if marker is None else marker.archive_id)
    if stored is not None:
        ids = Identity(ids.archive_id, stored.identity.station_id)
    with transaction(connection):
        problems += enter_frames(connection, rows)
        change_identity(connection, ids, None if marker is None else marker.station_id, utc_now().isoformat())
    bind(station, connection, replace=True)
    return BoundArchive(
        station.archive,
        ids.archive_id,
        ids.station_id,
        len(frames),
        tuple(str(row.frame) for row in rows),
        tuple(str(frame) for frame in sorted(known - frames)),
        tuple(problems),
    )


def _marker_if_sound(root: Path) -> Marker | None:
    try:
        return marker_of(root)
    except ArchiveMissingError:
        # A damaged marker is what a person adopts an archive for.
        return None


def _require_configured(station: Station, folder: Path | None) -> None:
    if folder is not None and folder.absolute().resolve() != station.archive.resolve():
        raise ConfigError(
            f"{folder}: the archive of this station is {station.archive}; set the key `archive` to this folder first"
        )
