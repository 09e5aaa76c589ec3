"""The archive tree: where each file of a frame lies, and how it gets there whole or not at all."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from daemon.atomic_file import (
    CHUNK_BYTES,
    Digest,
    Published,
    hash_file,
    make_folders,
    publish,
    publish_bytes,
    publish_together,
    remove_abandoned_parts,
)
from daemon.disk import free_bytes
from daemon.encode import write_access_jpeg, write_mask_png
from daemon.errors import (
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    SourceChangedError,
    reading_source,
)
from daemon.events import Event, EventType, append_events
from daemon.frame_id import FrameId
from daemon.metadata import capture_tags, original_title
from daemon.roll_record import write_roll_record
from daemon.sidecar import Role, Sidecar, StoredFile
from daemon.verify import Problem, check_file, verify_folder
from drivers.base import Capture
from drivers.film_writer import TiffTags, write_tiff

MASTER_MODE: Final = 0o440
_SUFFIXES: Final = {Role.RAW: "raw", Role.INFRARED: "ir"}
_ENDINGS: Final = {Role.CLEAN: "clean.tif", Role.MASK: "mask.png", Role.ACCESS: "access.jpg"}
_FILE_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class RevisionContent:
    """What a new revision consists of.

    Attributes
    ----------
    number : int
        Revision number, from 1.
    rgb : (rows, cols, 3) ndarray of uint16
        The cleaned picture.
    defect_mask : (rows, cols) ndarray of bool
        Every pixel that was changed.
    access : (rows, cols, 3) ndarray of uint8
        The preview, sRGB.
    tags : TiffTags
        What the cleaned TIFF says about itself.
    """

    number: int
    rgb: npt.NDArray[np.uint16]
    defect_mask: npt.NDArray[np.bool_]
    access: npt.NDArray[np.uint8]
    tags: TiffTags


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """The files of a revision, and how long each took to encode, write and sync."""

    files: tuple[StoredFile, ...]
    seconds: dict[str, float]


class Archive:
    """The tree `<root>/<collection>/<box>/<roll>/`.

    Every method that writes raises `StorageFullError` or `ArchiveUnwritableError` when the disk does not take it, and
    leaves nothing half-written behind.

    Parameters
    ----------
    root : Path
        Top of the tree; made when the first frame comes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, frame: FrameId) -> Path:
        """Return the folder of a frame."""
        return self.root / frame.folder

    def sidecar_path(self, frame: FrameId) -> Path:
        """Return where the sidecar of a frame lies."""
        return self.folder(frame) / f"{frame.stem}.json"

    def original_path(self, frame: FrameId, role: Role) -> Path | None:
        """Return where the raw or infrared file of a frame lies, None where it has none."""
        found = sorted(self.folder(frame).glob(f"{frame.stem}_{_SUFFIXES[role]}.*"))
        return found[0] if found else None

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
        target = self.folder(frame) / f"{frame.stem}_{_SUFFIXES[role]}{ending}"
        self._prepare(frame, target, role)
        with _open_source(source) as file:
            published = publish(target, lambda out: _copy_unchanged(source, file, out), mode=MASTER_MODE)
        stored = _stored(role, target, published.digest, source.name)
        self._note_original(frame, EventType.INGESTION, stored, published)
        return stored

    def store_capture(self, frame: FrameId, capture: Capture) -> tuple[StoredFile, ...]:
        """Write what a scanner delivered: the raw picture and, where there is one, the infrared plane.

        Raises
        ------
        FrameExistsError
            The frame has another original already.
        """
        planes = [(Role.RAW, capture.rgb), (Role.INFRARED, capture.infrared)]
        return tuple(self._store_plane(frame, capture, role, plane) for role, plane in planes if plane is not None)

    def stored_originals(self, frame: FrameId) -> tuple[StoredFile, ...]:
        """Return the originals as they lie on the disk now, hashed anew.

        Raises
        ------
        FrameMissingError
            There is no raw file.
        """
        paths = [(role, self.original_path(frame, role)) for role in (Role.RAW, Role.INFRARED)]
        if paths[0][1] is None:
            raise FrameMissingError(f"{self.folder(frame)}: expected {frame.stem}_raw.*, found no such file")
        return tuple(_stored(role, path, hash_file(path), None) for role, path in paths if path is not None)

    def store_revision(self, frame: FrameId, content: RevisionContent) -> StoredRevision:
        """Write the files of a revision side by side; files of that number that no sidecar names are replaced.

        Raises
        ------
        FrameExistsError
            The sidecar names this revision already.
        """
        if self.is_complete(frame) and content.number in {r.number for r in self.read_sidecar(frame).revisions}:
            raise FrameExistsError(f"{self.sidecar_path(frame)}: expected no revision {content.number}, found it")
        make_folders(self.folder(frame))
        paths = {
            role: self.folder(frame) / f"{frame.stem}_r{content.number:02d}_{ending}"
            for role, ending in _ENDINGS.items()
        }
        dpi = content.tags.resolution_dpi
        done = publish_together(
            {
                paths[Role.CLEAN]: lambda file: write_tiff(file, content.rgb, content.tags),
                paths[Role.MASK]: lambda file: write_mask_png(file, content.defect_mask),
                paths[Role.ACCESS]: lambda file: write_access_jpeg(file, content.access, dpi),
            }
        )
        files = tuple(_stored(role, path, done[path][0], None) for role, path in paths.items())
        self.append_events(frame, [_creation(frame, file) for file in files])
        return StoredRevision(files, {f"write_{role}": done[path][1] for role, path in paths.items()})

    def write_sidecar(self, frame: FrameId, sidecar: Sidecar) -> Path:
        """Write the sidecar, and with it declare the frame complete."""
        path = self.sidecar_path(frame)
        publish_bytes(path, sidecar.to_json(), replace=True)
        return path

    def is_complete(self, frame: FrameId) -> bool:
        """Return whether the frame has its sidecar."""
        return self.sidecar_path(frame).is_file()

    def read_sidecar(self, frame: FrameId) -> Sidecar:
        """Return the sidecar of a frame.

        Raises
        ------
        FrameMissingError
            It has none.
        IntegrityError
            What lies there is no sidecar.
        """
        path = self.sidecar_path(frame)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise FrameMissingError(f"{path}: expected a sidecar, found no file") from error
        return Sidecar.from_json(content, str(path))

    def next_number(self, collection: str, box: str, roll: str) -> int:
        """Return the frame number after the highest that has a folder in the roll."""
        first = FrameId(collection, box, roll, 1)
        return max((frame.number for frame in self._frames_of(self.root / first.roll_folder)), default=0) + 1

    def frames(self) -> Iterator[FrameId]:
        """Yield every frame that has a folder, complete or not."""
        for roll in sorted(self.root.glob("*/*/*")):
            yield from self._frames_of(roll)

    def remove_leftovers(self, frames: Iterable[FrameId] | None = None) -> int:
        """Remove temporary files of writers that died; return how many.

        Parameters
        ----------
        frames : iterable of FrameId, optional
            The frames to look at, for an archive that is too large to walk at every start; default all.
        """
        folders = {self.folder(frame) for frame in (self.frames() if frames is None else frames)}
        folders |= {folder.parent.parent / "metadata" for folder in folders}
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
        return verify_folder(self.folder(frame), self.read_sidecar(frame))

    def verify_original(self, frame: FrameId, stored: StoredFile) -> Problem | None:
        """Read one file back from the disk: what has to be asked before its source may be let go."""
        return check_file(self.folder(frame), stored)

    def append_events(self, frame: FrameId, events: Iterable[Event]) -> None:
        """Append to the `events.jsonl` of the frame's roll."""
        metadata = self.root / frame.roll_folder / "metadata"
        make_folders(metadata)
        append_events(metadata / "events.jsonl", events)

    def free_bytes(self) -> int:
        """Return how much the archive's disk still takes."""
        return free_bytes(self.root)

    def _prepare(self, frame: FrameId, target: Path, role: Role) -> None:
        make_folders(target.parent)
        write_roll_record(self.root / frame.roll_folder / "metadata", frame)
        other = self.original_path(frame, role)
        if other not in (None, target):
            raise FrameExistsError(f"{target}: expected no other {role} file, found {other}")

    def _store_plane(self, frame: FrameId, capture: Capture, role: Role, plane: npt.NDArray[np.uint16]) -> StoredFile:
        target = self.folder(frame) / f"{frame.stem}_{_SUFFIXES[role]}.tif"
        self._prepare(frame, target, role)
        tags = capture_tags(original_title(frame, _SUFFIXES[role]), capture.info, colour=role is Role.RAW)
        published = publish(target, lambda file: write_tiff(file, plane, tags), mode=MASTER_MODE)
        stored = _stored(role, target, published.digest, None)
        self._note_original(frame, EventType.CAPTURE, stored, published)
        return stored

    def _note_original(self, frame: FrameId, how: EventType, stored: StoredFile, published: Published) -> None:
        detail = {"original_name": stored.original_name, "size_bytes": stored.size_bytes, "new": published.created}
        digests = {"sha256": stored.sha256, "sha512": stored.sha512}
        self.append_events(
            frame,
            [
                Event(type=how, frame=str(frame), about=stored.name, detail=detail),
                Event(type=EventType.DIGEST, frame=str(frame), about=stored.name, detail=digests),
            ],
        )

    def _frames_of(self, roll: Path) -> Iterator[FrameId]:
        for folder in sorted((roll / "data").glob("*_[0-9][0-9][0-9][0-9]")):
            try:
                yield FrameId.from_folder(folder.relative_to(self.root))
            except FrameIdError:
                continue


