"""The archive tree: writes, reads and verifies the files of frames; each file appears complete or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.files.atomic_file import (
    Writer,
    hash_file,
    make_folders,
    publish,
    publish_bytes,
    publish_in_order,
    remove_abandoned_parts,
)
from filmscand.daemon.archive.files.problem import Problem
from filmscand.daemon.archive.files.source_file import copy_unchanged, open_below, open_source
from filmscand.daemon.archive.frames.frame_folder import ORIGINAL_SUFFIXES, FrameFolder, frames_of
from filmscand.daemon.archive.frames.metadata import capture_tags, original_title
from filmscand.daemon.archive.frames.revisions import RevisionContent, StoredRevision, publish_revision
from filmscand.daemon.archive.frames.verify_frame import check_file, verify_folder
from filmscand.daemon.archive.records.events import (
    Event,
    EventDetail,
    EventType,
    append_events,
    creation_event,
    digests_by_sidecar,
    read_events,
    sidecar_event,
    stored_events,
)
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.records.reopened import (
    WasSealed,
    is_marked_sealed,
    is_reopened,
    require_mark,
    require_open,
    require_revisable,
)
from filmscand.daemon.archive.records.roll_record import write_roll_record
from filmscand.daemon.archive.records.sidecar import Sidecar, stored_file
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    IntegrityError,
    storing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.station.disk import free_bytes
from filmscand.daemon.station.marker import Identity
from filmscand.drivers.base import Capture
from filmscand.drivers.files.writer import write_tiff

MASTER_MODE: Final = 0o440
_FILE_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class Archive:
    """The tree `<root>/<collection>/<box>/<roll>/`.

    Every method that writes raises `StorageFullError` or `ArchiveUnwritableError` if the disk fails and
    `RollSealedError` if the roll is sealed, and never leaves a file half-written. Into a reopened roll go revisions,
    sidecars and events; see `revising`.

    Parameters
    ----------
    root : Path
        Top of the tree.
    identity : Identity, optional
        The ids of the station's database. Every method that writes, or on whose answer a write depends, requires them
        in the archive's marker and raises `ArchiveMissingError` where they are not; the top is never made. Without
        them, for tools that have no station, the top is made when the first frame comes.
    was_sealed : callable, optional
        Tells of a roll's folder, relative to the archive, whether the station remembers that the roll was sealed.
    """

    def __init__(self, root: Path, identity: Identity | None = None, *, was_sealed: WasSealed | None = None) -> None:
        self.root = root
        self._root = ArchiveRoot(root, identity)
        self._was_sealed = was_sealed

    def require_present(self) -> None:
        """Require the archive at its place; see `station.marker.open_archive` for the errors."""
        self._root.require_present()

    def writing(self) -> AbstractContextManager[None]:
        """Require the archive; everything in the block happens below the folder whose marker was read."""
        return self._root.writing()

    def frame_folder(self, frame: FrameId) -> FrameFolder:
        """Return the folder of a frame and the paths of its files."""
        return FrameFolder(self.root, frame)

    def is_sealed(self, frame: FrameId) -> bool:
        """Return whether the frame's roll is sealed."""
        return is_marked_sealed(self._root, frame.roll_folder)

    def require_open(self, frame: FrameId) -> None:
        """Require that the frame's roll is not sealed.

        Raises
        ------
        RollSealedError
            The roll is sealed.
        """
        require_open(self._root, frame.roll_folder, self._was_sealed)

    def is_reopened(self, frame: FrameId) -> bool:
        """Return whether the frame's roll is sealed and reopened for revisions."""
        return is_reopened(self._root, frame.roll_folder)

    def require_mark(self, frame: FrameId) -> None:
        """Require that the frame's roll has the mark of a sealed one, if it was sealed; see `RollSealedError`."""
        require_mark(self._root, frame.roll_folder, self._was_sealed)

    def copy_original(self, frame: FrameId, source: Path, role: Role, *, root: Path | None = None) -> StoredFile:
        """Copy a watched file into the archive byte for byte; it is read once and hashed while it is copied.

        A second call with the same content changes nothing.

        Parameters
        ----------
        root : Path, optional
            The watch folder. Below it no link is followed.

        Raises
        ------
        SourceChangedError
            The source changed while it was copied, is gone, or is no regular file.
        SourceUnreadableError
            The source's disk or share does not answer.
        FrameExistsError
            The frame has another original.
        """
        ending = source.suffix.lower().replace(".tiff", ".tif")
        if not _FILE_ENDING.fullmatch(ending):
            raise FrameIdError(f"{source}: expected a file name with an ending of a few letters, found {source.name!r}")
        target = self.frame_folder(frame).original_target(role, ending)
        with self._root.writing():
            self._prepare(frame, target, role)
            with open_source(source) if root is None else open_below(root, str(source.relative_to(root))) as file:
                published = publish(target, lambda out: copy_unchanged(source, file, out), mode=MASTER_MODE)
            stored = stored_file(role, target, published.digest, source.name)
            self.append_events(frame, stored_events(frame, EventType.INGESTION, stored, is_new=published.created))
        return stored

    def note_roll_name(self, frame: FrameId, original_name: str) -> str:
        """Note the name that the frame's roll got its slug from; return the name that its record keeps.

        Raises
        ------
        IntegrityError
            The roll has a record that cannot be read.
        """
        with self._root.writing():
            self.require_open(frame)
            record = write_roll_record(self.root / frame.roll_folder / "metadata", frame, original_name)
        return record.original_name or original_name

    def note_renaming(self, frame: FrameId, earlier_name: str, stored: StoredFile) -> None:
        """Note in the roll's events that a file of the frame got another name."""
        detail = EventDetail(earlier_name=earlier_name, sha256=stored.sha256, sha512=stored.sha512)
        event = Event(type=EventType.RENAMING, frame=str(frame), about=stored.name, detail=detail)
        self.append_events(frame, [event])

    def store_capture(self, frame: FrameId, capture: Capture) -> tuple[StoredFile, ...]:
        """Write the picture of a scanner and, if there is one, its infrared plane.

        The picture gets its name last: if it exists, the capture is complete.

        Raises
        ------
        FrameExistsError
            The frame has another original.
        """
        offered = {Role.INFRARED: capture.infrared, Role.RAW: capture.rgb}
        planes = {role: plane for role, plane in offered.items() if plane is not None}
        targets = {role: self.frame_folder(frame).original_target(role, ".tif") for role in planes}
        writers = {target: _plane_writer(frame, role, planes[role], capture) for role, target in targets.items()}
        with self._root.writing():
            for role, target in targets.items():
                self._prepare(frame, target, role)
            published = publish_in_order(writers, mode=MASTER_MODE)
            stored = {role: stored_file(role, target, published[target].digest) for role, target in targets.items()}
            for role, file in stored.items():
                created = published[targets[role]].created
                self.append_events(frame, stored_events(frame, EventType.CAPTURE, file, is_new=created))
        return tuple(reversed(stored.values()))

    def reserve(self, frame: FrameId) -> bool:
        """Take a frame number by making the frame's folder; False if the folder is there already.

        Of several stations, sessions and watch folders that try, exactly one succeeds.
        """
        with self._root.writing():
            self.require_open(frame)
            return self._root.make_new(self.frame_folder(frame).path)

    def release(self, frame: FrameId) -> None:
        """Give a frame number back: remove the frame's folder if it is empty."""
        self._root.remove_empty(self.frame_folder(frame).path)

    def find_original(self, frame: FrameId, role: Role) -> Path | None:
        """Return the raw or infrared file of a frame, None where the archive has none; see `require_present`."""
        with self._root.reading() as root:
            found = FrameFolder(root, frame).original(role)
        return None if found is None else self.frame_folder(frame).path / found.name

    def discard_original(self, frame: FrameId, role: Role) -> None:
        """Remove an original that its claim gives up, and the frame's folder once it is empty."""
        path = self.find_original(frame, role)
        if path is not None:
            self._root.remove(path)
        self.release(frame)

    def discard_unfinished(self, frame: FrameId) -> None:
        """Remove the infrared file of a capture whose picture was never stored; keep a complete capture."""
        if self.find_original(frame, Role.RAW) is None:
            self.discard_original(frame, Role.INFRARED)

    def stored_originals(self, frame: FrameId) -> tuple[StoredFile, ...]:
        """Return the records of the originals on the disk, hashed now.

        Raises
        ------
        FrameMissingError
            The frame has no raw file.
        """
        self.require_present()
        folder = self.frame_folder(frame)
        paths = {Role.RAW: folder.raw(), Role.INFRARED: folder.original(Role.INFRARED)}
        with storing(folder.path, "read"):
            return tuple(stored_file(role, path, hash_file(path)) for role, path in paths.items() if path is not None)

    def store_revision(self, frame: FrameId, content: RevisionContent) -> StoredRevision:
        """Write the files of a revision in parallel; files of this number that the sidecar does not name are replaced.

        Raises
        ------
        FrameExistsError
            The sidecar names this revision.
        """
        folder = self.frame_folder(frame)
        with self._root.writing():
            self._require_revisable(frame)
            if self.is_complete(frame) and content.number in {r.number for r in self.read_sidecar(frame).revisions}:
                raise FrameExistsError(f"{folder.sidecar}: expected no revision {content.number}, found it")
            make_folders(folder.path)
            stored = publish_revision(folder, content)
            self.append_events(frame, [creation_event(frame, file) for file in stored.files])
        return stored

    def write_sidecar(self, frame: FrameId, sidecar: Sidecar) -> Path:
        """Write the sidecar; with it the frame is complete."""
        path = self.frame_folder(frame).sidecar
        content = sidecar.to_json()
        with self._root.writing():
            self._require_revisable(frame)
            # The event comes first: a sidecar that no event names was not written by filmscand.
            self.append_events(frame, [sidecar_event(frame, path.name, content)])
            publish_bytes(path, content, replace=True)
        return path

    def is_complete(self, frame: FrameId) -> bool:
        """Return whether the frame has its sidecar."""
        with storing(self.frame_folder(frame).path, "read"), self._root.reading() as root:
            return FrameFolder(root, frame).sidecar.is_file()

    def read_sidecar(self, frame: FrameId) -> Sidecar:
        """Return the sidecar of a frame.

        Raises
        ------
        FrameMissingError
            The frame has no sidecar.
        SchemaTooNewError
            A newer filmscand wrote it.
        IntegrityError
            It is no sidecar.
        """
        path = self.frame_folder(frame).sidecar
        try:
            with self._root.reading() as root:
                content = read_plain(FrameFolder(root, frame).sidecar)
        except FileNotFoundError as error:
            raise FrameMissingError(f"{path}: expected a sidecar, found no file") from error
        except OSError as error:
            raise ArchiveUnwritableError(f"{path}: cannot read: {error.strerror}") from error
        return Sidecar.from_json(content, str(path))

    def require_known_sidecars(self, frames: Sequence[FrameId]) -> None:
        """Require that the events of a roll tell of these frames' sidecars; earlier versions wrote no such events.

        Raises
        ------
        IntegrityError
            One was changed or replaced.
        """
        written = digests_by_sidecar(read_events(self.root / frames[0].roll_folder / EVENTS))
        for path in (self.frame_folder(frame).sidecar for frame in frames):
            with storing(path, "read"):
                found = hash_file(path).sha256
            if found not in written.get(path.name, [found]):
                raise IntegrityError(f"{path}: expected a sidecar that filmscand wrote, found SHA-256 {found}")

    def is_free(self, frame: FrameId) -> bool:
        """Return whether the archive has no folder for a frame."""
        with self._root.reading() as root:
            return not FrameFolder(root, frame).path.exists()

    def next_number(self, collection: str, box: str, roll: str) -> int:
        """Return the highest frame number with a folder in the roll, plus 1; 1 for an empty roll."""
        first = FrameId(collection, box, roll, 1)
        with storing(self.root / first.roll_folder, "read"), self._root.reading() as root:
            return max((frame.number for frame in frames_of(root, root / first.roll_folder)), default=0) + 1

    def frames(self) -> Iterator[FrameId]:
        """Yield every frame that has a folder, complete or not."""
        for roll in sorted(self.root.glob("*/*/*")):
            yield from frames_of(self.root, roll)

    def remove_leftovers(self, frames: Iterable[FrameId] | None = None) -> int:
        """Remove temporary files of dead writers; return how many.

        Parameters
        ----------
        frames : iterable of FrameId, optional
            The frames to check, because a large archive takes too long to walk at every start; default: all.
        """
        folders = {self.frame_folder(frame).path for frame in (self.frames() if frames is None else frames)}
        rolls = {folder.parent.parent for folder in folders}
        folders |= rolls | {roll / "metadata" for roll in rolls}
        if not self.root.is_dir():
            return 0
        with self._root.writing():
            return sum(remove_abandoned_parts(folder) for folder in folders if folder.is_dir())

    def verify(self, frame: FrameId) -> tuple[Problem, ...]:
        """Read every file of a frame back from the disk and compare it with its recorded hashes.

        Raises
        ------
        FrameMissingError
            The frame has no sidecar.
        IntegrityError
            The sidecar cannot be read.
        """
        return verify_folder(self.frame_folder(frame).path, self.read_sidecar(frame))

    def verify_original(self, frame: FrameId, stored: StoredFile) -> Problem | None:
        """Read one original back from the disk and compare it; None if it is as recorded.

        Call it before the source is put away.
        """
        return check_file(self.frame_folder(frame).path, stored)

    def append_events(self, frame: FrameId, events: Iterable[Event]) -> None:
        """Append to the `events.jsonl` of the frame's roll."""
        file = self.root / frame.roll_folder / EVENTS
        with self._root.writing():
            self._require_revisable(frame)
            make_folders(file.parent)
            append_events(file, events)

    def free_bytes(self) -> int:
        """Return the free space of the archive's disk, bytes."""
        return free_bytes(self.root)

    def _prepare(self, frame: FrameId, target: Path, role: Role) -> None:
        self.require_open(frame)
        make_folders(target.parent)
        write_roll_record(self.root / frame.roll_folder / "metadata", frame)
        other = self.find_original(frame, role)
        if other not in (None, target):
            raise FrameExistsError(f"{target}: expected no other {role} file, found {other}")

    def _require_revisable(self, frame: FrameId) -> None:
        require_revisable(self._root, frame.roll_folder, self._was_sealed)


def _plane_writer(frame: FrameId, role: Role, plane: npt.NDArray[np.uint16], capture: Capture) -> Writer:
    tags = capture_tags(original_title(frame, ORIGINAL_SUFFIXES[role]), capture, colour=role is Role.RAW)
    return lambda file: write_tiff(file, plane, tags)
