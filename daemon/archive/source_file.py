"""Opens source files that other people and programs may change, without following links, and copies them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from filmscand.daemon.archive.atomic_file import CHUNK_BYTES, Digest, HashingFile, copy
from filmscand.daemon.core.errors import SourceChangedError, reading_source
from filmscand.daemon.station.folders import sync_descriptor

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
# Linux answers ENOTDIR where a link stands in place of a folder.
_LINK = frozenset({errno.ELOOP, errno.ENOTDIR})


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
    descriptor = os.open(root, _FOLDER)
    try:
        for depth, name in enumerate(parts, 1):
            below = _step(descriptor, name, root.joinpath(*parts[:depth]), make=make)
            os.close(descriptor)
            descriptor = below
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
    with open_below(root, path) as file, reading_source(root / path), HashingFile() as hashing:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        copy(cast(BinaryIO, file), cast(BinaryIO, hashing))
        return hashing.digest()


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


def _step(folder: int, name: str, path: Path, *, make: bool) -> int:
    try:
        made = make and _make_folder(folder, name)
        below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno in _LINK and stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "a link stands here, and links are not followed", str(path)) from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    if made:
        _give_rights(folder, below)
    return below


def _give_rights(above: int, below: int) -> None:
    """Give a new folder group and mode of the folder above it; a share without Unix permissions keeps its own."""
    wanted = os.fstat(above)
    mode = stat.S_IMODE(wanted.st_mode) & ~stat.S_ISVTX
    with contextlib.suppress(PermissionError):
        if os.fstat(below).st_gid != wanted.st_gid:
            os.fchown(below, -1, wanted.st_gid)
    # systemd's RestrictSUIDSGID forbids to name the setgid bit, which hands down the group; here it was given by name.
    for allowed in (mode, mode & ~stat.S_ISGID):
        if stat.S_IMODE(os.fstat(below).st_mode) != mode:
            with contextlib.suppress(PermissionError):
                os.fchmod(below, allowed)


def _make_folder(folder: int, name: str) -> bool:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return False
    sync_descriptor(folder)
    return True


def _regular(source: Path, descriptor: int) -> io.FileIO:
    # FileIO refuses a folder, and would leave its descriptor open.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise SourceChangedError(f"{source}: expected a regular file, found something else")
    return io.FileIO(descriptor, "rb")


def _read_source(source: Path, file: io.FileIO, buffer: memoryview) -> int:
    with reading_source(source):
        return file.readinto(buffer) or 0
