"""Opens files that must be plain: a link is never followed, and a pipe or a device is never waited for."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from pathlib import Path
from typing import Final

# Kinds of a file that is no plain one, as messages name them.
_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}


class NotAPlainFileError(OSError):
    """Something else than a plain file has the name; `strerror` names the kind that was found."""

    def __init__(self, path: Path, mode: int) -> None:
        found = _KINDS.get(stat.S_IFMT(mode), "a file of an unknown kind")
        super().__init__(errno.EINVAL, f"expected a plain file, found {found}", str(path))


def open_plain(path: Path) -> io.FileIO:
    """Open a plain file for reading.

    Raises
    ------
    NotAPlainFileError
        It is a link, a folder, a pipe, a socket or a device.
    OSError
        It cannot be opened.
    """
    # Asked before opening: opening a device can already do something, such as rewind a tape.
    _require_plain(path, path.lstat().st_mode)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAPlainFileError(path, stat.S_IFLNK) from error
        raise
    file = io.FileIO(descriptor, "rb")
    try:
        _require_plain(path, os.fstat(descriptor).st_mode)
    except BaseException:
        file.close()
        raise
    return file


def read_plain(path: Path) -> bytes:
    """Return the content of a plain file; the errors are those of `open_plain`."""
    with open_plain(path) as file:
        return file.readall() or b""


def digest_of(path: Path, algorithm: str, *, from_disk: bool = False) -> str:
    """Return the digest of a plain file, as hexadecimal digits; the errors are those of `open_plain`.

    Parameters
    ----------
    algorithm : str
        Name of the algorithm for hashlib: "sha512".
    from_disk : bool
        Drop the file from the page cache first, so that the bytes on the disk are read, not a copy in memory.
    """
    with open_plain(path) as file:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _require_plain(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAPlainFileError(path, mode)
