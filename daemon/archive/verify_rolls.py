"""Verifies rolls, or the whole archive: everything that anything knows of is read, and compared with all its records.

What is known comes from the station's database, the bags of sealed rolls, the events and the record of each roll, and
the folders of the frames. What only one of them still knows is named as missing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.frames.verify_frame import FrameEvidence, folder_problem, verify_frame
from filmscand.daemon.archive.records.bag import DECLARATION, tag_manifest_name
from filmscand.daemon.archive.records.events import (
    Event,
    EventType,
    known_losses,
    read_events,
    sidecar_digests,
    verify_events,
)
from filmscand.daemon.archive.records.known import (
    EVENTS,
    Known,
    read_known,
    record_of,
    remember,
    reopening_records,
    sealed_record,
)
from filmscand.daemon.archive.records.roll_record import verify_roll_record
from filmscand.daemon.archive.records.verify_bag import verify_bag, verify_declaration
from filmscand.daemon.archive.records.verify_reopened import named_before, verify_reopened
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, FrameIdError, FrameMissingError, TransientError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.archive_records import REOPENED, ArchiveRecord
from filmscand.daemon.station.bag import DigestAlgorithm

# A frame of which such an event tells has a folder for ever; one that was only stored may have been given up.
_LASTING: Final = frozenset({EventType.CREATION, EventType.METADATA})


@dataclass(frozen=True, slots=True)
class KnownLoss:
    """A frame that is gone, which a person noted (`filmscand archive accept-loss`).

    Attributes
    ----------
    frame : str
        The frame.
    at : str
        When it was noted, UTC, ISO 8601.
    reason : str
        Why it is gone, in that person's words.
    """

    frame: str
    at: str
    reason: str

    def __str__(self) -> str:
        return f"{self.frame}: lost, known since {self.at[:10]}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    verified : int
        Number of frames whose files were compared.
    incomplete : tuple of str
        Frames without a sidecar, which are not cleaned yet.
    problems : tuple of Problem
        Files that differ from their records.
    first_seen : tuple of str
        Records, by their path below the archive, of which no digest was kept: an earlier version wrote them. They are
        accepted, and kept from now on where there is a database.
    is_new : bool
        Whether there was nothing to verify because the station is new: its database has no frame, nor has the archive.
    known_losses : tuple of KnownLoss
        Frames that are gone, and are no problem because a person accepted the loss.
    """

    verified: int
    incomplete: tuple[str, ...]
    problems: tuple[Problem, ...]
    first_seen: tuple[str, ...] = ()
    is_new: bool = False
    known_losses: tuple[KnownLoss, ...] = ()

    @property
    def damaged(self) -> bool:
        """Whether any archived file is lost, unreadable or changed, or a foreign file lies beside it."""
        return any(problem.is_damage for problem in self.problems)

    @property
    def found_nothing(self) -> bool:
        """Whether not one frame was verified, though the station is not new and not every frame is a known loss."""
        return self.verified == 0 and not self.is_new and not self.known_losses


@dataclass(frozen=True, slots=True)
class _Roll:
    verified: int
    incomplete: tuple[str, ...]
    problems: tuple[Problem, ...]
    unrecorded: tuple[ArchiveRecord, ...] = ()
    losses: tuple[KnownLoss, ...] = ()


def verify_rolls(archive: Archive, rolls: tuple[str, ...] = (), database: Path | None = None) -> Verification:
    """Verify rolls: open rolls by the sidecars of their frames, sealed rolls by the manifests of their bags.

    Parameters
    ----------
    archive : Archive
        The archive.
    rolls : tuple of str
        Rolls as `collection/box/roll`; none: all rolls.
    database : Path, optional
        The station's database. Records that it has no digest of yet are kept in it.

    Raises
    ------
    FrameMissingError
        Nothing knows a roll that was named.
    """
    known, problems = _known(database)
    selected = {Path(roll.strip("/")) for roll in rolls}
    present = known.rolls() | _rolls_of(archive)
    if absent := selected - present:
        names = ", ".join(sorted(map(str, absent)))
        raise FrameMissingError(f"{archive.root}: expected frames in {names}, found none")
    done = [_verify_settled(archive, roll, known, database) for roll in sorted(selected or present)]
    problems += [problem for roll in done for problem in roll.problems]
    unrecorded = [record for roll in done for record in roll.unrecorded]
    if known.has_database and database is not None:
        problems += _keep(database, unrecorded)
    return Verification(
        verified=sum(roll.verified for roll in done),
        incomplete=tuple(name for roll in done for name in roll.incomplete),
        problems=tuple(problems),
        first_seen=tuple(record.path for record in unrecorded),
        is_new=known.has_database and not present,
        known_losses=tuple(loss for roll in done for loss in roll.losses),
    )


