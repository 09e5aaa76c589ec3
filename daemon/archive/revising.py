"""Opens sealed rolls for revisions of their frames, and keeps them from being sealed in the middle of a change.

Whoever changes the files of a frame shares the lock of the roll's folder; whoever seals the roll holds it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.archive.records.events import Event, EventDetail, EventType
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.records.reopened import Reopening, generation_of, tag_manifest_digests
from filmscand.daemon.archive.records.verify_bag import changed_tags
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import FrameExistsError, IntegrityError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.archive_records import REOPENED
from filmscand.daemon.station.folders import opened


@contextmanager
def changing_roll(archive: Archive, frame: FrameId) -> Iterator[None]:
    """Keep the frame's roll from being sealed over the block (a context manager)."""
    folder = archive.root / frame.roll_folder
    with archive.writing(), storing(folder), opened(folder) as descriptor:
        lock(descriptor, shared=True)
        yield


@contextmanager
def sealing_roll(archive: Archive, frame: FrameId) -> Iterator[bool]:
    """Keep every frame of the roll from being changed over the block; False if the file system has no locks."""
    folder = archive.root / frame.roll_folder
    with archive.writing(), storing(folder), opened(folder) as descriptor:
        yield lock(descriptor)


def reopen(archive: Archive, frame: FrameId) -> None:
    """Let a sealed roll take revisions of its frames; call it within `changing_roll`. An open roll stays as it is.

    Raises
    ------
    IntegrityError
        A file beside the payload is not as the roll was sealed: a new seal must not hide this.
    RollSealedError
        The roll lost the mark that it was sealed.
    """
    archive.require_mark(frame)
    if not archive.is_sealed(frame) or archive.is_reopened(frame):
        return
    folder = archive.root / frame.roll_folder
    with storing(folder), opened(folder / EVENTS.parent) as descriptor:
        lock(descriptor)
        if archive.is_reopened(frame):
            return
        problems = list(changed_tags(folder))
        if problems and not archive.is_reopened(frame):
            raise IntegrityError("; ".join(map(str, problems)))
        noted = Reopening(
            generation=generation_of(folder),
            tag_manifests=tag_manifest_digests(folder),
            events_bytes=(folder / EVENTS).stat().st_size,
        )
        try:
            publish_bytes(folder / REOPENED, noted.to_json())
        except FrameExistsError:
            # Another process was faster, on a file system without locks.
            return
    archive.append_events(frame, [reopening_event(frame, noted)])


def reopening_event(frame: FrameId, noted: Reopening) -> Event:
    """Return the event that a roll was reopened."""
    roll = frame.roll_folder.as_posix()
    detail = EventDetail(generation=noted.generation)
    return Event(type=EventType.REOPENING, frame=roll, about=REOPENED, detail=detail)
