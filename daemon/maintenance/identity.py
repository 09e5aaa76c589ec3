"""One identity, checked both ways: the ids of the station's database and those of the archive's marker are the same.

A new station gets its ids, its archive and the marker at its first start. Afterwards neither the database nor the
archive is ever made again by itself: one of them without the other means that the other was lost or is not mounted.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filmscand.daemon.archive.files.atomic_file import make_folders, publish_bytes, sync_folder
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    DaemonError,
    ForeignArchiveError,
    FrameExistsError,
    FrameIdError,
    storing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database, open_to_read, schema_version
from filmscand.daemon.database.identity import (
    StoredIdentity,
    choose_identity,
    find_identity,
    frames_in_archive,
    settle_identity,
)
from filmscand.daemon.database.presence import is_blank
from filmscand.daemon.database.trouble import DatabaseMissingError, DatabaseReplacedError
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import (
    MARKER,
    MARKER_FOLDER,
    Identity,
    Marker,
    foreign,
    is_new_disk,
    missing,
    open_archive,
    read_marker,
    require_identity,
)

if TYPE_CHECKING:
    # It loads numpy, which `filmscand status` does without.
    from filmscand.daemon.archive.tree import Archive

log = logging.getLogger(__name__)

# So many of the newest frames are looked for in an archive without a marker; one that is there is enough.
_LOOKED_FOR: Final = 100


class FolderInUseError(DaemonError):
    """The folder of a new archive holds other folders."""


def connect_station(station: Station) -> sqlite3.Connection:
    """Open the database of a station once it and the archive know each other; a new station gets both.

    An archive that is missing now but was there before is no error: everything that needs it waits for it.

    Raises
    ------
    DatabaseMissingError, DatabaseReplacedError
        The archive holds frames that the database does not know: rebuild it.
    ForeignArchiveError
        The archive belongs to another station.
    ArchiveMissingError
        The database knows frames, and the archive never had a marker and holds none of them.
    FolderInUseError
        There is no archive yet, and its folder holds other folders.
    """
    if is_blank(station.database):
        _require_new(station)
    make_folders(station.database.parent)
    connection = open_database(station.database)
    try:
        stored = find_identity(connection)
        try:
            _require_known(station, connection, stored)
        except ForeignArchiveError:
            raise
        except ArchiveUnwritableError:
            if stored is None or not stored.settled:
                raise
        if stored is None or not stored.settled:
            bind(station, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def identity_problem(station: Station) -> DaemonError | None:
    """Return what keeps the database and the archive of a station from knowing each other; nothing is changed.

    Raises
    ------
    sqlite3.Error
        The database cannot be read.
    """
    try:
        if is_blank(station.database):
            _require_new(station)
            return None
        with closing(open_to_read(station.database)) as connection:
            if schema_version(connection) == 0:
                # Somebody is just making it.
                _require_new(station)
            else:
                _require_known(station, connection, find_identity(connection))
    except (ArchiveUnwritableError, DatabaseMissingError, DatabaseReplacedError, FolderInUseError) as error:
        return error
    return None


def bind(station: Station, connection: sqlite3.Connection, *, replace: bool = False) -> Identity:
    """Write the marker of the ids of a database, and settle them; a database without ids gets new ones.

    Parameters
    ----------
    replace : bool
        Replace whatever marker is there. Otherwise only the marker that the ids are to replace gives way.
    """
    stored = choose_identity(connection, Identity.new(), datetime.now(UTC).isoformat(timespec="seconds"))
    make_folders(station.archive)
    marker = None if replace else marker_of(station.archive)
    if marker is None or marker.identity != stored.identity:
        expected = marker is not None and marker.station_id == stored.replaces
        _write_marker(station, stored, replace=replace or expected)
    settle_identity(connection)
    log.info("%s: the archive is marked as that of the station at %s", station.archive, station.root)
    return stored.identity


def bound_archive(station: Station, connection: sqlite3.Connection) -> Archive:
    """Return the archive of an open station; it requires the marker before it writes."""
    from filmscand.daemon.archive.records.known import memory_in
    from filmscand.daemon.archive.tree import Archive

    stored = find_identity(connection)
    ids = None if stored is None else stored.identity
    return Archive(station.archive, ids, memory_in(connection))


def archive_of(station: Station) -> Archive:
    """Return the archive of a station, for a command that writes to it without a connection to the database.

    Raises
    ------
    DaemonError
        The database and the archive do not know each other; an archive that has neither marker nor database is alone.
    """
    from filmscand.daemon.archive.records.known import damage_in
    from filmscand.daemon.archive.tree import Archive

    problem = identity_problem(station)
    if problem is not None and not is_alone(station):
        raise problem
    if is_blank(station.database):
        return Archive(station.archive)
    with closing(open_to_read(station.database)) as connection:
        stored = find_identity(connection)
    ids = stored.identity if stored is not None and stored.settled else None
    return Archive(station.archive, ids, damage_in(station.database))


def is_alone(station: Station) -> bool:
    """Return whether an archive has frames and no marker, and no database has ids for it: a copy, for example."""
    if not station.archive.is_dir() or marker_of(station.archive) is not None or not holds_frames(station.archive):
        return False
    if is_blank(station.database):
        return True
    with closing(open_to_read(station.database)) as connection:
        return find_identity(connection) is None


def marker_of(root: Path) -> Marker | None:
    """Return the marker of an archive, None where the folder or the marker is missing."""
    with storing(root, "read"):
        if not root.is_dir():
            return None
    with open_archive(root, None) as descriptor:
        return read_marker(descriptor, root)


def holds_frames(root: Path) -> bool:
    """Return whether a folder holds any frame of an archive."""
    return any(_is_frame(folder.relative_to(root)) for folder in root.glob("*/*/*/data/*_[0-9][0-9][0-9][0-9]"))


def _is_frame(folder: Path) -> bool:
    try:
        FrameId.from_folder(folder)
    except FrameIdError:
        return False
    return True


def lies_in(root: Path, frames: Iterable[FrameId]) -> bool:
    """Return whether any of these frames has its folder in an archive."""
    with storing(root, "read"):
        return any((root / frame.folder).is_dir() for frame in frames)


def _require_new(station: Station) -> None:
    """Refuse a station without a database beside an archive that is in use already."""
    found = "is empty" if station.database.exists() else "is missing"
    marker = marker_of(station.archive)
    if marker is not None:
        raise DatabaseMissingError(
            f"{station.database}: the station's database {found}, but {station.archive} is an archive in use by the "
            f"station {marker.station}. If the database was lost, run `filmscand rebuild`. If the archive belongs to "
            "another station, choose another folder (key `archive`), or take it over by `filmscand archive adopt`."
        )
    _require_unused(station, f"the station's database {found}")


def _require_unused(station: Station, why: str) -> None:
    if not station.archive.is_dir():
        return
    if holds_frames(station.archive):
        raise DatabaseMissingError(
            f"{station.database}: {why}, but {station.archive} holds frames. Run `filmscand rebuild`."
        )
    with open_archive(station.archive, None) as descriptor:
        if not is_new_disk(descriptor):
            raise FolderInUseError(
                f"{station.archive}: expected an empty folder for a new archive, found other folders. Choose another "
                "folder (key `archive`), or make an archive of this one by `filmscand archive init`."
            )


def _require_known(station: Station, connection: sqlite3.Connection, stored: StoredIdentity | None) -> None:
    marker = marker_of(station.archive)
    if stored is not None and (stored.settled or marker is not None):
        _require_same(station, marker, stored)
        return
    known = frames_in_archive(connection)
    if marker is not None:
        kind = DatabaseReplacedError if known else DatabaseMissingError
        raise kind(
            f"{station.database}: the database does not know the archive {station.archive}: it was replaced by another "
            "or an older one. Put the right one back, or run `filmscand rebuild --replace`."
        )
    if not known:
        _require_unused(station, "the station's database knows no frame")
    elif not lies_in(station.archive, known[:_LOOKED_FOR]):
        raise missing(station.archive, f"none of the {len(known)} frames of the database lies there")


def _require_same(station: Station, marker: Marker | None, stored: StoredIdentity) -> None:
    if marker is None or marker.identity == stored.identity:
        require_identity(marker, stored.identity, station.archive)
    elif marker.archive_id == stored.identity.archive_id and marker.station_id == stored.replaces:
        return
    elif marker.station == station_name(station):
        raise DatabaseReplacedError(
            f"{station.database}: the database is not the one that the archive {station.archive} was written with: it "
            "was replaced by another or an older one. Put the right one back, or run `filmscand rebuild --replace`."
        )
    else:
        raise foreign(station.archive, marker)


def station_name(station: Station) -> str:
    """Return host and folder of a station, for people."""
    return f"{socket.gethostname()}:{station.root}"


def _write_marker(station: Station, stored: StoredIdentity, *, replace: bool) -> None:
    ids = stored.identity
    marker = Marker(
        archive_id=ids.archive_id, station_id=ids.station_id, station=station_name(station), made_at=stored.made_at
    )
    try:
        # Its parent is the top of the archive, which is not made here: a missing one is a disk that is not mounted.
        with storing(station.archive / MARKER):
            (station.archive / MARKER_FOLDER).mkdir(exist_ok=True)
            sync_folder(station.archive)
        publish_bytes(station.archive / MARKER, marker.to_json(), replace=replace)
    except FrameExistsError:
        # Another process, or another station, was first.
        with open_archive(station.archive, ids):
            return
