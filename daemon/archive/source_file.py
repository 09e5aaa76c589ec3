"""Copies a file that somebody else may still be writing."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from filmscand.daemon.archive.atomic_file import CHUNK_BYTES
from filmscand.daemon.core.errors import SourceChangedError, reading_source


def open_source(source: Path) -> io.FileIO:
    """Open a plain file; links, folders and pipes are refused.

    Raises
    ------
    SourceChangedError
        It went, or is no plain file.
    SourceUnreadableError
        Its disk or share does not answer.
    """
    with reading_source(source):
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        file = io.FileIO(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise SourceChangedError(f"{source}: expected a plain file, found something else")
    return file


def copy_unchanged(source: Path, file: io.FileIO, target: BinaryIO) -> None:
    """Copy all of an opened source.

    Raises
    ------
    SourceChangedError
        It is not the file any more that it was at the beginning.
    SourceUnreadableError
        Its disk or share does not answer.
    """
    before = os.fstat(file.fileno())
    buffer = memoryview(bytearray(CHUNK_BYTES))
    copied = 0
    # A file that grows faster than it is copied would never come to its end.
    while copied <= before.st_size and (count := _read_source(source, file, buffer)):
        target.write(buffer[:count])
        copied += count
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
