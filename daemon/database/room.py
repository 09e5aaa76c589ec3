"""Room for the index of the WAL, NAME-shm: SQLite maps it into memory, and a full disk under it kills the process.

SQLite extends the index by one byte in each 4 KiB. Where the disk's blocks are smaller, holes remain, and touching one
on a full disk is a SIGBUS. So the room is tried before the database is opened, and the holes are filled right after.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from filmscand.daemon.core.errors import StorageFullError, TransientError, storing
from filmscand.daemon.database.trouble import DatabaseFullError, full

# Two regions of the index: more than 8000 pages of the WAL, which SQLite empties every 1000 pages.
_INDEX_BYTES = 64 << 10
_FILL = "import os, sys; os.posix_fallocate(os.open(sys.argv[1], os.O_RDWR), 0, int(sys.argv[2]))"


def require_room(database: Path) -> None:
    """Make sure that the database can be opened without a fault of its memory.

    Raises
    ------
    DatabaseFullError
        Its disk is full.
    """
    if _is_filled(_index(database)) and _is_in_use(_index(database)):
        return
    try:
        with storing(database.parent, "make room"), tempfile.TemporaryFile(dir=database.parent) as probe:
            os.posix_fallocate(probe.fileno(), 0, _INDEX_BYTES)
    except StorageFullError as error:
        raise full(database, os.strerror(errno.ENOSPC)) from error
    except TransientError:
        # SQLite names what is wrong with a folder that is missing, or may not be written.
        return


def fill_index(database: Path) -> None:
    """Fill the holes of the index of an open database.

    Raises
    ------
    DatabaseFullError
        Its disk has become full.
    """
    index = _index(database)
    try:
        size = index.stat().st_size
    except OSError:
        return
    if not size or _is_filled(index):
        return
    # In a process of its own: closing the file in this one would drop the locks that SQLite holds on it (POSIX).
    command = [sys.executable, "-I", "-S", "-c", _FILL, str(index), str(max(size, _INDEX_BYTES))]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise full(database, "the index of its log cannot be filled")


def room_problem(database: Path) -> str | None:
    """Return why the disk of the database is too full to open it, None if it is not."""
    try:
        require_room(database)
    except DatabaseFullError as error:
        return str(error)
    return None


def _index(database: Path) -> Path:
    return database.with_name(f"{database.name}-shm")


def _is_filled(index: Path) -> bool:
    with suppress(OSError):
        state = index.stat()
        return 0 < state.st_size <= state.st_blocks * 512
    return False


def _is_in_use(index: Path) -> bool:
    """Return whether any process has the database open: the first one to open it cuts the index to nothing again."""
    with suppress(OSError):
        state = index.stat()
        file = f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}:{state.st_ino}"
        return file in Path("/proc/locks").read_text().split()
    return False