def unrecorded_of(
    archive: Archive, roll: Path, frames: Iterable[FrameId]
) -> tuple[tuple[ArchiveRecord, ...], tuple[Problem, ...]]:
    """Return what a new database is to keep of a roll, and what is wrong with its records; no large file is read.

    A record that differs from what the roll's own events tell is not among them: it goes on being a problem.

    Parameters
    ----------
    frames : iterable of FrameId
        Frames of the roll whose sidecar can be read, or that have none.
    """
    records: list[ArchiveRecord] = []
    problems: list[Problem] = []
    events = _events_of(archive.root / roll)
    for frame in frames:
        path = frame.folder / f"{frame.stem}.json"
        written = sidecar_digests(events, frame)
        try:
            record = record_of(archive.root, path)
        except OSError:
            if written:
                message = "expected the sidecar that the roll's events tell of, found none"
                problems.append(Problem(archive.root / path, ProblemKind.MISSING, message))
            continue
        if FrameEvidence(written=written).accepts(record.sha256):
            records.append(record)
        else:
            message = "expected the sidecar that the roll's events tell of, found another one"
            problems.append(Problem(archive.root / path, ProblemKind.CHANGED, message))
    if _is_sealed(archive.root / roll, Known(), roll, events):
        records += [*_sealed(archive.root, roll), *reopening_records(archive.root, roll)]
        problems += verify_declaration(archive.root / roll)
    return tuple(records), tuple(problems)


def _known(database: Path | None) -> tuple[Known, list[Problem]]:
    """Return what the database knows. One that cannot be read is a problem; the archive is verified all the same."""
    if database is None:
        return Known(), []
    try:
        return read_known(database), []
    except (sqlite3.Error, DaemonError) as error:
        return Known(), [Problem(database, ProblemKind.UNREADABLE, f"cannot read the station's database: {error}")]


def _keep(database: Path, records: list[ArchiveRecord]) -> list[Problem]:
    try:
        remember(database, records)
    except (sqlite3.Error, DaemonError) as error:
        message = f"cannot keep the digests of {len(records)} records that were seen for the first time: {error}"
        return [Problem(database, ProblemKind.UNLISTED, message)] if records else []
    return []


def _rolls_of(archive: Archive) -> set[Path]:
    """Return every roll that has a folder, below the archive."""
    found = set()
    for folder in archive.root.glob("*/*/*"):
        roll = folder.relative_to(archive.root)
        try:
            collection, box, name = roll.parts
            FrameId(collection, box, name, 1)
        except FrameIdError:
            continue
        if any(os.path.lexists(folder / name) for name in ("data", "metadata", DECLARATION)):
            found.add(roll)
    return found


def _verify_settled(archive: Archive, roll: Path, known: Known, database: Path | None) -> _Roll:
    """Verify a roll; once more where the service worked on it meanwhile, so that half a change is no problem."""
    for _ in range(2):
        before = known.of_roll(roll)
        done = _verify_roll(archive, roll, before)
        if not done.problems or database is None:
            break
        known, unreadable = _known(database)
        if unreadable or known.of_roll(roll) == before:
            break
    return done


def _verify_roll(archive: Archive, roll: Path, known: Known) -> _Roll:
    folder = archive.root / roll
    wrong = folder_problem(folder, "the roll's folder")
    if wrong is not None:
        count = f" with {len(known.jobs)} frames" if known.jobs else ""
        return _Roll(0, (), (replace(wrong, message=f"{wrong.message}; it is the folder of a roll{count}"),))
    events = _events_of(folder)
    on_disk = {frame for frame in archive.frames() if frame.roll_folder == roll}
    frames = sorted(on_disk | known.jobs.keys() | _of_records(known) | _of_events(events, roll))
    lost = _known_losses(archive, frames, events)
    frames = [frame for frame in frames if frame not in lost]
    if not _is_sealed(folder, known, roll, events):
        verify = _verify_open
    else:
        verify = _verify_reopened if os.path.lexists(folder / REOPENED) else _verify_sealed
    return replace(verify(archive, roll, known, (frames, events)), losses=tuple(lost.values()))


def _known_losses(archive: Archive, frames: Iterable[FrameId], events: tuple[Event, ...]) -> dict[FrameId, KnownLoss]:
    """Return the frames that are gone and that a person noted as lost."""
    noted = known_losses(events)
    return {
        frame: KnownLoss(str(frame), event.at.isoformat(), event.detail.reason or "")
        for frame in frames
        if (event := noted.get(str(frame))) is not None and not os.path.lexists(archive.frame_folder(frame).path)
    }


def _verify_open(archive: Archive, roll: Path, known: Known, found: tuple[list[FrameId], tuple[Event, ...]]) -> _Roll:
    folder = archive.root / roll
    frames, events = found
    checks = {frame: verify_frame(archive.frame_folder(frame), _evidence(known, frame, events)) for frame in frames}
    complete = [frame for frame, check in checks.items() if check.is_complete]
    problems = [problem for check in checks.values() for problem in check.problems]
    problems += _strangers(folder / "data", {frame.stem for frame in frames})
    problems += [_unknown(archive, frame) for frame in complete if known.jobs and frame not in known.jobs]
    must = complete or known.jobs
    problems += verify_roll_record(folder / "metadata", roll) if must else ()
    problems += verify_events(folder / EVENTS, known.record(roll / EVENTS), complete) if must else ()
    incomplete = tuple(str(frame) for frame, check in checks.items() if not check.is_complete and not check.problems)
    return _Roll(
        len(complete), incomplete, tuple(problems), tuple(_unrecorded(archive, roll, known, complete, problems))
    )