def _open_source(source: Path) -> io.FileIO:
    with reading_source(source):
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        return io.FileIO(descriptor, "rb")


def _copy_unchanged(source: Path, file: io.FileIO, target: BinaryIO) -> None:
    before = os.fstat(file.fileno())
    buffer = memoryview(bytearray(CHUNK_BYTES))
    while count := _read_source(source, file, buffer):
        target.write(buffer[:count])
    with reading_source(source):
        after = source.lstat()
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
        raise SourceChangedError(
            f"{source}: expected it to stay as it was, found {after.st_size} instead of {before.st_size} bytes "
            "or a later change"
        )


def _read_source(source: Path, file: io.FileIO, buffer: memoryview) -> int:
    with reading_source(source):
        return file.readinto(buffer) or 0


def _stored(role: Role, path: Path, digest: Digest, original_name: str | None) -> StoredFile:
    return StoredFile(
        role=role,
        name=path.name,
        size_bytes=digest.size_bytes,
        sha256=digest.sha256,
        sha512=digest.sha512,
        original_name=original_name,
    )


def _creation(frame: FrameId, file: StoredFile) -> Event:
    detail = {"sha256": file.sha256, "sha512": file.sha512, "is_derived_from": f"{frame.stem}_raw"}
    return Event(type=EventType.CREATION, frame=str(frame), about=file.name, detail=detail)
