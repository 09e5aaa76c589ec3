"""The settings of one import: those of a watch folder, for files that are finished and stay where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path, PurePosixPath

from filmscand.daemon.core.errors import ConfigError, FrameIdError
from filmscand.daemon.core.frame_id import MAX_NUMBER
from filmscand.daemon.station.configuration import SourcePolicy, Station, Watch


class Campaign(Watch):
    """The folder of one import. Nothing is waited for, and no file is touched."""

    pair_timeout_s: float = 0.0
    source_policy: SourcePolicy = SourcePolicy.LEAVE

    def roll_name(self, file: Path, day: date) -> str:
        """Return the name of the roll of a file; `{folder}` of a file directly in the folder is the folder's own name.

        See `Watch.roll_name`. An import that is continued on another day has to find the same roll again.
        """
        folder = "/".join(file.parent.parts) or self.path.name
        return self.roll.format(folder=folder, date=day.isoformat())


def require_apart(station: Station, folder: Path) -> None:
    """Refuse a folder that the service takes files from or writes to, or that holds such a folder.

    Raises
    ------
    ConfigError
        It overlaps with the archive, the database or a watch folder.
    """
    place = folder.resolve()
    taken = [("the archive", station.archive), ("the database", station.database)]
    taken += [("the watch folder", watch.path) for watch in station.watch]
    for name, path in taken:
        other = path.resolve()
        if place.is_relative_to(other) or other.is_relative_to(place):
            advice = "the service takes its files by itself" if name == "the watch folder" else "name another folder"
            raise ConfigError(f"{folder}: expected a folder outside of {name} {path}: {advice}")


def require_room_on_rolls(campaign: Campaign, pictures: Iterable[str], day: date) -> None:
    """Refuse a tree of which one roll would get more frames than it has numbers, before anything is imported.

    Parameters
    ----------
    pictures : iterable of str
        One file of each frame, as its path below the folder.

    Raises
    ------
    FrameIdError
        A roll would get too many.
    """
    counts = Counter(campaign.roll_name(Path(PurePosixPath(picture)), day) for picture in pictures)
    for name, count in counts.items():
        if count > MAX_NUMBER:
            raise FrameIdError(
                f"{campaign.path}: the roll {name!r} would get {count} frames, and a roll has {MAX_NUMBER} numbers. "
                "Sort the files into folders, or choose rolls by --roll '{folder}'"
            )
