"""Notes what was found when a part of the archive was read: in the database, in the roll's events and in the log.

The events of a sealed roll belong to its bag, which must stay as it is, and events that are damaged themselves are not
written to. What concerns such rolls goes to a file of the archive's own.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import make_folders
from filmscand.daemon.archive.files.problem import Problem
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType, FoundProblem, append_events
from filmscand.daemon.archive.records.known import EVENTS, FIXITY_LOG
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import Verification
from filmscand.daemon.core.errors import FrameIdError, RollSealedError, TransientError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.visible import visible
from filmscand.daemon.database.connection import open_to_read, reopen_database, transaction
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part, find_frozen, frozen_rolls
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.marker import MARKER_FOLDER

log = logging.getLogger(__name__)


def damage_among(problems: Iterable[Problem], roll: Path) -> tuple[Damage, ...]:
    """Return those of the problems of a roll's folder that are damage, as they are noted."""
    return tuple(_damage(problem, roll) for problem in problems if problem.is_damage)


class Findings:
    """Notes what is found in an archive.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection to the station's database, of the calling thread.
    archive : Archive
        The archive.
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(
        self, connection: sqlite3.Connection, archive: Archive, clock: Callable[[], float] = time.time
    ) -> None:
        self._connection = connection
        self._archive = archive
        self._audits = Audits(connection, clock)

    def note(self, part: Part, damage: Sequence[Damage], size_bytes: int | None = None) -> None:
        """Note that a part was read just now, and what is damaged; the events and the log hear of what is new."""
        before = self._audits.damage_of(part)
        if set(before) != set(damage):
            self.tell(part, _check_event(part, damage))
            if damage:
                told = "; ".join(f"{one.path}: {one.message}" for one in damage)
                log.error("%s is damaged, its roll is frozen: %s", _name(part), told)
            else:
                log.warning("%s is as it was recorded again", _name(part))
        self._audits.note(part, damage, size_bytes)

    def parts_of(self, roll: Path) -> tuple[Part, ...]:
        """Return the parts of a roll, `collection/box/roll`, among them what it has besides its frames."""
        return tuple(sorted({*self._audits.parts_of(roll), Part.of_roll(roll)}))

    def tell(self, part: Part, event: Event) -> None:
        """Append an event to those of its roll, or to the archive's own; a disk that refuses is told in the log."""
        frame = FrameId(part.collection, part.box, part.roll, part.number or 1)
        try:
            with self._archive.writing():
                if self._takes_events(frame):
                    with suppress(RollSealedError):
                        self._archive.append_events(frame, [event])
                        return
                make_folders(self._archive.root / MARKER_FOLDER)
                append_events(self._archive.root / FIXITY_LOG, [event])
        except TransientError as error:
            log.error("the event `%s` of %s is not written: %s", event.type, _name(part), error)

    def _takes_events(self, frame: FrameId) -> bool:
        roll = frame.roll_folder
        frozen = find_frozen(self._connection, roll)
        is_damaged = frozen is not None and any(one.path == EVENTS.as_posix() for one in frozen.damage)
        # A reopened roll is sealed too: it may be sealed again at this moment.
        is_sealed = self._archive.is_sealed(frame)
        return not is_damaged and not is_sealed and (self._archive.root / roll / EVENTS).is_file()


def note_verification(station: Station, report: Verification) -> None:
    """Note the result of a verification: rolls that are sound are frozen no longer, damaged ones are from now on.

    Raises
    ------
    sqlite3.Error
        The database cannot be written.
    """
    with closing(reopen_database(station.database)) as connection:
        archive = bound_archive(station, connection)
        findings = Findings(connection, archive)
        for roll in map(Path, report.rolls):
            # One transaction for a roll: each ends with a sync of the disk, and a roll may have thousands of frames.
            with transaction(connection):
                _note_roll(findings, archive.root, roll, report.problems)


def freezes_or_thaws(station: Station, report: Verification) -> bool:
    """Return whether noting a verification changes which rolls are frozen; otherwise only times are noted."""
    with closing(open_to_read(station.database)) as connection:
        frozen = {roll.name for roll in frozen_rolls(connection)}
    return report.damaged or not frozen.isdisjoint(report.rolls)


def _note_roll(findings: Findings, root: Path, roll: Path, problems: Iterable[Problem]) -> None:
    by_part: dict[Part, list[Problem]] = {part: [] for part in findings.parts_of(roll)}
    for problem in problems:
        if problem.path.is_relative_to(root / roll):
            by_part.setdefault(part_of(problem.path.relative_to(root)), []).append(problem)
    for part, found in by_part.items():
        findings.note(part, damage_among(found, root / roll))


def part_of(path: Path) -> Part:
    """Return the part that a path below the archive, in the folder of a roll, belongs to."""
    try:
        return Part.of(FrameId.from_folder(Path(*path.parts[:5])))
    except FrameIdError:
        return Part.of_roll(Path(*path.parts[:3]))


def _check_event(part: Part, damage: Sequence[Damage]) -> Event:
    problems = tuple(FoundProblem(path=one.path, kind=one.kind, message=one.message) for one in damage)
    outcome = f"files that are not as recorded: {len(problems)}" if problems else "success"
    frame = part.frame
    about = part.roll if frame is None else frame.stem
    detail = EventDetail(roll=part.roll_folder.as_posix(), problems=problems)
    return Event(type=EventType.FIXITY_CHECK, frame=_name(part), about=about, outcome=outcome, detail=detail)


def _name(part: Part) -> str:
    return part.roll_folder.as_posix() if part.frame is None else str(part.frame)


def _damage(problem: Problem, folder: Path) -> Damage:
    path = problem.path.relative_to(folder).as_posix() if problem.path != folder else "its folder"
    return Damage(visible(path), str(problem.kind), visible(problem.message))
