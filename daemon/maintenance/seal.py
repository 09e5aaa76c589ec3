"""Seals rolls: the folder of a roll becomes a BagIt bag, and nothing can be added to it."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import hash_file, publish_bytes, remove_abandoned_parts, sync_folder
from filmscand.daemon.archive.files.problem import ProblemKind
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType
from filmscand.daemon.archive.records.known import read_known, remember, sealed_record
from filmscand.daemon.archive.records.sidecar import utc_now
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import DaemonError, FrameIdError, IntegrityError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, unfinished_frames
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import archive_of
from filmscand.daemon.station.configuration import Station

_OURS: Final = ("Bagging-Date", "Bag-Software-Agent", "External-Identifier", "Payload-Oxum")
_NAMED_AT_MOST: Final = 5


class RollUnfinishedError(DaemonError):
    """A frame of the roll is not finished, or a session scans into the roll."""


class LabelError(DaemonError, ValueError):
    """A label that `bag-info.txt` cannot take."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A roll that was sealed."""

    roll: str
    folder: Path
    frames: int
    files: int
    size_bytes: int


def seal(station: Station, roll: str, labels: Mapping[str, str] | None = None) -> Sealed:
    """Seal a roll: read every file back and compare it, then write the files of the bag, `bagit.txt` last.

    If it is killed before `bagit.txt` is written, the roll stays open; sealing it again replaces the other files.

    Parameters
    ----------
    roll : str
        `collection/box/roll`.
    labels : mapping, optional
        More lines for `bag-info.txt`, such as Source-Organization.

    Raises
    ------
    RollSealedError
        The roll is sealed already.
    RollUnfinishedError
        A frame is queued, failed or has no sidecar, a session scans into the roll, or the roll changed meanwhile.
    IntegrityError
        A known frame is gone, or a file is missing or differs from its record: a damaged roll is not sealed. Or the
        roll was sealed before, and its `bagit.txt` is gone.
    LabelError
        A label is not allowed in `bag-info.txt`.
    """
    more = _checked(labels or {})
    place = _place(roll)
    archive = archive_of(station)
    first = FrameId(place.collection, place.box, place.roll, 1)
    archive.require_open(first)
    folder = archive.root / first.roll_folder
    _require_never_sealed(station, first.roll_folder, folder)
    frames = [frame for frame in archive.frames() if frame.roll_folder == first.roll_folder]
    _require_finished(station, archive, place, frames)
    archive.remove_leftovers(frames)
    remove_abandoned_parts(folder)
    seen = _looks(folder)
    _require_sound(station, archive, roll, folder)
    sha512 = _hashes(archive, folder, frames)
    event = Event(type=EventType.SEALING, frame=roll, about=bag.DECLARATION, detail=EventDetail(files=len(sha512)))
    archive.append_events(first, [event])
    size_bytes = sum(path.stat().st_size for path in sha512)
    oxum = {"External-Identifier": roll, "Payload-Oxum": f"{size_bytes}.{len(sha512)}"}
    _write_bag(folder, bag.manifest(folder, sha512), bag.bag_info({**_agent(), **oxum, **more}))
    try:
        _require_finished(station, archive, place, frames)
        if _looks(folder) != seen:
            raise RollUnfinishedError(f"{folder}: files came or changed while the roll was sealed")
    except RollUnfinishedError as error:
        _reopen(folder)
        archive.append_events(first, [event.model_copy(update={"id": str(uuid.uuid4()), "outcome": str(error)})])
        raise
    if station.database.exists():
        remember(station.database, [sealed_record(archive.root, first.roll_folder)])
    return Sealed(roll, folder, len(frames), len(sha512), size_bytes)


def _place(roll: str) -> Roll:
    parts = roll.strip("/").split("/")
    if len(parts) != 3:
        raise FrameIdError(f"expected COLLECTION/BOX/ROLL, found {roll}")
    return Roll(*parts)