def _verify_reopened(
    archive: Archive, roll: Path, known: Known, found: tuple[list[FrameId], tuple[Event, ...]]
) -> _Roll:
    """Verify a sealed roll whose frames get revisions: as an open one, and what its last generation has."""
    folder = archive.root / roll
    done = _verify_open(archive, roll, known, found)
    # What lay beside the files of a frame when the roll was sealed is a part of the bag, which its manifests name.
    named = named_before(folder)
    own = [problem for problem in done.problems if problem.kind is not ProblemKind.FOREIGN or problem.path not in named]
    return replace(done, problems=(*own, *verify_reopened(folder)))


def _verify_sealed(archive: Archive, roll: Path, known: Known, found: tuple[list[FrameId], tuple[Event, ...]]) -> _Roll:
    folder = archive.root / roll
    frames, _ = found
    problems = [*verify_declaration(folder), *verify_bag(folder)]
    record = known.sealing(roll)
    problems += _other_tag_manifest(archive.root, record)
    folders = {frame: folder_problem(archive.frame_folder(frame).path, "the frame's folder") for frame in frames}
    problems += [problem for problem in folders.values() if problem is not None]
    unrecorded = _sealed(archive.root, roll) if record is None and not problems else ()
    # The manifests have compared every file of each frame.
    return _Roll(sum(problem is None for problem in folders.values()), (), tuple(problems), tuple(unrecorded))


def _other_tag_manifest(root: Path, record: ArchiveRecord | None) -> Iterator[Problem]:
    if record is not None and (root / record.path).is_file() and record_of(root, Path(record.path)) != record:
        message = "expected the manifest that was written when the roll was sealed, found another one"
        yield Problem(root / record.path, ProblemKind.CHANGED, message)


def _is_sealed(folder: Path, known: Known, roll: Path, events: tuple[Event, ...]) -> bool:
    if os.path.lexists(folder / DECLARATION) or known.sealing(roll) is not None:
        return True
    # Sealing that was cut off leaves its event, and an open roll. A database that knows the roll tells the two apart.
    sealings = [event for event in events if event.type is EventType.SEALING]
    return not known.jobs and bool(sealings) and sealings[-1].outcome == "success"


def _sealed(root: Path, roll: Path) -> Iterator[ArchiveRecord]:
    try:
        yield sealed_record(root, roll)
    except OSError:
        yield ArchiveRecord((roll / tag_manifest_name(DigestAlgorithm.SHA512)).as_posix(), 0, "")


def _events_of(folder: Path) -> tuple[Event, ...]:
    try:
        return tuple(read_events(folder / EVENTS))
    except TransientError:
        # `verify_events` tells what is wrong with the file.
        return ()


def _of_events(events: tuple[Event, ...], roll: Path) -> set[FrameId]:
    return {frame for event in events if event.type in _LASTING and (frame := _frame_named(event.frame, roll))}


def _of_records(known: Known) -> set[FrameId]:
    sidecars = (Path(path) for path in known.records if path.endswith(".json") and not path.endswith(f"/{REOPENED}"))
    return {FrameId.from_folder(sidecar.parent) for sidecar in sidecars}


def _frame_named(name: str, roll: Path) -> FrameId | None:
    stem = name.rpartition("/")[2]
    try:
        frame = FrameId.from_folder(roll / "data" / stem)
    except FrameIdError:
        return None
    return frame if str(frame) == name else None


def _evidence(known: Known, frame: FrameId, events: tuple[Event, ...]) -> FrameEvidence:
    record = known.record(frame.folder / f"{frame.stem}.json")
    return FrameEvidence(known.jobs.get(frame), record, sidecar_digests(events, frame))


def _strangers(data: Path, stems: set[str]) -> Iterator[Problem]:
    for path in sorted(data.iterdir()) if data.is_dir() else ():
        if path.name not in stems:
            message = "expected only folders of frames, found this one"
            yield Problem(path, ProblemKind.UNLISTED, message)


def _unknown(archive: Archive, frame: FrameId) -> Problem:
    message = "expected a frame that the station's database knows, found one that it does not"
    return Problem(archive.frame_folder(frame).path, ProblemKind.UNLISTED, message)


def _unrecorded(
    archive: Archive, roll: Path, known: Known, complete: list[FrameId], problems: list[Problem]
) -> Iterator[ArchiveRecord]:
    """Yield what is sound and was never recorded: an earlier version wrote it."""
    wrong = {problem.path for problem in problems}
    paths = [frame.folder / f"{frame.stem}.json" for frame in complete if not _is_busy(known, frame)]
    for path in [*paths, roll / EVENTS] if complete else paths:
        if known.record(path) is None and archive.root / path not in wrong:
            yield record_of(archive.root, path)


def _is_busy(known: Known, frame: FrameId) -> bool:
    return FrameEvidence(known.jobs.get(frame)).is_under_way
