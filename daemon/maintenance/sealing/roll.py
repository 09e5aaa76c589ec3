"""A roll that is to be sealed, what sealing tells of it, and why it may be refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.frames.frame_folder import frames_of
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, FrameIdError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.maintenance.identity import archive_of
from filmscand.daemon.station.configuration import Station


class RollUnfinishedError(DaemonError):
    """A frame of the roll is not finished, or a session scans into the roll."""


class LabelError(DaemonError, ValueError):
    """A label that `bag-info.txt` cannot take."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A roll that was sealed.

    Attributes
    ----------
    frames, files, size_bytes : int
        Its frames, and number and size of the files of its payload.
    generation : int
        1 where it was sealed for the first time, and one more each time that revisions were added.
    """

    roll: str
    folder: Path
    frames: int
    files: int
    size_bytes: int
    generation: int = 1


@dataclass(frozen=True, slots=True)
class RollToSeal:
    """A roll of a station, and where it lies."""

    station: Station
    archive: Archive
    place: Roll

    @property
    def name(self) -> str:
        """`collection/box/roll`."""
        return f"{self.place.collection}/{self.place.box}/{self.place.roll}"

    @property
    def first(self) -> FrameId:
        """A frame that names the roll, whether it exists or not."""
        return FrameId(self.place.collection, self.place.box, self.place.roll, 1)

    @property
    def folder(self) -> Path:
        """The folder of the roll."""
        return self.archive.root / self.first.roll_folder

    def frames(self) -> list[FrameId]:
        """Return every frame that has a folder in the roll, sorted."""
        return list(frames_of(self.archive.root, self.folder))


def roll_to_seal(station: Station, name: str) -> RollToSeal:
    """Return the roll `collection/box/roll` of a station.

    Raises
    ------
    FrameIdError
        The name has other parts.
    DaemonError
        Database and archive do not know each other.
    """
    parts = name.strip("/").split("/")
    if len(parts) != 3:
        raise FrameIdError(f"expected COLLECTION/BOX/ROLL, found {name}")
    return RollToSeal(station, archive_of(station), Roll(*parts))


def sealing_event(roll: RollToSeal, files: int, generation: int) -> Event:
    """Return the event that a roll of so many files was sealed."""
    detail = EventDetail(files=files, generation=generation)
    return Event(type=EventType.SEALING, frame=roll.name, about=bag.DECLARATION, detail=detail)
