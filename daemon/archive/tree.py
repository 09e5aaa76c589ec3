"""The archive tree: where each file of a frame lies, and how it gets there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from filmscand.daemon.archive.atomic_file import (
    Published,
    Writer,
    hash_file,
    make_folders,
    publish,
    publish_bytes,
    publish_in_order,
    remove_abandoned_parts,
)
from filmscand.daemon.archive.bag import DECLARATION
from filmscand.daemon.archive.events import Event, EventDetail, EventType, append_events
from filmscand.daemon.archive.frame_folder import ORIGINAL_SUFFIXES, FrameFolder
from filmscand.daemon.archive.metadata import capture_tags, original_title
from filmscand.daemon.archive.revisions import RevisionContent, StoredRevision, publish_revision
from filmscand.daemon.archive.roll_record import write_roll_record
from filmscand.daemon.archive.sidecar import Sidecar, stored_file
from filmscand.daemon.archive.source_file import copy_unchanged, open_source
from filmscand.daemon.archive.verify_frame import Problem, check_file, verify_folder
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    RollSealedError,
    storing,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.station.disk import free_bytes
from filmscand.daemon.station.folders import anchor_of, anchored, opened, sync_descriptor
from filmscand.daemon.station.marker import Identity, open_archive
from filmscand.drivers.base import Capture
from filmscand.drivers.files.writer import write_tiff

MASTER_MODE: Final = 0o440
_FILE_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class Archive:
    """The tree `<root>/<collection>/<box>/<roll>/`.

    Every method that writes raises `StorageFullError` or `ArchiveUnwritableError` when the disk does not take it, and
    `RollSealedError` when the roll is sealed, and leaves nothing half-written behind.

    Parameters
    ----------
    root : Path
        Top of the tree.
    identity : Identity, optional
        The ids of the station's database. Every method that writes, or on whose answer a write depends, requires them
        in the archive's marker and raises `ArchiveMissingError` where they are not; the top is never made. Without
        them, for tools that have no station, the top is made when the first frame comes.
    """

    def __init__(self, root: Path, identity: Identity | None = None) -> None:
        self.root = root
        self._identity = identity

    def require_present(self) -> None:
        """Require the archive at its place; see `station.marker.open_archive` for the errors."""
        if self._identity is not None:
            with open_archive(self.root, self._identity):
                pass

    def frame_folder(self, frame: FrameId) -> FrameFolder:
        """Return the folder of a frame and the paths of its files."""
        return FrameFolder(self.root, frame)

    def is_sealed(self, frame: FrameId) -> bool:
        """Return whether the frame's roll is sealed."""
        mark = frame.roll_folder / DECLARATION
        with storing(self.root / mark, "read"), self._reading() as root:
            return (root / mark).exists()

    def require_open(self, frame: FrameId) -> None:
        """Require that the frame's roll still takes something.

        Raises
        ------
        RollSealedError
            It is sealed.
        """
        if self.is_sealed(frame):
            raise RollSealedError(f"{self.root / frame.roll_folder}: the roll is sealed and takes nothing more")

    def copy_original(self, frame: FrameId, source: Path, role: Role) -> StoredFile:
        """Copy a watched file into the archive, byte for byte, read once and hashed in passing.

        Done again with the same content it changes nothing.

        Raises
        ------
        SourceChangedError
            The source changed while it was copied, went, or is no plain file.
        SourceUnreadableError
            Its disk or share does not answer.
        FrameExistsError
            The frame has another original already.
        """
        ending = source.suffix.lower().replace(".tiff", ".tif")
        if not _FILE_ENDING.fullmatch(ending):
            raise FrameIdError(f"{source}: expected a file name with an ending of a few letters, found {source.name!r}")
        target = self.frame_folder(frame).original_target(role, ending)
        with self._writing():
            self._prepare(frame, target, role)
            with open_source(source) as file:
                published = publish(target, lambda out: copy_unchanged(source, file, out), mode=MASTER_MODE)
            stored = stored_file(role, target, published.digest, source.name)
            self._note_original(frame, EventType.INGESTION, stored, published)
        return stored

    def store_capture(self, frame: FrameId, capture: Capture) -> tuple[StoredFile, ...]:
        """Write what a scanner delivered: the raw picture and, where there is one, the infrared plane.

        The picture gets its name last: where it lies, the capture is whole.

        Raises
        ------
        FrameExistsError
            The frame has another original already.
        """
        offered = {Role.INFRARED: capture.infrared, Role.RAW: capture.rgb}
        planes = {role: plane for role, plane in offered.items() if plane is not None}
        targets = {role: self.frame_folder(frame).original_target(role, ".tif") for role in planes}
        writers = {target: _plane_writer(frame, role, planes[role], capture) for role, target in targets.items()}
        with self._writing():
            for role, target in targets.items():
                self._prepare(frame, target, role)
            published = publish_in_order(writers, mode=MASTER_MODE)
            stored = {role: stored_file(role, target, published[target].digest) for role, target in targets.items()}
            for role, file in stored.items():
                self._note_original(frame, EventType.CAPTURE, file, published[targets[role]])
        return tuple(reversed(stored.values()))

    def reserve(self, frame: FrameId) -> bool:
        """Take a frame number by making the frame's folder; False if the folder is there already.

        Of several stations, sessions and watch folders that try, exactly one succeeds.
        """
        folder = self.frame_folder(frame).path
        with self._writing(), storing(folder):
            self.require_open(frame)
            make_folders(folder.parent)
            with opened(folder.parent) as parent:
                try:
                    os.mkdir(folder.name, dir_fd=parent)
                except FileExistsError:
                    return False
                sync_descriptor(parent)
        return True

    def release(self, frame: FrameId) -> None:
        """Give a frame number back: remove the frame's folder if it is empty."""
        folder = self.frame_folder(frame).path
        # A folder with files in it, or one that is not there, stays as it is.
        with self._writing(), contextlib.suppress(OSError), opened(folder.parent) as parent:
            os.rmdir(folder.name, dir_fd=parent)

    def find_original(self, frame: FrameId, role: Role) -> Path | None:
        """Return the raw or infrared file of a frame, None where the archive has none; see `require_present`."""
        with self._reading() as root:
            found = FrameFolder(root, frame).original(role)
        return None if found is None else self.frame_folder(frame).path / found.name

    def discard_original(self, frame: FrameId, role: Role) -> None:
        """Remove an original that its claim gives up, and the frame's folder once it is empty."""
        path = self.find_original(frame, role)
        if path is not None:
            with self._writing(), storing(path, "remove"), opened(path.parent) as parent:
                os.unlink(path.name, dir_fd=parent)
        self.release(frame)

    def discard_unfinished(self, frame: FrameId) -> None:
        """Remove what a capture left that was cut off before its picture was stored; a whole capture is left alone."""
        if self.find_original(frame, Role.RAW) is None:
            self.discard_original(frame, Role.INFRARED)

    def stored_originals(self, frame: FrameId) -> tuple[StoredFile, ...]:
        """Return the originals as they lie on the disk now, hashed anew.

        Raises
        ------
        FrameMissingError
            There is no raw file.
        """
        self.require_present()
        folder = self.frame_folder(frame)
        paths = {Role.RAW: folder.raw(), Role.INFRARED: folder.original(Role.INFRARED)}
        with storing(folder.path, "read"):
            return tuple(stored_file(role, path, hash_file(path)) for role, path in paths.items() if path is not None)

    def store_revision(self, frame: FrameId, content: RevisionContent) -> StoredRevision:
        """Write the files of a revision side by side; files of that number that no sidecar names are replaced.

        Raises
        ------
        FrameExistsError
            The sidecar names this revision already.
        """
        folder = self.frame_folder(frame)
        with self._writing():
            self.require_open(frame)
            if self.is_complete(frame) and content.number in {r.number for r in self.read_sidecar(frame).revisions}:
                raise FrameExistsError(f"{folder.sidecar}: expected no revision {content.number}, found it")
            make_folders(folder.path)
            stored = publish_revision(folder, content)
            self.append_events(frame, [_creation(frame, file) for file in stored.files])
        return stored

    def write_sidecar(self, frame: FrameId, sidecar: Sidecar) -> Path:
        """Write the sidecar, and with it declare the frame complete."""
        path = self.frame_folder(frame).sidecar
        with self._writing():
            self.require_open(frame)
            publish_bytes(path, sidecar.to_json(), replace=True)
        return path

    def is_complete(self, frame: FrameId) -> bool:
        """Return whether the frame has its sidecar."""
        with storing(self.frame_folder(frame).path, "read"), self._reading() as root:
            return FrameFolder(root, frame).sidecar.is_file()

    def read_sidecar(self, frame: FrameId) -> Sidecar:
        """Return the sidecar of a frame.

        Raises
        ------
        FrameMissingError
            It has none.
        SchemaTooNewError
            A newer filmscand wrote it.
        IntegrityError
            It is no sidecar.
        """
        path = self.frame_folder(frame).sidecar
        try:
            with self._reading() as root:
                content = FrameFolder(root, frame).sidecar.read_bytes()
        except FileNotFoundError as error:
            raise FrameMissingError(f"{path}: expected a sidecar, found no file") from error
        except OSError as error:
            raise ArchiveUnwritableError(f"{path}: cannot read: {error.strerror}") from error
        return Sidecar.from_json(content, str(path))

    def is_free(self, frame: FrameId) -> bool:
        """Return whether the archive has no folder of a frame."""
        with self._reading() as root:
            return not FrameFolder(root, frame).path.exists()

    def next_number(self, collection: str, box: str, roll: str) -> int:
        """Return the frame number after the highest that has a folder in the roll."""
        first = FrameId(collection, box, roll, 1)
        with storing(self.root / first.roll_folder, "read"), self._reading() as root:
            return max((frame.number for frame in _frames_of(root, root / first.roll_folder)), default=0) + 1

    def frames(self) -> Iterator[FrameId]:
        """Yield every frame that has a folder, complete or not."""
        for roll in sorted(self.root.glob("*/*/*")):
            yield from _frames_of(self.root, roll)

    def remove_leftovers(self, frames: Iterable[FrameId] | None = None) -> int:
        """Remove temporary files of writers that died; return how many.

        Parameters
        ----------
        frames : iterable of FrameId, optional
            The frames to look at, for an archive that is too large to walk at every start; default all.
        """
        folders = {self.frame_folder(frame).path for frame in (self.frames() if frames is None else frames)}
        folders |= {folder.parent.parent / "metadata" for folder in folders}
        if not self.root.is_dir():
            return 0
        with self._writing():
            return sum(remove_abandoned_parts(folder) for folder in folders if folder.is_dir())

    def verify(self, frame: FrameId) -> tuple[Problem, ...]:
        """Read every file of a frame back from the disk and compare it with its recorded hashes.

        Raises
        ------
        FrameMissingError
            The frame is not complete.
        IntegrityError
            What lies there is no sidecar.
        """
        return verify_folder(self.frame_folder(frame).path, self.read_sidecar(frame))

    def verify_original(self, frame: FrameId, stored: StoredFile) -> Problem | None:
        """Read one file back from the disk: what has to be asked before its source may be let go."""
        return check_file(self.frame_folder(frame).path, stored)

    def append_events(self, frame: FrameId, events: Iterable[Event]) -> None:
        """Append to the `events.jsonl` of the frame's roll."""
        metadata = self.root / frame.roll_folder / "metadata"
        with self._writing():
            self.require_open(frame)
            make_folders(metadata)
            append_events(metadata / "events.jsonl", events)

    def free_bytes(self) -> int:
        """Return how much the archive's disk still takes."""
        return free_bytes(self.root)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Require the archive, and let everything in the block happen below the folder whose marker was read."""
        if anchor_of(self.root) is not None:
            yield
            return
        if self._identity is None:
            make_folders(self.root)
        with open_archive(self.root, self._identity) as descriptor, anchored(self.root, descriptor):
            yield

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Path]:
        """Require the archive, and yield a path to the folder whose marker was read, not to what is mounted now."""
        anchor = anchor_of(self.root)
        if anchor is not None:
            yield Path(f"/proc/self/fd/{anchor}")
        elif self._identity is None:
            yield self.root
        else:
            with open_archive(self.root, self._identity) as descriptor:
                yield Path(f"/proc/self/fd/{descriptor}")

    def _prepare(self, frame: FrameId, target: Path, role: Role) -> None:
        self.require_open(frame)
        make_folders(target.parent)
        write_roll_record(self.root / frame.roll_folder / "metadata", frame)
        other = self.find_original(frame, role)
        if other not in (None, target):
            raise FrameExistsError(f"{target}: expected no other {role} file, found {other}")

    def _note_original(self, frame: FrameId, how: EventType, stored: StoredFile, published: Published) -> None:
        detail = EventDetail(original_name=stored.original_name, size_bytes=stored.size_bytes, new=published.created)
        digests = EventDetail(sha256=stored.sha256, sha512=stored.sha512)
        self.append_events(
            frame,
            [
                Event(type=how, frame=str(frame), about=stored.name, detail=detail),
                Event(type=EventType.DIGEST, frame=str(frame), about=stored.name, detail=digests),
            ],
        )


def _frames_of(root: Path, roll: Path) -> Iterator[FrameId]:
    for folder in sorted((roll / "data").glob("*_[0-9][0-9][0-9][0-9]")):
        try:
            yield FrameId.from_folder(folder.relative_to(root))
        except FrameIdError:
            continue


def _plane_writer(frame: FrameId, role: Role, plane: npt.NDArray[np.uint16], capture: Capture) -> Writer:
    tags = capture_tags(original_title(frame, ORIGINAL_SUFFIXES[role]), capture, colour=role is Role.RAW)
    return lambda file: write_tiff(file, plane, tags)


def _creation(frame: FrameId, file: StoredFile) -> Event:
    detail = EventDetail(sha256=file.sha256, sha512=file.sha512, is_derived_from=f"{frame.stem}_raw")
    return Event(type=EventType.CREATION, frame=str(frame), about=file.name, detail=detail)
