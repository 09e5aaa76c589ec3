"""Records in a frame's sidecar what a person decided or wrote, and which of its revisions counts.

Two may want to write a sidecar at once: a worker that has cleaned the frame, and a person who decides. Each holds the
frame's lock while it reads the sidecar, changes it and writes it, so that neither loses what the other wrote. A sealed
roll is reopened before the first of its sidecars changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.revising import changing_roll, reopen
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.decision import Decision, Settings
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.station.folders import opened


@contextmanager
def changing(archive: Archive, frame: FrameId) -> Iterator[None]:
    """Hold the lock of a frame's sidecar over the block (a context manager); a file system without locks has none."""
    folder = archive.frame_folder(frame).path
    with changing_roll(archive, frame), storing(folder), opened(folder) as descriptor:
        lock(descriptor)
        yield


def record_decision(archive: Archive, before: Sidecar, decision: Decision, wanted: Settings | None) -> Sidecar:
    """Append a decision to a frame's sidecar and to its roll's events; call it within `changing`.

    Parameters
    ----------
    before : Sidecar
        As it was read within `changing`.
    wanted : Settings or None
        With what the frame is to be cleaned because of it; None: what waited for cleaning before still waits.

    Returns
    -------
    Sidecar
        As it was written.
    """
    update = {"decisions": (*before.decisions, decision), "wanted": wanted or before.wanted}
    return _record(archive, before.model_copy(update=update), EventType.APPRAISAL, EventDetail(decision=decision))


def record_description(archive: Archive, before: Sidecar, description: Description, by: str | None) -> Sidecar:
    """Write what people wrote about a frame into its sidecar and its roll's events; call it within `changing`.

    Parameters
    ----------
    before : Sidecar
        As it was read within `changing`.

    Returns
    -------
    Sidecar
        As it was written.
    """
    sidecar = before.model_copy(update={"description": None if description.is_empty else description})
    # Only what is set is written.
    detail = EventDetail(description=description) if by is None else EventDetail(description=description, by=by)
    return _record(archive, sidecar, EventType.METADATA, detail)


def make_current(archive: Archive, frame: FrameId, number: int, film: FilmKind) -> Sidecar:
    """Make an earlier revision the one that counts, if it is not; the sidecar is written only if it changes."""
    with changing(archive, frame):
        before = archive.read_sidecar(frame)
        sidecar = before.with_current(number, film)
        if sidecar != before:
            reopen(archive, frame)
            archive.write_sidecar(frame, sidecar)
    return sidecar


def _record(archive: Archive, sidecar: Sidecar, kind: EventType, detail: EventDetail) -> Sidecar:
    """Append an event about a sidecar, and write the sidecar."""
    frame = sidecar.frame_id
    reopen(archive, frame)
    about = archive.frame_folder(frame).sidecar.name
    archive.append_events(frame, [Event(type=kind, frame=str(frame), about=about, detail=detail)])
    archive.write_sidecar(frame, sidecar)
    return sidecar
