"""Advisory locks on open files and folders; a file system without locks lets everybody pass."""

from __future__ import annotations

import errno
import fcntl
from typing import IO, Final

# EBADF: NFS locks only what is open for writing, and a folder never is.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})


def lock(file: IO[bytes] | int, *, wait: bool = True, shared: bool = False) -> bool:
    """Lock an open file until it is closed; return False if the file system has no locks.

    Parameters
    ----------
    file : IO of bytes or int
        The open file, or the descriptor of an open file or folder.
    wait : bool
        Wait until the lock is free; False raises BlockingIOError instead.
    shared : bool
        Share the lock with others that share it; only one that does not share waits for all of them.

    Raises
    ------
    BlockingIOError
        `wait` is False, and another process holds the lock.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True
