"""The marker `.filmscand/archive.json` at the top of an archive: which archive this is, and which station writes to it.

The station's database holds the same two ids. An archive without its marker is not there (its disk is not mounted); one
with another marker belongs to another station, or this station has lost its database.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from filmscand.daemon.core.errors import ArchiveMissingError, ForeignArchiveError, storing
from filmscand.daemon.core.request import Record

MARKER_FOLDER: Final = ".filmscand"
MARKER: Final = f"{MARKER_FOLDER}/archive.json"
SCHEMA_VERSION: Final = 1
# A marker has some 300 bytes. Whatever is longer is none, and is not read into memory.
_MOST_BYTES: Final = 1 << 16
# Folders that a file system or a file server puts on an empty disk.
_OF_THE_DISK: Final = frozenset({"lost+found", "system volume information", "$recycle.bin", "#recycle", "#snapshot"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The ids that bind an archive and the database of its station to each other; each is a UUID."""

    archive_id: str
    station_id: str

    @classmethod
    def new(cls, archive_id: str | None = None) -> Identity:
        """Return a new station id, for an archive that is there already or for a new one."""
        return cls(archive_id or str(uuid.uuid4()), str(uuid.uuid4()))


class Marker(Record):
    """The content of the marker file.

    Attributes
    ----------
    archive_id, station_id : str
        The ids that the database holds too.
    station : str
        Host and folder of the station, for people.
    made_at : str
        Time at which this station made the archive or took it over, UTC, ISO 8601.
    """

    schema_version: int = SCHEMA_VERSION
    archive_id: str
    station_id: str
    station: str = "unknown"
    made_at: str

    @property
    def identity(self) -> Identity:
        """The two ids."""
        return Identity(self.archive_id, self.station_id)

    def to_json(self) -> bytes:
        """Return the bytes of the file: sorted keys, two spaces, UTF-8, a newline at the end."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()


def read_marker(descriptor: int, root: Path) -> Marker | None:
    """Return the marker in the open folder `root`, None where there is none.

    Raises
    ------
    ArchiveMissingError
        The file is no marker, or a newer filmscand wrote it.
    ArchiveUnwritableError
        The disk does not answer.
    """
    path = root / MARKER
    with storing(path, "read"):
        try:
            content = _read_below(descriptor, *MARKER.split("/"))
        except FileNotFoundError:
            return None
    try:
        marker = Marker.model_validate_json(content)
    except ValidationError:
        raise ArchiveMissingError(
            f"{path}: expected the marker of an archive, found something else. "
            "If this is the station's archive, run `filmscand archive adopt`."
        ) from None
    if marker.schema_version > SCHEMA_VERSION:
        raise ArchiveMissingError(
            f"{path}: expected a marker of schema {SCHEMA_VERSION} or older, found schema {marker.schema_version} of a "
            "newer filmscand. Update filmscand on this machine; nothing was changed."
        )
    return marker


def _read_below(descriptor: int, folder: str, name: str) -> bytes:
    """Read a file in a folder below an open one; neither may be a link."""
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        return os.read(file, _MOST_BYTES)
    finally:
        os.close(file)


@contextmanager
def open_archive(root: Path, identity: Identity | None) -> Iterator[int]:
    """Open the top folder of an archive and yield its descriptor, once its marker has the ids that are expected.

    Parameters
    ----------
    root : Path
        Top folder of the archive; it may be a link.
    identity : Identity or None
        The ids; None expects no marker.

    Raises
    ------
    ArchiveMissingError
        The folder is missing or has no marker.
    ForeignArchiveError
        The marker has other ids.
    """
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise missing(root, "the folder is missing") from error
    except OSError as error:
        raise ArchiveMissingError(f"{root}: cannot open the archive: {error.strerror or error}") from error
    try:
        if identity is not None:
            require_identity(read_marker(descriptor, root), identity, root)
        yield descriptor
    finally:
        os.close(descriptor)


def require_identity(marker: Marker | None, identity: Identity, root: Path) -> None:
    """Require the marker with these ids; see `open_archive`."""
    if marker is None:
        raise missing(root, f"{MARKER} is missing")
    if marker.identity != identity:
        raise foreign(root, marker)


def missing(root: Path, found: str) -> ArchiveMissingError:
    """Return the error for an archive that is not at its place."""
    return ArchiveMissingError(
        f"{root}: expected the station's archive, but {found}. Mount its disk. "
        "If the archive was moved or restored to this folder, run `filmscand archive adopt`."
    )


def foreign(root: Path, marker: Marker) -> ForeignArchiveError:
    """Return the error for an archive of another station."""
    return ForeignArchiveError(
        f"{root}: the archive belongs to another station, {marker.station} (since {marker.made_at}). Two stations must "
        "not share an archive: choose another folder for this one (key `archive`). If that station is gone and this "
        "one shall take the archive over, stop both and run `filmscand archive adopt`."
    )


def is_new_disk(descriptor: int) -> bool:
    """Return whether an open folder holds no folders but those that a file system or a file server makes.

    A loose file at the top harms no archive, and does not make the folder somebody else's.
    """
    with os.scandir(descriptor) as entries:
        folders = [entry.name for entry in entries if not entry.is_file(follow_symlinks=False)]
    return all(name.startswith((".", "@")) or name.lower() in _OF_THE_DISK for name in folders)
