"""All files of a roll that belong together, with their digests: what an OCFL object or a ZIP file of the roll holds.

Of an open roll these are the files that its sidecars name, the sidecars, and the records of the roll. A sealed roll is
a bag: everything in it belongs to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from filmscand.daemon.archive.files.atomic_file import PART_PREFIX, Digest, HashingFile, hash_file
from filmscand.daemon.archive.files.source_file import copy_unchanged, open_below
from filmscand.daemon.archive.frames.frame_folder import frames_of
from filmscand.daemon.archive.records.bag import DECLARATION
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, IntegrityError, reading_source
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.visible import message_of

_METADATA: Final = "metadata"


@dataclass(frozen=True, slots=True)
class RollFile:
    """A file of a roll.

    Attributes
    ----------
    name : str
        Its path below the roll's folder, `/` between the parts.
    path : Path
        Where it lies in the archive, below its top.
    digest : Digest
        Its size and hashes: those of the sidecar where it names the file, else as it is now.
    """

    name: str
    path: Path
    digest: Digest


@dataclass(frozen=True, slots=True)
class RollContent:
    """A roll as it is given away.

    Attributes
    ----------
    roll : Path
        Its folder below the archive.
    frames : int
        Number of complete frames.
    files : tuple of RollFile
        Its files by name.
    left_out : tuple of (FrameId, str)
        Frames that are not complete, each with the reason.
    """

    roll: Path
    frames: int
    files: tuple[RollFile, ...]
    left_out: tuple[tuple[FrameId, str], ...]

    @property
    def state(self) -> str:
        """Hexadecimal digest of names and contents."""
        lines = (f"{file.digest.sha512} {file.name}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def roll_content(archive: Archive, roll: Path) -> RollContent:
    """Return what a roll holds; records and whatever no sidecar names are read for their digests.

    Raises
    ------
    SourceChangedError, SourceUnreadableError
        A file is gone, or the archive's disk cannot be read.
    """
    digests: dict[str, Digest] = {}
    left_out: list[tuple[FrameId, str]] = []
    names: set[str] = set()
    frames = list(frames_of(archive.root, archive.root / roll))
    for frame in frames:
        try:
            sidecar = archive.read_sidecar(frame)
            for file in sidecar.files:
                archive.frame_folder(frame).require_own(file)
        except DaemonError as error:
            left_out.append((frame, message_of(error)))
            continue
        within = frame.folder.relative_to(roll)
        digests |= {
            (within / one.name).as_posix(): Digest(one.size_bytes, one.sha256, one.sha512) for one in sidecar.files
        }
        names.add((within / f"{frame.stem}.json").as_posix())
    names |= digests.keys() | set(_others(archive.root / roll))
    with reading_source(archive.root / roll):
        files = tuple(
            RollFile(name, roll / name, digests.get(name) or hash_file(archive.root / roll / name))
            for name in sorted(names)
        )
    return RollContent(roll, len(frames) - len(left_out), files, tuple(left_out))


def copy_checked(root: Path, file: RollFile, target: BinaryIO) -> None:
    """Copy a file of the archive to an open file.

    Raises
    ------
    IntegrityError
        It is not as it was recorded.
    SourceChangedError, SourceUnreadableError
        It is gone or cannot be read.
    """
    with open_below(root, file.path.as_posix()) as source, HashingFile(target) as hashing:
        copy_unchanged(root / file.path, source, cast(BinaryIO, hashing))
        found = hashing.digest()
    if found != file.digest:
        raise IntegrityError(
            f"{root / file.path}: expected {file.digest.size_bytes} bytes with SHA-256 {file.digest.sha256}, found "
            f"{found.size_bytes} with {found.sha256}; the roll is not given away. Run `filmscand verify`"
        )


def _others(folder: Path) -> Iterator[str]:
    """Yield the records of a roll, and of a bag every other file."""
    sealed = (folder / DECLARATION).is_file()
    for path in _plain_files(folder.rglob("*") if sealed else (folder / _METADATA).glob("*")):
        yield path.relative_to(folder).as_posix()


def _plain_files(paths: Iterable[Path]) -> Iterator[Path]:
    return (
        path for path in paths if path.is_file() and not path.is_symlink() and not path.name.startswith(PART_PREFIX)
    )
