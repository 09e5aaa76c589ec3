"""Copies a source file that another program may still be writing."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from filmscand.daemon.archive.atomic_file import CHUNK_BYTES
from filmscand.daemon.core.errors import SourceChangedError, reading_source


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
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        file = io.FileIO(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise SourceChangedError(f"{source}: expected a regular file, found something else")
    return file


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


def _read_source(source: Path, file: io.FileIO, buffer: memoryview) -> int:
    with reading_source(source):
        return file.readinto(buffer) or 0
