"""Brings files of the archive back from a second copy; the damaged ones are moved aside, and nothing is lost.

The copy is only read. A file that is as it was recorded is never touched: both sides are read once more, a moment
before anything is moved.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from filmscand.daemon.archive.files.atomic_file import DERIVATIVE_MODE, make_folders, publish
from filmscand.daemon.archive.files.atomic_file import copy as copy_bytes
from filmscand.daemon.archive.frames.frame_folder import ORIGINAL_SUFFIXES
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType
from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.archive.records.verify_bag import is_folder
from filmscand.daemon.archive.tree import MASTER_MODE, Archive
from filmscand.daemon.core.errors import IntegrityError, reading_source, storing
from filmscand.daemon.core.plain_file import open_plain
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part
from filmscand.daemon.fixity.compare import Comparison
from filmscand.daemon.fixity.findings import Findings, part_of
from filmscand.daemon.fixity.truth import Item
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.folders import opened, sync_descriptor
from filmscand.daemon.station.marker import MARKER_FOLDER

# Outside of every roll, and so of every bag; on the disk of the archive, so that a file is moved and not copied.
ASIDE: Final = Path(MARKER_FOLDER, "damaged")
_ORIGINAL: Final = re.compile(rf".+_[0-9]{{4}}_({'|'.join(ORIGINAL_SUFFIXES.values())})(_replaced[0-9]+)?\.[^.]+")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A file that was put right.

    Attributes
    ----------
    path : str
        Below the top of the archive.
    moved_to : str or None
        Where the damaged or extra file is now, below the top of the archive; None: there was none.
    copied_from : str or None
        The file of the copy that took its place; None: an extra file was only moved away.
    """

    path: str
    moved_to: str | None
    copied_from: str | None

    def __str__(self) -> str:
        deeds = [f"brought back from {self.copied_from}"] if self.copied_from is not None else []
        deeds += [f"the file that lay there is now {self.moved_to}"] if self.moved_to is not None else []
        return f"{self.path}: {'; '.join(deeds)}"


def note_damage(station: Station, comparison: Comparison) -> None:
    """Note what a comparison found damaged in the archive; the rolls are frozen from now on.

    Raises
    ------
    sqlite3.Error
        The database cannot be written.
    """
    with closing(connect_station(station)) as connection:
        _note(connection, bound_archive(station, connection), comparison)


def repair(station: Station, copy: Path, comparison: Comparison) -> tuple[Repaired, ...]:
    """Bring back every file that the copy has as it was recorded and the archive has not.

    A roll is frozen before its first file is touched, so that nobody else writes to it; verifying it afterwards ends
    that. Killed at any moment, it can be run again.

    Raises
    ------
    IntegrityError
        A file was read differently from the copy than a moment before; it is not in the archive.
    SourceUnreadableError
        The copy cannot be read.
    StorageFullError, ArchiveUnwritableError
        The archive cannot be written.
    """
    with closing(connect_station(station)) as connection:
        archive = bound_archive(station, connection)
        _note(connection, archive, comparison)
        aside = ASIDE / utc_now().strftime("%Y%m%dT%H%M%S")
        work = _Repair(archive, connection, copy, aside)
        done = (work.put_right(item) for item, _ in comparison.repairable)
        return tuple(one for one in done if one is not None)


class _Repair:
    """Puts one file after another right."""

    def __init__(self, archive: Archive, connection: sqlite3.Connection, copy: Path, aside: Path) -> None:
        self._archive = archive
        self._findings = Findings(connection, archive)
        self._copy = copy
        self._aside = aside

    def put_right(self, item: Item) -> Repaired | None:
        """Put a file right, if it is still wrong here and right in the copy."""
        root, source = self._archive.root, self._copy / item.path
        if item.problem(root) is None or item.problem(self._copy) is not None:
            return None
        with self._archive.writing():
            moved = self._move_aside(_in_the_way(root, item.path))
            if item.check is not None:
                make_folders((root / item.path).parent)
                mode = MASTER_MODE if _ORIGINAL.fullmatch(item.path.name) else DERIVATIVE_MODE
                with reading_source(source), open_plain(source) as file:
                    publish(root / item.path, lambda out: copy_bytes(cast(BinaryIO, file), out), mode=mode)
                problem = item.problem(root)
                if problem is not None:
                    self._move_aside(item.path)
                    raise IntegrityError(f"{source}: read differently than a moment before: {problem.message}")
        copied = None if item.check is None else str(source)
        moved_to = None if moved is None else moved.as_posix()
        self._tell(item.path, moved_to, copied)
        return Repaired(item.path.as_posix(), moved_to, copied)

    def _move_aside(self, path: Path) -> Path | None:
        """Move whatever lies at a path aside; return its new path below the archive, None if nothing lies there."""
        root = self._archive.root
        if not os.path.lexists(root / path):
            return None
        places = (self._aside / (str(number) if number else "") / path for number in range(1000))
        target = next(place for place in places if not os.path.lexists(root / place))
        make_folders((root / target).parent)
        with storing(root / path, "move"), opened((root / path).parent) as above, opened((root / target).parent) as new:
            os.rename(path.name, target.name, src_dir_fd=above, dst_dir_fd=new)
            sync_descriptor(new)
            sync_descriptor(above)
        return target

    def _tell(self, path: Path, moved_to: str | None, copied_from: str | None) -> None:
        part = part_of(path)
        detail = (
            EventDetail(moved_to=moved_to)
            if copied_from is None
            else EventDetail(moved_to=moved_to, copied_from=copied_from)
        )
        name = part.roll_folder.as_posix() if part.frame is None else str(part.frame)
        event = Event(type=EventType.RECOVERY, frame=name, about=path.name, detail=detail)
        self._findings.tell(part, event)


def _note(connection: sqlite3.Connection, archive: Archive, comparison: Comparison) -> None:
    damage: dict[Part, list[Damage]] = {}
    for item, difference in comparison.damage:
        part = part_of(item.path)
        message = f"expected the file as it was recorded, found it {difference.archive}"
        path = item.path.relative_to(part.roll_folder).as_posix()
        damage.setdefault(part, []).append(Damage(path, str(difference.archive), message))
    for part, found in damage.items():
        # What an audit found is told in more detail.
        if not Audits(connection).damage_of(part):
            Findings(connection, archive).note(part, found)


def _in_the_way(root: Path, path: Path) -> Path:
    """Return the path itself, or the topmost of its folders in whose place something else lies."""
    folders = reversed(path.parents[:-1])
    return next((one for one in folders if os.path.lexists(root / one) and not is_folder(root / one)), path)


def rolls_to_verify(comparison: Comparison, repaired: Iterable[Repaired]) -> tuple[str, ...]:
    """Return the rolls that have to be verified after a repair: those with damage, and those that were touched."""
    rolls = {item.path.parents[-4] for item, _ in comparison.damage} | {Path(one.path).parents[-4] for one in repaired}
    return tuple(sorted(roll.as_posix() for roll in rolls))
