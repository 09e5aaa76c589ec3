"""Opens source files that other people and programs may change, without following links, and copies them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from filmscand.daemon.archive.files.atomic_file import CHUNK_BYTES, Digest, hash_open
from filmscand.daemon.core.errors import SourceChangedError, reading_source
from filmscand.daemon.station.folders import descend

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@contextlib.contextmanager
def folder_below(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Open a folder below `root` for a `with` block; a link on the way is never followed.

    Parameters
    ----------
    root : Path
        A folder that the configuration names; it may itself be reached through links.
    parts : sequence of str
        Names of the folders from `root` down; empty for `root`.
    make : bool
        Make missing folders, durably, with the rights of the folder above: who may tidy one may tidy the other.

    Yields
    ------
    int
        Descriptor of the folder.

    Raises
    ------
    OSError
        A folder cannot be opened or made; `filename` is its path. ELOOP: a link stands there.
    """
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        descriptor = descend(top, root, parts, make=make, rights_of_parent=True)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise OSError(errno.ELOOP, "a link stands here, and links are not followed", error.filename) from error
    finally:
        os.close(top)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(root: Path, path: str) -> io.FileIO:
    """Open a regular file below `root` for reading, without following a link anywhere below it; see `open_source`."""
    *folders, name = Path(path).parts
    with reading_source(root / path), folder_below(root, folders) as folder:
        return _regular(root / path, os.open(name, _FILE, dir_fd=folder))


def hash_below(root: Path, path: str, *, from_disk: bool = False) -> Digest:
    """Return size and hashes of a source file below `root`; see `open_below` for the errors.

    Parameters
    ----------
    from_disk : bool
        Drop the file from the page cache first, so that the bytes of the disk or server are read.
    """
    with open_below(root, path) as file, reading_source(root / path):
        return hash_open(file, from_disk=from_disk)


def open_source(source: Path) -> io.FileIO:
    """Open a regular file for reading; links, folders, pipes and devices are refused.

    Raises
    ------
    SourceChangedError
        The file disappeared, or is not a regular file.
    SourceUnreadableError
        Its disk or share does not answer, or does not permit reading.
    """
    with reading_source(source):
        return _regular(source, os.open(source, _FILE))


def copy_unchanged(source: Path, file: io.FileIO, target: BinaryIO) -> None:
    """Copy a whole source file, and make sure that it did not change meanwhile.

    Parameters
    ----------
    source : Path
        Path of the source file.
    file : io.FileIO
        The source file, opened by `open_source`.
    target : BinaryIO
        Receives the bytes.

    Raises
    ------
    SourceChangedError
        Inode, size or time of change differ after the copy.
    SourceUnreadableError
        Its disk or share does not answer.
    """
    before = os.fstat(file.fileno())
    buffer = memoryview(bytearray(CHUNK_BYTES))
    copied = 0
    # Without this limit, a file that grows faster than it is copied would be copied for ever.
    while copied <= before.st_size and (count := _read_source(source, file, buffer)):
        target.write(buffer[:count])
        copied += count
    with reading_source(source):
        after = source.lstat()
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
        raise SourceChangedError(
            f"{source}: the file changed while it was copied, from {before.st_size} to {after.st_size} bytes "
            "or by its time of change"
        )


def _regular(source: Path, descriptor: int) -> io.FileIO:
    # FileIO refuses a folder, and would leave its descriptor open.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceChangedError(f"{source}: expected a regular file, found something else")
    return io.FileIO(descriptor, "rb")


def _read_source(source: Path, file: io.FileIO, buffer: memoryview) -> int:
    with reading_source(source):
        return file.readinto(buffer) or 0
