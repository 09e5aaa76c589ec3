"""Errors of the service, named by what the caller can do.

DaemonError
  ConfigError               the configuration has mistakes: correct the named lines
  FrameIdError              a name that cannot stand in the archive: choose another
  TransientError            nothing is wrong with the frame: try again later, for ever
    StorageFullError        no space or quota left
    ArchiveUnwritableError  read-only, no permission, gone or faulty
    SourceUnreadableError   the source's disk or share does not answer
  SourceChangedError        somebody is still writing the source: let it settle again
  FrameExistsError          another picture already has this name: give the frame another number
    RollSealedError         the roll is sealed and takes nothing more: give the frame another roll
  FrameMissingError         the archive has no such frame
  IntegrityError            stored bytes differ from their recorded hash: call a human, change nothing
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DaemonError(Exception):
    """Anything that kept the service from doing what it was asked for."""


class ConfigError(DaemonError):
    """The configuration has mistakes."""


class FrameIdError(DaemonError, ValueError):
    """A name that cannot stand in the archive."""


class TransientError(DaemonError):
    """Trying again later may help, and nothing is lost meanwhile."""


class StorageFullError(TransientError):
    """No space or quota is left."""


class ArchiveUnwritableError(TransientError):
    """The archive is read-only, forbidden, gone or faulty."""


class SourceUnreadableError(TransientError):
    """The disk or share of the source does not answer, or forbids reading."""


class SourceChangedError(DaemonError):
    """The source changed or went while it was read."""


class FrameExistsError(DaemonError):
    """A file with other content already has this name."""


class RollSealedError(FrameExistsError):
    """The roll is sealed."""


class FrameMissingError(DaemonError):
    """The archive has no such frame, or not the file that is needed."""


class IntegrityError(DaemonError):
    """Stored bytes differ from their recorded hash."""


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Any other failure of a write says something about the disk, the mount or its rights, never about the frame.
_CHANGED = frozenset({errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENXIO})


@contextmanager
def storing(path: Path, deed: str = "write") -> Iterator[None]:
    """Turn every `OSError` of the archive's disk near `path` into the transient error that it is.

    Parameters
    ----------
    deed : str
        What was tried, for the message.

    Raises
    ------
    StorageFullError
        No space, no quota, or a file-size limit reached.
    ArchiveUnwritableError
        Everything else (EROFS, EACCES, EPERM, EIO, ESTALE, EBUSY, ENOENT of an unmounted archive ...).
    """
    try:
        yield
    except OSError as error:
        kind = StorageFullError if error.errno in _FULL else ArchiveUnwritableError
        raise kind(f"{path}: cannot {deed}: {error.strerror or error}") from error


@contextmanager
def reading_source(source: Path) -> Iterator[None]:
    """Turn every `OSError` of reading `source` into what the caller can do about it.

    Raises
    ------
    SourceChangedError
        The file went, or is no plain file any more.
    SourceUnreadableError
        Its disk, share or rights do not let it be read now.
    """
    try:
        yield
    except OSError as error:
        kind = SourceChangedError if error.errno in _CHANGED else SourceUnreadableError
        raise kind(f"{source}: cannot read: {error.strerror or error}") from error
