"""What a roll has to hold, by its records, whichever of two copies of the archive still has them.

Each record is proved by the one above it: the database knows the tag manifest of a sealed roll, which knows the
manifest, which knows every file; for an open roll the database, or else the roll's events, know the sidecars, which
know the files. A record that only one copy has as it was proved speaks for both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.archive.frames.verify_frame import (
    FrameEvidence,
    check_file,
    may_be_ours,
    verify_sidecar,
)
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    MANIFEST,
    TAG_MANIFEST,
    check_listed,
    read_manifest,
    verify_declaration,
)
from filmscand.daemon.archive.records.events import Event, known_losses, sidecar_digests, verify_events
from filmscand.daemon.archive.records.known import EVENTS, Known
from filmscand.daemon.archive.records.roll_record import NAME, verify_roll_record
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.verify_rolls import events_of, frames_told, verify_tag_manifest
from filmscand.daemon.core.errors import FrameIdError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import StoredFile
from filmscand.daemon.database.frames import JobState

# Tells what is wrong with the file below the top of one copy; None if it is as it was recorded.
Check = Callable[[Path], Problem | None]


@dataclass(frozen=True, slots=True)
class Item:
    """A file that one of the copies has, or should have.

    Attributes
    ----------
    path : Path
        Below the top of the archive.
    check : callable or None
        None: no record names the file, and it should not be there.
    is_record : bool
        Whether filmscand replaces the file or appends to it, so that an older copy may differ and be sound.
    """

    path: Path
    check: Check | None
    is_record: bool = False

    def problem(self, top: Path) -> Problem | None:
        """Return what is wrong with the file below the top of one copy; no link is followed on the way to it."""
        folders = (top / folder for folder in reversed(self.path.parents[:-1]))
        wrong = next((folder for folder in folders if os.path.lexists(folder) and not is_folder(folder)), None)
        if self.check is None:
            is_there = wrong is None and os.path.lexists(top / self.path)
            message = "expected only files that a record names, found this one"
            return Problem(top / self.path, ProblemKind.FOREIGN, message) if is_there else None
        if wrong is not None:
            return Problem(top / self.path, ProblemKind.CHANGED, f"expected a folder, found something else at {wrong}")
        return self.check(top)


def items_of(tops: Sequence[Path], roll: Path, known: Known) -> Iterator[Item]:
    """Yield every file of a roll, those of a frame before its sidecar, and the mark of a sealed roll last.

    Parameters
    ----------
    tops : sequence of Path
        Tops of the copies; where several have a record as it was proved, the first one counts.
    roll : Path
        `collection/box/roll`.
    known : Known
        What the database says of the roll.
    """
    if known.record(roll / TAG_MANIFEST) is not None or any(os.path.lexists(top / roll / DECLARATION) for top in tops):
        yield from _items_of_bag(tops, roll, known)
        return
    events = _proved_events(tops, roll, known)
    complete: list[FrameId] = []
    for frame in _frames(tops, roll, known, events):
        job = known.jobs.get(frame)
        if job is None or job.state is not JobState.PROCESSING:
            record = known.record(frame.folder / f"{frame.stem}.json")
            evidence = FrameEvidence(job, record, sidecar_digests(events, frame))
            yield from _items_of_frame(tops, evidence, frame, complete)
    if complete or known.jobs:
        metadata = roll / "metadata"
        yield Item(metadata / NAME, lambda top: _first(verify_roll_record(top / metadata, roll)), is_record=True)
        kept = known.record(roll / EVENTS)
        yield Item(
            roll / EVENTS, lambda top: _first(verify_events(top / roll / EVENTS, kept, complete)), is_record=True
        )


def _items_of_frame(
    tops: Sequence[Path], evidence: FrameEvidence, frame: FrameId, complete: list[FrameId]
) -> Iterator[Item]:
    def sidecar_problem(top: Path) -> Problem | None:
        return _first(verify_sidecar(FrameFolder(top, frame), evidence)[1])

    sidecar = next((found for top in tops if (found := _proved_sidecar(FrameFolder(top, frame), evidence))), None)
    path = frame.folder / f"{frame.stem}.json"
    files: tuple[StoredFile, ...] = ()
    if sidecar is not None:
        files = sidecar.files
        complete.append(frame)
    elif evidence.job is not None:
        files = evidence.job.request.originals
    for file in files:
        yield Item(frame.folder / file.name, _file_check(frame.folder, file))
    listed = {file.name for file in files} | {path.name}
    for name in sorted({name for top in tops for name in _names(top / frame.folder)} - listed):
        if sidecar is not None and not may_be_ours(name, frame.stem, evidence):
            yield Item(frame.folder / name, None)
    if sidecar is not None or evidence.was_complete or any(os.path.lexists(top / path) for top in tops):
        yield Item(path, sidecar_problem, is_record=True)


def _proved_sidecar(folder: FrameFolder, evidence: FrameEvidence) -> Sidecar | None:
    sidecar, problems = verify_sidecar(folder, evidence)
    if sidecar is None or problems:
        return None
    try:
        for file in sidecar.files:
            folder.require_own(file)
    except IntegrityError:
        return None
    return sidecar


def _items_of_bag(tops: Sequence[Path], roll: Path, known: Known) -> Iterator[Item]:
    record = known.record(roll / TAG_MANIFEST)

    def tag_manifest_problem(top: Path) -> Problem | None:
        problem = _manifest_problem(top, roll / TAG_MANIFEST, roll)
        return problem or _first(verify_tag_manifest(top, roll, record))

    tags = _proved_manifest(tops, roll / TAG_MANIFEST, roll, tag_manifest_problem)
    checks = {path: _listed_check(path, sha512) for path, sha512 in tags.items()}
    payload = {}
    if roll / MANIFEST in checks:
        payload = _proved_manifest(tops, roll / MANIFEST, roll, checks[roll / MANIFEST])
    for path in sorted(payload):
        yield Item(path, _listed_check(path, payload[path]))
    named = {*payload, *tags, roll / TAG_MANIFEST, roll / DECLARATION}
    if payload:
        for path in sorted({path for top in tops for path in _files_below(top, roll)} - named):
            yield Item(path, None)
    for path in sorted(checks.keys() - {roll / DECLARATION}):
        yield Item(path, checks[path], is_record=True)
    yield Item(roll / TAG_MANIFEST, tag_manifest_problem, is_record=True)
    yield Item(roll / DECLARATION, lambda top: _first(verify_declaration(top / roll)), is_record=True)


def _proved_manifest(tops: Iterable[Path], path: Path, roll: Path, check: Check) -> dict[Path, str]:
    """Return the lines of a manifest, from the first copy that has it as it was recorded."""
    top = next((top for top in tops if check(top) is None), None)
    return {} if top is None else read_manifest(read_plain(top / path), roll)


def _manifest_problem(top: Path, path: Path, roll: Path) -> Problem | None:
    try:
        read_manifest(read_plain(top / path), roll)
    except FileNotFoundError:
        return Problem(top / path, ProblemKind.MISSING, "expected the manifest of a sealed roll, found no file")
    except OSError as error:
        return unreadable(top / path, error)
    except ValueError as error:
        return Problem(top / path, ProblemKind.CHANGED, str(error))
    return None


def _proved_events(tops: Sequence[Path], roll: Path, known: Known) -> tuple[Event, ...]:
    record = known.record(roll / EVENTS)
    sound = (top for top in tops if not [*verify_events(top / roll / EVENTS, record, ())])
    return events_of(next(sound, tops[0]) / roll)


def _frames(tops: Iterable[Path], roll: Path, known: Known, events: tuple[Event, ...]) -> list[FrameId]:
    """Return every frame that anything knows, but those that are gone and whose loss was accepted."""
    folders = {Path(path).parent for path in known.records if path.endswith(".json")}
    folders |= {roll / "data" / name for top in tops for name in _names(top / roll / "data")}
    frames = {frame for folder in folders if (frame := _frame(folder)) is not None}
    lost = known_losses(events)
    return sorted(frame for frame in frames | known.jobs.keys() | frames_told(events, roll) if str(frame) not in lost)


def is_folder(path: Path) -> bool:
    """Return whether a real folder lies at a path, not a link to one."""
    return path.is_dir() and not path.is_symlink()


def _frame(folder: Path) -> FrameId | None:
    try:
        return FrameId.from_folder(folder)
    except FrameIdError:
        return None


def _file_check(folder: Path, file: StoredFile) -> Check:
    return lambda top: check_file(top / folder, file)


def _listed_check(path: Path, sha512: str) -> Check:
    return lambda top: _first(check_listed(top / path, sha512))


def _first(problems: Iterable[Problem]) -> Problem | None:
    return next(iter(problems), None)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208  the names alone
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files_below(top: Path, roll: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top / roll):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name).relative_to(top) for name in (*files, *links))
