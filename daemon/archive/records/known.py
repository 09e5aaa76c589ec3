"""What the station knows of its archive: the frames in its database, and the digests that it keeps of records."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.records.bag import algorithms_of, tag_manifest_name
from filmscand.daemon.archive.records.events import Event, EventType, known_damage, read_events
from filmscand.daemon.archive.records.reopened import WasSealed
from filmscand.daemon.core.errors import RollFrozenError, TransientError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.database.archive_records import (
    REOPENED,
    ArchiveRecord,
    all_jobs,
    find_record,
    forget_record,
    jobs_of_roll,
    read_records,
    records_below,
    write_records,
)
from filmscand.daemon.database.connection import open_database, open_to_read, transaction
from filmscand.daemon.database.frames import Job, JobState, find_frame
from filmscand.daemon.database.keeping.audits import Audits, Damage, FrozenRoll, Part, find_frozen
from filmscand.daemon.station.marker import MARKER_FOLDER
from filmscand.daemon.station.sections.bag import DigestAlgorithm

EVENTS: Final = Path("metadata", "events.jsonl")
# Below the archive: events of rolls whose own file takes none, as those of a sealed roll, which belong to its bag.
FIXITY_LOG: Final = Path(MARKER_FOLDER, "fixity.jsonl")


@dataclass(frozen=True, slots=True)
class Known:
    """What one database says of the archive.

    Attributes
    ----------
    has_database : bool
        False: there is no database, or it cannot be read; only the archive itself tells.
    jobs : mapping
        Every frame that has a place in the archive; reserved ones have none yet.
    records : mapping
        Digests by path below the archive.
    """

    has_database: bool = False
    jobs: Mapping[FrameId, Job] = field(default_factory=dict)
    records: Mapping[str, ArchiveRecord] = field(default_factory=dict)

    def record(self, path: Path) -> ArchiveRecord | None:
        """Return the record of a path below the archive."""
        return self.records.get(path.as_posix())

    def sealing(self, roll: Path) -> ArchiveRecord | None:
        """Return the record of a roll's tag manifest, None where the roll is not known to be sealed."""
        return next((one for path in _tag_manifests(roll) if (one := self.record(path)) is not None), None)

    def rolls(self) -> set[Path]:
        """Return the folder, below the archive, of every roll that is known."""
        of_records = {Path(*Path(path).parts[:3]) for path in self.records}
        return {frame.roll_folder for frame in self.jobs} | of_records

    def of_roll(self, roll: Path) -> Known:
        """Return what is known of one roll."""
        jobs = {frame: job for frame, job in self.jobs.items() if frame.roll_folder == roll}
        start = f"{roll.as_posix()}/"
        return Known(
            self.has_database, jobs, {path: one for path, one in self.records.items() if path.startswith(start)}
        )


def read_known(database: Path) -> Known:
    """Read what a station's database says; without a database file, nothing is known.

    Raises
    ------
    sqlite3.Error, DatabaseTooNewError
        The database cannot be read.
    """
    if not database.exists():
        return Known()
    with closing(open_to_read(database)) as connection:
        jobs = {job.frame: job for job in all_jobs(connection) if job.state is not JobState.RESERVED}
        return Known(True, jobs, read_records(connection))


def known_of_frame(connection: sqlite3.Connection, frame: FrameId) -> Known:
    """Return what an open database says of one frame, and whether it remembers that the roll was sealed."""
    job = find_frame(connection, frame)
    paths = (frame.folder / f"{frame.stem}.json", *_tag_manifests(frame.roll_folder))
    found = (find_record(connection, path.as_posix()) for path in paths)
    jobs = {} if job is None or job.state is JobState.RESERVED else {frame: job}
    return Known(True, jobs, {record.path: record for record in found if record is not None})


def known_of_roll(connection: sqlite3.Connection, roll: Path) -> Known:
    """Return what an open database says of one roll, `collection/box/roll`."""
    jobs = {job.frame: job for job in jobs_of_roll(connection, *roll.parts) if job.state is not JobState.RESERVED}
    return Known(True, jobs, records_below(connection, roll.as_posix()))


def remember(database: Path, records: Iterable[ArchiveRecord]) -> None:
    """Keep records in an existing database; one of the same path gives way.

    Raises
    ------
    sqlite3.Error
        The database cannot be written.
    """
    with closing(open_database(database)) as connection:
        write_records(connection, records)


def recorded_sealing(database: Path, roll: Path) -> ArchiveRecord | None:
    """Return the record of one roll's tag manifest, without reading all that is known; see `Known.sealing`."""
    if not database.exists():
        return None
    with closing(open_to_read(database)) as connection:
        found = (find_record(connection, path.as_posix()) for path in _tag_manifests(roll))
        return next((one for one in found if one is not None), None)