def _require_finished(station: Station, archive: Archive, place: Roll, frames: Iterable[FrameId]) -> None:
    known = list(frames)
    if not known:
        raise RollUnfinishedError(f"{place.collection}/{place.box}/{place.roll}: expected frames, found none")
    incomplete = [str(frame) for frame in known if not archive.is_complete(frame)]
    if station.database.exists():
        with closing(open_database(station.database)) as connection:
            incomplete += _under_way(connection, place)
    if incomplete:
        names = ", ".join(list(dict.fromkeys(incomplete))[:_NAMED_AT_MOST])
        raise RollUnfinishedError(f"expected a roll that is finished, found {names} unfinished or failed")


def _under_way(connection: sqlite3.Connection, place: Roll) -> list[str]:
    folder = Path(place.collection, place.box, place.roll)
    frames = sorted(job.frame for job in unfinished_frames(connection) if job.frame.roll_folder == folder)
    sessions = [session for session in Sessions(connection).unfinished() if session.plan.place == place]
    return [*map(str, frames), *(f"session {session.session_id}" for session in sessions)]


def _looks(folder: Path) -> dict[Path, tuple[int, int]]:
    with storing(folder, "read"):
        looks = {path: path.lstat() for path in bag.payload(folder)}
    return {path: (look.st_size, look.st_mtime_ns) for path, look in looks.items()}


def _require_never_sealed(station: Station, roll: Path, folder: Path) -> None:
    if read_known(station.database).record(roll / bag.TAG_MANIFEST) is not None:
        raise IntegrityError(
            f"{folder / bag.DECLARATION}: the roll was sealed, and this file is gone; restore it from a copy of the "
            "archive, and run filmscand verify"
        )


def _require_sound(station: Station, archive: Archive, roll: str, folder: Path) -> None:
    """Read every file of the roll back from the disk, and compare it with all that is known of it."""
    report = verify_rolls(archive, (roll,), station.database)
    # What lies beside the files of a frame becomes a part of the bag, as notes do.
    damage = [problem for problem in report.problems if problem.is_damage and problem.kind is not ProblemKind.FOREIGN]
    if damage:
        raise IntegrityError("; ".join(map(str, damage)))
    for path in bag.empty_folders(folder):
        raise RollUnfinishedError(f"{path}: expected no empty folder in a roll that is sealed; remove it")


def _hashes(archive: Archive, folder: Path, frames: Iterable[FrameId]) -> dict[Path, str]:
    """Return the SHA-512 of every file of the payload: recorded ones are verified, all others are read."""
    sha512: dict[Path, str] = {}
    for frame in frames:
        own = archive.frame_folder(frame).path
        sha512 |= {own / file.name: file.sha512 for file in archive.read_sidecar(frame).files}
    with storing(folder, "read"):
        others = [path for path in bag.payload(folder) if path not in sha512]
        return {**sha512, **{path: hash_file(path, from_disk=True).sha512 for path in others}}


def _agent() -> dict[str, str]:
    return {"Bagging-Date": utc_now().date().isoformat(), "Bag-Software-Agent": f"filmscand {version('filmscand')}"}


def _checked(labels: Mapping[str, str]) -> Mapping[str, str]:
    for label in labels:
        if label in _OURS or not label or any(letter in label for letter in ":\r\n") or label != label.strip():
            raise LabelError(f"bag-info.txt: expected a label that is not written anyway, found {label!r}")
    return labels


def _write_bag(folder: Path, manifest: bytes, info: bytes) -> None:
    publish_bytes(folder / bag.MANIFEST, manifest, replace=True)
    publish_bytes(folder / bag.INFO, info, replace=True)
    tags = [folder / bag.INFO, folder / bag.MANIFEST, *sorted((folder / "metadata").rglob("*"))]
    with storing(folder, "read"):
        sha512 = {path: hash_file(path).sha512 for path in tags if not path.is_dir() or path.is_symlink()}
    sha512[folder / bag.DECLARATION] = hashlib.sha512(bag.DECLARED).hexdigest()
    publish_bytes(folder / bag.TAG_MANIFEST, bag.manifest(folder, sha512), replace=True)
    publish_bytes(folder / bag.DECLARATION, bag.DECLARED, replace=True)


def _reopen(folder: Path) -> None:
    with storing(folder):
        for name in (bag.DECLARATION, bag.TAG_MANIFEST, bag.MANIFEST, bag.INFO):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
