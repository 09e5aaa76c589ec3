"""What lies already where the archive shall lie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveMissingError
from filmscand.daemon.maintenance.identity import FolderInUseError, holds_frames, identity_problem, marker_of
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import Marker


class ArchiveState(StrEnum):
    """What is in the folder of the archive."""

    NEW = "new"
    OURS = "ours"
    # An archive that the station's database does not know: of another station, restored, moved, or left by a removal.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FoundArchive:
    """What was found where the archive shall lie.

    Attributes
    ----------
    folder : Path
        Folder of the archive.
    state : ArchiveState
        What is in it.
    frames : int
        Number of its frames.
    station, since : str or None
        The station that its marker names, and since when.
    """

    folder: Path
    state: ArchiveState
    frames: int = 0
    station: str | None = None
    since: str | None = None

    def __str__(self) -> str:
        if self.state is ArchiveState.NEW:
            return f"{self.folder}: nothing is there yet"
        if self.state is ArchiveState.OURS:
            return f"{self.folder}: this station's archive, {self.frames} frames"
        of = "" if self.station is None else f", of the station {self.station} since {(self.since or '')[:10]}"
        return f"{self.folder}: an archive already, {self.frames} frames{of}"


def look_at_archive(station: Station) -> FoundArchive:
    """Return what lies where the archive of a station shall lie; nothing is changed.

    Raises
    ------
    FolderInUseError
        Other folders lie there.
    ArchiveMissingError
        The station's database knows an archive, and it is not there: its disk is not mounted, say.
    """
    problem = identity_problem(station)
    if isinstance(problem, FolderInUseError):
        raise FolderInUseError(f"{station.archive}: expected an empty folder or an archive, found other folders")
    marker = _sound_marker(station.archive)
    is_archive = marker is not None or holds_frames(station.archive)
    if problem is not None and not is_archive:
        raise problem
    if not is_archive:
        return FoundArchive(station.archive, ArchiveState.NEW)
    state = ArchiveState.OURS if problem is None and marker is not None else ArchiveState.UNKNOWN
    frames = sum(1 for _ in Archive(station.archive).frames())
    if marker is None:
        return FoundArchive(station.archive, state, frames)
    return FoundArchive(station.archive, state, frames, marker.station, marker.made_at)


def _sound_marker(folder: Path) -> Marker | None:
    try:
        return marker_of(folder)
    except ArchiveMissingError:
        # Adopting an archive replaces a damaged marker.
        return None