@dataclass(frozen=True, slots=True)
class RollMemory:
    """What a station remembers of rolls, whatever their folders look like.

    Attributes
    ----------
    was_sealed : callable or None
        Tells of a roll's folder, relative to the archive, whether the roll was sealed.
    find_frozen : callable or None
        Returns what is known of the damage of a roll; None if none is known.
    """

    was_sealed: WasSealed | None = None
    find_frozen: Callable[[Path], FrozenRoll | None] | None = None

    def require_sound(self, root: Path, roll: Path) -> None:
        """Require that no damage of a roll is known.

        Raises
        ------
        RollFrozenError
            Files of the roll are damaged.
        """
        frozen = None if self.find_frozen is None else self.find_frozen(roll)
        if frozen is not None:
            raise RollFrozenError(f"{root / roll}: the roll is frozen: {frozen.reason}")


NOTHING_REMEMBERED: Final = RollMemory()


def memory_in(connection: sqlite3.Connection) -> RollMemory:
    """Return what an open database remembers of rolls."""
    return RollMemory(
        was_sealed=lambda roll: any(find_record(connection, path.as_posix()) for path in _tag_manifests(roll)),
        find_frozen=lambda roll: find_frozen(connection, roll),
    )


def damage_in(database: Path) -> RollMemory:
    """Return what a database remembers of damage; it is opened for each question."""

    def find(roll: Path) -> FrozenRoll | None:
        with closing(open_to_read(database)) as connection:
            return find_frozen(connection, roll)

    return RollMemory(find_frozen=find)


def frame_records(connection: sqlite3.Connection, root: Path, frame: FrameId) -> tuple[ArchiveRecord, ...]:
    """Return the records of a frame that was just cleaned: of its sidecar, and of its roll's events up to now.

    Events that no longer begin as was recorded keep their earlier record: what happened to them must show. A reopened
    roll has a third record, by which the service knows that the roll has to be sealed again.

    Raises
    ------
    OSError
        One of them cannot be read.
    """
    records = [record_of(root, frame.folder / f"{frame.stem}.json"), *reopening_records(root, frame.roll_folder)]
    events = frame.roll_folder / EVENTS
    earlier = find_record(connection, events.as_posix())
    if earlier is None or begins_as(read_plain(root / events), earlier):
        records.append(record_of(root, events))
    return tuple(records)


def reopening_records(root: Path, roll: Path) -> tuple[ArchiveRecord, ...]:
    """Return the record of the note in a reopened roll; none for another roll."""
    return (record_of(root, roll / REOPENED),) if (root / roll / REOPENED).is_file() else ()


def record_of(root: Path, path: Path) -> ArchiveRecord:
    """Return the record of a file as it is now."""
    content = read_plain(root / path)
    return ArchiveRecord(path.as_posix(), len(content), hashlib.sha256(content).hexdigest())


def begins_as(content: bytes, record: ArchiveRecord) -> bool:
    """Return whether a file that only grows still begins with what was recorded of it."""
    return len(content) >= record.size_bytes and (
        hashlib.sha256(content[: record.size_bytes]).hexdigest() == record.sha256
    )


def sealed_record(root: Path, roll: Path) -> ArchiveRecord:
    """Return the record that a roll is sealed: that of its strongest tag manifest.

    Raises
    ------
    OSError
        It has none, or it cannot be read.
    """
    algorithm = next(iter(algorithms_of(root / roll)), DigestAlgorithm.SHA512)
    return record_of(root, roll / tag_manifest_name(algorithm))


def remember_sealing(connection: sqlite3.Connection, root: Path, roll: Path) -> None:
    """Keep the record that a roll is sealed as it is now, and forget that it was reopened."""
    with transaction(connection):
        write_records(connection, [sealed_record(root, roll)])
        forget_record(connection, (roll / REOPENED).as_posix())


def restore_damage(connection: sqlite3.Connection, root: Path, rolls: Iterable[Path]) -> None:
    """Note the damage that the events of these rolls, and the archive's own, tell of: they are frozen as before."""
    audits = Audits(connection)
    events = [event for file in (*(roll / EVENTS for roll in rolls), FIXITY_LOG) for event in _events_in(root / file)]
    # An event of a roll goes into either file: the later one counts.
    for (roll, name), problems in known_damage(sorted(events, key=lambda event: event.at)).items():
        part = Part.of_roll(Path(roll)) if name == roll else Part.of(FrameId.from_name(name))
        audits.note(part, [Damage(one.path, one.kind, one.message) for one in problems])


def _events_in(file: Path) -> list[Event]:
    try:
        return [event for event in read_events(file) if event.type is EventType.FIXITY_CHECK]
    except TransientError:
        # Events that cannot be read are damage of their own, which the next audit finds.
        return []


def _tag_manifests(roll: Path) -> tuple[Path, ...]:
    return tuple(roll / tag_manifest_name(algorithm) for algorithm in DigestAlgorithm)
