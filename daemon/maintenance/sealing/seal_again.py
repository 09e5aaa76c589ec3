"""Seals a reopened roll again: the next generation of its manifests takes the place of the last, which is kept.

    lock the roll -> keep the last manifests in history/ -> event -> new manifests -> database -> remove reopened.json

The roll counts as reopened until `reopened.json` is removed, so a process that is killed in between is repeated from
the start: what is in `history/` stays, and everything else is written anew.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import make_folders, publish_bytes, remove_abandoned_parts, sync_folder
from filmscand.daemon.archive.frames.verify_frame import left_by_writers
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.events import Event, EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS, record_of, recorded_sealing, remember, remember_sealing
from filmscand.daemon.archive.records.reopened import Reopening, past_tag_manifest, read_reopening
from filmscand.daemon.archive.records.verify_bag import check_listed, verify_declaration
from filmscand.daemon.archive.records.verify_reopened import LastGeneration, changed_lasting, last_generation
from filmscand.daemon.archive.revising import reopening_event, sealing_roll
from filmscand.daemon.core.errors import IntegrityError, RollSealedError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.sealing.bag_files import remove_parts, write_bag, write_lists
from filmscand.daemon.maintenance.sealing.contents import next_digests
from filmscand.daemon.maintenance.sealing.labels import lasting_labels, own_labels, with_changes
from filmscand.daemon.maintenance.sealing.readiness import (
    looks,
    require_finished,
    require_no_empty_folder,
    require_unchanged,
)
from filmscand.daemon.maintenance.sealing.roll import RollToSeal, RollUnfinishedError, Sealed, sealing_event
from filmscand.daemon.station.bag import DigestAlgorithm


def seal_again(roll: RollToSeal, labels: Mapping[str, str]) -> Sealed:
    """Make a bag of a reopened roll again, with the algorithms and labels that it was sealed with.

    Parameters
    ----------
    labels : mapping
        Lines of `bag-info.txt` that change.

    Raises
    ------
    RollUnfinishedError
        A frame of the roll is queued, or a file came while it was sealed: the roll stays reopened.
    RollSealedError
        It is sealed already.
    IntegrityError
        A file that the last generation names is gone or was changed.
    """
    frames = roll.frames()
    require_finished(roll, frames)
    with sealing_roll(roll.archive, roll.first) as is_locked:
        noted = read_reopening(roll.folder)
        if noted is None:
            raise RollSealedError(f"{roll.folder}: the roll is sealed and takes nothing more")
        roll.archive.require_mark(roll.first)
        # Once more, with the lock.
        require_finished(roll, frames)
        last = last_generation(roll.folder, noted)
        _require_recorded(roll, noted)
        remove_parts(roll.folder)
        _keep(roll.folder, noted, last)
        _require_lasting(roll.folder, noted, last)
        roll.archive.require_known_sidecars(frames)
        if is_locked:
            _remove_leftovers(roll, frames, last)
        sealed = _write(roll, frames, (noted, last), labels)
        with storing(roll.folder):
            (roll.folder / REOPENED).unlink()
            sync_folder(roll.folder)
    return sealed


def _write(
    roll: RollToSeal, frames: Sequence[FrameId], before: tuple[Reopening, LastGeneration], labels: Mapping[str, str]
) -> Sealed:
    noted, last = before
    require_no_empty_folder(roll.folder)
    seen = looks(roll.folder)
    digests = next_digests(roll.archive, roll.folder, frames, last)
    sizes = [size_bytes for size_bytes, _ in seen.values()]
    event = _append_events(roll, noted, len(digests))
    write_lists(roll.archive, roll.folder, frames)
    lines = with_changes(_lasting_lines(roll.folder, noted), labels)
    write_bag(roll.folder, digests, (*own_labels(roll.name, sizes), *lines), _algorithms(noted))
    try:
        require_unchanged(roll, seen)
    except RollUnfinishedError as error:
        failed = event.model_copy(update={"id": str(uuid.uuid4()), "outcome": str(error)})
        roll.archive.append_events(roll.first, [failed])
        raise
    if roll.station.database.exists():
        with closing(open_database(roll.station.database)) as connection:
            remember_sealing(connection, roll.archive.root, roll.first.roll_folder)
    return Sealed(roll.name, roll.folder, len(frames), len(digests), sum(sizes), noted.generation + 1)


def _algorithms(noted: Reopening) -> tuple[DigestAlgorithm, ...]:
    return tuple(one for one in DigestAlgorithm if bag.tag_manifest_name(one) in noted.tag_manifests)


def _require_recorded(roll: RollToSeal, noted: Reopening) -> None:
    """Require that the roll was reopened as the station's database knows it.

    A killed attempt may have recorded its own tag manifest already: the record of the last generation comes back, so
    that the next attempt finds one of the two wherever it is killed.
    """
    record = recorded_sealing(roll.station.database, roll.first.roll_folder)
    if record is None:
        return
    name = Path(record.path).name
    root = roll.archive.root
    with storing(roll.folder, "read"):
        kept = record_of(root, past_tag_manifest(roll.folder, noted, name).relative_to(root))
        if record.sha256 == kept.sha256:
            return
        if record != record_of(root, Path(record.path)):
            raise IntegrityError(
                f"{root / record.path}: expected the manifest that was written when the roll was sealed, found another "
                "one; restore it from a copy of the archive"
            )
    remember(roll.station.database, [replace(kept, path=record.path)])


def _keep(folder: Path, noted: Reopening, last: LastGeneration) -> None:
    """Keep the manifests of the last generation in `history/`, unless an earlier attempt has."""
    make_folders(folder / bag.HISTORY)
    names = [bag.INFO]
    for algorithm in _algorithms(noted):
        names += [bag.manifest_name(algorithm), bag.tag_manifest_name(algorithm)]
    for name in names:
        past = folder / bag.past_name(name, noted.generation)
        with storing(past, "read"):
            if not past.exists():
                publish_bytes(past, read_plain(folder / name))
        problems = list(check_listed(past, last.tags.get(folder / name, {})))
        if problems:
            raise IntegrityError("; ".join(map(str, problems)))
    for name in noted.tag_manifests:
        past_tag_manifest(folder, noted, name)


def _require_lasting(folder: Path, noted: Reopening, last: LastGeneration) -> None:
    """Require that nothing beside the payload was changed by anybody else: a new seal must not hide it."""
    problems = [str(problem) for problem in (*verify_declaration(folder), *changed_lasting(folder, last))]
    with storing(folder / EVENTS, "read"):
        beginning = read_plain(folder / EVENTS)[: noted.events_bytes]
    for algorithm, digest in last.tags.get(folder / EVENTS, {}).items():
        if hashlib.new(algorithm, beginning, usedforsecurity=False).hexdigest() != digest:
            problems.append(f"{folder / EVENTS}: expected events that begin as the roll was sealed, found others")
            break
    if problems:
        raise IntegrityError("; ".join(problems))


def _remove_leftovers(roll: RollToSeal, frames: Sequence[FrameId], last: LastGeneration) -> None:
    """Remove files of revisions that never became complete: their frame is finished, so nobody writes them."""
    for frame in frames:
        own = roll.archive.frame_folder(frame).path
        with storing(own, "remove"):
            remove_abandoned_parts(own)
            for path in left_by_writers(own, roll.archive.read_sidecar(frame)):
                if path not in last.payload:
                    path.unlink()


def _append_events(roll: RollToSeal, noted: Reopening, files: int) -> Event:
    """Append what an earlier attempt has not told yet: that the roll was reopened, and that it is sealed again."""
    told = list(read_events(roll.folder / EVENTS))
    event = sealing_event(roll, files, noted.generation + 1)
    missing = []
    if not any(one.type is EventType.REOPENING and one.detail.generation == noted.generation for one in told):
        missing.append(reopening_event(roll.first, noted))
    last = told[-1] if told else None
    if last is None or (last.type, last.detail, last.outcome) != (event.type, event.detail, event.outcome):
        missing.append(event)
    if missing:
        roll.archive.append_events(roll.first, missing)
    return event


def _lasting_lines(folder: Path, noted: Reopening) -> tuple[tuple[str, str], ...]:
    past = folder / bag.past_name(bag.INFO, noted.generation)
    with storing(past, "read"):
        return lasting_labels(bag.read_bag_info(read_plain(past)))
