"""Records in a frame's sidecar what a person decided or wrote, and which of its revisions counts.

Two may want to write a sidecar at once: a worker that has cleaned the frame, and a person who decides. Each holds the
frame's lock while it reads the sidecar, changes it and writes it, so that neither loses what the other wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from filmscand.daemon.archive.files.atomic_file import hash_file, lock
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.decision import Decision, Settings
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.station.folders import opened


@contextmanager
def changing(archive: Archive, frame: FrameId) -> Iterator[None]:
    """Hold the lock of a frame's sidecar over the block (a context manager); a file system without locks has none."""
    folder = archive.frame_folder(frame).path
    with archive.writing(), storing(folder), opened(folder) as descriptor:
        lock(descriptor)
        yield


def require_known_sidecars(archive: Archive, frames: Iterable[FrameId]) -> None:
    """Require of frames of one roll what `Archive.require_known_sidecar` does; the roll's events are read only once.

    Raises
    ------
    IntegrityError
        A sidecar is not as filmscand wrote it.
    """
    listed = list(frames)
    written: dict[str, set[str | None]] = {}
    for event in read_events(archive.root / listed[0].roll_folder / EVENTS):
        if event.type is EventType.METADATA and event.detail.sha256:
            written.setdefault(event.about, set()).add(event.detail.sha256)
    for frame in listed:
        path = archive.frame_folder(frame).sidecar
        known = written.get(path.name)
        with storing(path, "read"):
            found = hash_file(path).sha256
        # A frame that an earlier version cleaned has no such events.
        if known and found not in known:
            raise IntegrityError(f"{path}: expected a sidecar that filmscand wrote, found SHA-256 {found}")


def record_decision(archive: Archive, frame: FrameId, decision: Decision, wanted: Settings | None) -> Sidecar:
    """Append a decision to a frame's sidecar and to its roll's events; call it within `changing`.

    Parameters
    ----------
    wanted : Settings or None
        With what the frame is to be cleaned because of it; None: what waited for cleaning before still waits.

    Returns
    -------
    Sidecar
        As it was written.
    """
    before = archive.read_sidecar(frame)
    update = {"decisions": (*before.decisions, decision), "wanted": wanted or before.wanted}
    sidecar = before.model_copy(update=update)
    about = archive.frame_folder(frame).sidecar.name
    event = Event(type=EventType.APPRAISAL, frame=str(frame), about=about, detail=EventDetail(decision=decision))
    archive.append_events(frame, [event])
    archive.write_sidecar(frame, sidecar)
    return sidecar


def record_description(archive: Archive, frame: FrameId, description: Description, by: str | None) -> Sidecar:
    """Write what people wrote about a frame into its sidecar and its roll's events; call it within `changing`.

    Returns
    -------
    Sidecar
        As it was written.
    """
    before = archive.read_sidecar(frame)
    sidecar = before.model_copy(update={"description": None if description.is_empty else description})
    # Only what is set is written.
    detail = EventDetail(description=description) if by is None else EventDetail(description=description, by=by)
    about = archive.frame_folder(frame).sidecar.name
    archive.append_events(frame, [Event(type=EventType.METADATA, frame=str(frame), about=about, detail=detail)])
    archive.write_sidecar(frame, sidecar)
    return sidecar


def make_current(archive: Archive, frame: FrameId, number: int, film: FilmKind) -> Sidecar:
    """Make an earlier revision the one that counts, if it is not; the sidecar is written only if it changes."""
    with changing(archive, frame):
        before = archive.read_sidecar(frame)
        sidecar = before.with_current(number, film)
        if sidecar != before:
            archive.write_sidecar(frame, sidecar)
    return sidecar
