"""What a roll has to hold, by its records, whichever of two copies of the archive still has them.

Each record is proved by the one above it: the database knows the strongest tag manifest of a sealed roll, which knows
the manifest, which knows every file; for an open roll the database, or else the roll's events, know the sidecars, which
know the files. Of a reopened roll, its note knows the manifests of the last generation besides. A record that only one
copy has as it was proved speaks for both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.archive.frames.verify_frame import (
    FrameEvidence,
    check_file,
    may_be_ours,
    verify_sidecar,
)
from filmscand.daemon.archive.records.bag import (
    DECLARATION,
    Digests,
    digests_of,
    manifest_name,
    past_name,
    read_manifest,
    tag_manifest_name,
)
from filmscand.daemon.archive.records.events import Event, known_losses, sidecar_digests, verify_events
from filmscand.daemon.archive.records.known import EVENTS, Known, record_of
from filmscand.daemon.archive.records.reopened import Reopening, read_reopening
from filmscand.daemon.archive.records.roll_record import NAME, verify_roll_record
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.records.verify_bag import (
    check_listed,
    is_folder,
    is_sidecar,
    read_or_problem,
    verify_declaration,
)
from filmscand.daemon.archive.records.verify_reopened import LastGeneration, last_generation, lasting_tags
from filmscand.daemon.archive.verify_rolls import events_of, frames_told, verify_tag_manifest
from filmscand.daemon.core.errors import DaemonError, FrameIdError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import StoredFile
from filmscand.daemon.database.archive_records import REOPENED, ArchiveRecord
from filmscand.daemon.database.frames import JobState
from filmscand.daemon.station.sections.bag import DigestAlgorithm

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
    if os.path.lexists(tops[0] / roll / REOPENED) or known.record(roll / REOPENED) is not None:
        yield from _items_of_reopened(tops, roll, known)
    elif known.sealing(roll) is not None or any(os.path.lexists(top / roll / DECLARATION) for top in tops):
        yield from _items_of_bag(tops, roll, known.sealing(roll))
    else:
        yield from _items_of_open(tops, roll, known)


def _items_of_open(tops: Sequence[Path], roll: Path, known: Known) -> Iterator[Item]:
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


def _items_of_bag(tops: Sequence[Path], roll: Path, record: ArchiveRecord | None) -> Iterator[Item]:
    strongest, *weaker = _algorithms(tops, roll, record)
    tag_manifest, manifest = roll / tag_manifest_name(strongest), roll / manifest_name(strongest)

    def tag_manifest_problem(top: Path) -> Problem | None:
        found = read_or_problem(top / tag_manifest, roll, strongest)
        return found if isinstance(found, Problem) else _first(verify_tag_manifest(top, record))

    tags = _proved_manifest(tops, tag_manifest, (roll, strongest), tag_manifest_problem)
    checks = {path: _listed_check(path, {strongest: digest}) for path, digest in tags.items()}
    payload = {}
    if manifest in checks:
        payload = _proved_manifest(tops, manifest, (roll, strongest), checks[manifest])
    for path in sorted(payload):
        # A revision writes the sidecar anew: a copy of an earlier generation is sound.
        yield Item(path, _listed_check(path, {strongest: payload[path]}), is_record=is_sidecar(roll, path))
    others = {roll / tag_manifest_name(one): _weaker_check(tops, roll, one, checks) for one in weaker}
    named = {*payload, *tags, *others, tag_manifest, roll / DECLARATION}
    if payload:
        for path in sorted({path for top in tops for path in _files_below(top, roll)} - named):
            yield Item(path, None)
    for path, check in (*sorted((checks | others).items()), (tag_manifest, tag_manifest_problem)):
        if path != roll / DECLARATION:
            yield Item(path, check, is_record=True)
    yield _mark(roll)


def _mark(roll: Path) -> Item:
    return Item(roll / DECLARATION, lambda top: _first(verify_declaration(top / roll)), is_record=True)


def _algorithms(tops: Iterable[Path], roll: Path, record: ArchiveRecord | None) -> list[DigestAlgorithm]:
    """Return the algorithms of the tag manifests, first the one that the database tells of, or else the strongest."""
    there = {name for top in tops for name in _names(top / roll)}
    recorded = None if record is None else Path(record.path).name
    found = [one for one in DigestAlgorithm if tag_manifest_name(one) in there | {recorded}]
    return sorted(found, key=lambda one: tag_manifest_name(one) != recorded) or [DigestAlgorithm.SHA512]


def _weaker_check(tops: Sequence[Path], roll: Path, algorithm: DigestAlgorithm, checks: Mapping[Path, Check]) -> Check:
    """Return the check of another tag manifest: no record names it, but files that are proved have its digests."""
    path = roll / tag_manifest_name(algorithm)

    def check(top: Path) -> Problem | None:
        found = read_or_problem(top / path, roll, algorithm)
        if isinstance(found, Problem):
            return found
        sound = {
            file: next((side for side in tops if is_right(side) is None), None) for file, is_right in checks.items()
        }
        right = all(
            digests_of(side / file, (algorithm,))[algorithm] == found.get(file)
            for file, side in sound.items()
            if side is not None
        )
        message = "expected the digests of the files that the strongest tag manifest names, found others"
        return None if right and found.keys() == sound.keys() else Problem(top / path, ProblemKind.CHANGED, message)

    return check


def _items_of_reopened(tops: Sequence[Path], roll: Path, known: Known) -> Iterator[Item]:
    """Yield the files of a sealed roll that gets revisions: those of an open one, and what its last generation has."""
    record = known.record(roll / REOPENED)

    def note_problem(top: Path) -> Problem | None:
        try:
            noted = read_reopening(top / roll)
        except DaemonError as error:
            return Problem(top / roll / REOPENED, ProblemKind.CHANGED, str(error))
        if noted is None:
            return Problem(
                top / roll / REOPENED, ProblemKind.MISSING, "expected the note of a reopened roll, found none"
            )
        message = "expected the note that was written when the roll was reopened, found another one"
        is_right = record is None or record_of(top, roll / REOPENED) == record
        return None if is_right else Problem(top / roll / REOPENED, ProblemKind.CHANGED, message)

    proved = next((top for top in tops if note_problem(top) is None), None)
    noted = None if proved is None else read_reopening(proved / roll)
    last = LastGeneration() if noted is None else _last_generation(tops, roll, noted)
    own = {item.path: item for item in _items_of_open(tops, roll, known)}
    # What lay beside the files of a frame when the roll was sealed is a part of the bag.
    yield from (item for path, item in own.items() if item.check is not None or path not in last.payload)
    yield from _items_of_generation(tops, roll, (noted, last), own)
    yield Item(roll / REOPENED, note_problem, is_record=True)
    yield _mark(roll)


def _items_of_generation(
    tops: Sequence[Path], roll: Path, before: tuple[Reopening | None, LastGeneration], own: Mapping[Path, Item]
) -> Iterator[Item]:
    noted, last = before
    is_told = {path for path, item in own.items() if item.check is not None}
    files = {path: digests for path, digests in last.payload.items() if not is_sidecar(roll, path)}
    for path in sorted(files.keys() - is_told):
        yield Item(path, _listed_check(path, files[path]))
    tags = lasting_tags(roll, last)
    for path in sorted(tags.keys() - is_told):
        yield Item(path, _listed_check(path, tags[path]), is_record=True)
    if noted is None:
        return
    manifests = {roll / name: {DigestAlgorithm.SHA512: digest} for name, digest in noted.tag_manifests.items()}
    names = {roll / manifest_name(algorithm) for algorithm in DigestAlgorithm}
    for path, digests in sorted((manifests | {path: last.tags[path] for path in names & last.tags.keys()}).items()):
        kept = roll / past_name(path.name, noted.generation)
        place = kept if os.path.lexists(tops[0] / kept) else path
        yield Item(place, _listed_check(place, digests), is_record=True)


def _last_generation(tops: Iterable[Path], roll: Path, noted: Reopening) -> LastGeneration:
    """Return what the generation that was reopened lists, from the first copy that has its manifests."""
    for top in tops:
        try:
            last = last_generation(top / roll, noted)
        except DaemonError:
            continue
        return LastGeneration(_below(top, last.payload), _below(top, last.tags))
    return LastGeneration()


def _below(top: Path, files: Mapping[Path, Digests]) -> dict[Path, Digests]:
    return {path.relative_to(top): digests for path, digests in files.items()}


def _proved_manifest(
    tops: Iterable[Path], path: Path, of: tuple[Path, DigestAlgorithm], check: Check
) -> dict[Path, str]:
    """Return the lines of a manifest, from the first copy that has it as it was recorded."""
    top = next((top for top in tops if check(top) is None), None)
    return {} if top is None else read_manifest(read_plain(top / path), *of)


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


def _frame(folder: Path) -> FrameId | None:
    try:
        return FrameId.from_folder(folder)
    except FrameIdError:
        return None


def _file_check(folder: Path, file: StoredFile) -> Check:
    return lambda top: check_file(top / folder, file)


def _listed_check(path: Path, digests: Digests) -> Check:
    return lambda top: _first(check_listed(top / path, digests))


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
