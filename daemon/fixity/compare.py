"""Compares the archive with a second copy of it, file by file, and says by the records which side is right.

Only the records decide, never the number or the age of the copies. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.problem import ProblemKind
from filmscand.daemon.archive.records.known import read_known
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import rolls_of
from filmscand.daemon.core.errors import DaemonError, FrameMissingError
from filmscand.daemon.core.visible import visible
from filmscand.daemon.fixity.truth import Item, items_of
from filmscand.daemon.station.configuration import Station


class NoCopyError(DaemonError):
    """The folder is no second copy of the archive."""


class FileState(StrEnum):
    """What one side has of a file."""

    RECORDED = "as recorded"
    MISSING = "missing"
    CHANGED = "changed"
    UNREADABLE = "unreadable"
    EXTRA = "extra"
    OLDER = "older"


_STATES: Final = {
    ProblemKind.MISSING: FileState.MISSING,
    ProblemKind.UNREADABLE: FileState.UNREADABLE,
    ProblemKind.FOREIGN: FileState.EXTRA,
}


class Right(StrEnum):
    """Which side is right by the records."""

    ARCHIVE = "archive"
    COPY = "copy"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that at least one side does not have as it was recorded.

    Attributes
    ----------
    path : str
        Below the top of the archive.
    archive, copy : FileState
        What each side has. `extra`: no record names the file. `older`: a record that was written anew since, or has
        grown.
    right : Right
        The side that is as the records tell; an extra file is right where it is missing.
    """

    path: str
    archive: FileState
    copy: FileState
    right: Right

    def __str__(self) -> str:
        sides = f"archive {self.archive}, copy {self.copy}"
        right = "neither side is right" if self.right is Right.NEITHER else f"the {self.right} is right"
        return f"{visible(self.path)}: {sides}: {right}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of a comparison.

    Attributes
    ----------
    rolls : tuple of Path
        The rolls that were compared.
    compared : int
        Number of files.
    found : tuple of (Item, Difference)
        The files that differ from their records on at least one side.
    """

    rolls: tuple[Path, ...]
    compared: int
    found: tuple[tuple[Item, Difference], ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The differences alone."""
        return tuple(difference for _, difference in self.found)

    @property
    def damage(self) -> tuple[tuple[Item, Difference], ...]:
        """The files that the archive does not have as they were recorded."""
        return tuple(one for one in self.found if one[1].right is not Right.ARCHIVE)

    @property
    def repairable(self) -> tuple[tuple[Item, Difference], ...]:
        """Those of them that the copy has as they were recorded."""
        return tuple(one for one in self.found if one[1].right is Right.COPY)

    @property
    def copy_is_damaged(self) -> bool:
        """Whether a file of the copy was changed or cannot be read; one that is missing or older may come later."""
        return any(one.copy in (FileState.CHANGED, FileState.UNREADABLE) for one in self.differences)


def compare(station: Station, copy: Path, rolls: Sequence[str] = ()) -> Comparison:
    """Compare rolls of a station's archive with another copy; none named: all rolls of the archive and of the database.

    Raises
    ------
    NoCopyError
        The folder holds none of these rolls, or is the archive itself.
    FrameMissingError
        Nothing knows a roll that was named.
    """
    archive = station.archive
    _require_copy(archive, copy)
    known = read_known(station.database)
    selected = {Path(roll.strip("/")) for roll in rolls}
    there = rolls_of(Archive(copy))
    present = known.rolls() | rolls_of(Archive(archive))
    if absent := selected - present - there:
        raise FrameMissingError(f"{archive}: expected frames in {', '.join(sorted(map(str, absent)))}, found none")
    chosen = tuple(sorted(selected or present))
    if not there.intersection(chosen):
        raise NoCopyError(f"{copy}: expected a copy of the archive {archive}, found none of its rolls")
    compared, found = 0, []
    for roll in chosen:
        for item in items_of((archive, copy), roll, known.of_roll(roll)):
            compared += 1
            difference = _difference(archive, copy, item)
            if difference is not None:
                found.append((item, difference))
    return Comparison(chosen, compared, tuple(found))


def _require_copy(archive: Path, copy: Path) -> None:
    if not copy.is_dir():
        raise NoCopyError(f"{copy}: expected the top folder of a copy of the archive, found no folder")
    if archive.is_dir() and copy.samefile(archive):
        raise NoCopyError(f"{copy}: expected a copy of the archive, found the archive itself")


def _difference(archive: Path, copy: Path, item: Item) -> Difference | None:
    here, there = _state(archive, item), _state(copy, item)
    if item.check is None:
        good = FileState.MISSING
    else:
        good = FileState.RECORDED
        if here is good and there is FileState.CHANGED and item.is_record:
            there = FileState.OLDER
    if here is good and there is good:
        return None
    right = Right.ARCHIVE if here is good else Right.COPY if there is good else Right.NEITHER
    return Difference(item.path.as_posix(), here, there, right)


def _state(top: Path, item: Item) -> FileState:
    problem = item.problem(top)
    if problem is None:
        return FileState.MISSING if item.check is None else FileState.RECORDED
    return _STATES.get(problem.kind, FileState.CHANGED)
