"""Errors of the service, named by what the caller can do about them.

DaemonError
  ConfigError               the configuration has mistakes: correct the lines that the message names
    HealerUnusableError     the command that heals cannot be started: install it, or correct it
  FrameIdError              a name that the archive cannot hold: choose another
  ModelUnusableError        a model that the station names cannot be used: bring it back, or correct the configuration
  TransientError            nothing is wrong with the frame: try again later, without a limit
    StorageFullError        no space or quota left
    ArchiveUnwritableError  read-only, no permission, gone or faulty
      ArchiveMissingError   the archive is not at its place (not mounted): mount it, nothing is taken meanwhile
        ForeignArchiveError the archive of another station lies there: choose another folder, or adopt it
    SourceUnreadableError   the source's disk or share does not answer
  SourceChangedError        a program still writes the source: let it settle again
  FrameExistsError          another picture has this name: give the frame another number
    RollSealedError         the roll is sealed, nothing can be added: choose another roll
  FrameMissingError         the archive has no such frame
  HealerError               the command that heals failed on this frame: look at its last lines, clean the frame again
  IntegrityError            stored bytes differ from their recorded hash: call a person, change nothing
    SchemaTooNewError       a newer filmscand wrote the record: update filmscand
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path


class DaemonError(Exception):
    """Anything that keeps the service from doing its work."""


class ConfigError(DaemonError):
    """The configuration has mistakes."""


class HealerUnusableError(ConfigError):
    """The command of `cleaning.healer` cannot be started; frames that need it wait."""


class HealerError(DaemonError):
    """The command of `cleaning.healer` did not heal a frame: it failed, took too long, or wrote no such picture."""


class ModelUnusableError(DaemonError):
    """A model file that the configuration names is gone, damaged or another one; frames that need it wait."""


class FrameIdError(DaemonError, ValueError):
    """A name that the archive cannot hold."""


class TransientError(DaemonError):
    """Trying again later may help; nothing is lost meanwhile."""


class StorageFullError(TransientError):
    """The disk or the quota is full."""


class ArchiveUnwritableError(TransientError):
    """The archive is read-only, not permitted, gone or faulty."""


class ArchiveMissingError(ArchiveUnwritableError):
    """The archive's folder or its marker is missing: its disk is most likely not mounted."""


class ForeignArchiveError(ArchiveMissingError):
    """The archive at this place belongs to another station."""


class SourceUnreadableError(TransientError):
    """The disk or share of the source does not answer, or does not permit reading."""


class SourceChangedError(DaemonError):
    """The source changed or disappeared while it was read."""


class FrameExistsError(DaemonError):
    """A file with other content already has this name."""


class RollSealedError(FrameExistsError):
    """The roll is sealed."""


class FrameMissingError(DaemonError):
    """The archive does not have the frame, or not the file that is needed."""


class IntegrityError(DaemonError):
    """Stored bytes differ from their recorded hash."""


class SchemaTooNewError(IntegrityError):
    """A newer filmscand wrote a record, which this version would misread.

    Parameters
    ----------
    record : str
        File and kind of the record: "roll.json: expected a roll record".
    known, found : int
        Newest schema number that this version reads, and the number of the record.
    """

    def __init__(self, record: str, known: int, found: int) -> None:
        super().__init__(
            f"{record} of schema {known} or older, found schema {found} of a newer filmscand. "
            "Update filmscand on this machine; nothing was changed."
        )


class Fault(StrEnum):
    """Whose fault an error is; this decides what becomes of the frame.

    FRAME: the error would come again, so the frame fails, or the file waits for a person. WORLD: a disk, a share, the
    machine or the database; the frame waits. CONFIGURATION: a person has to correct the station's settings or files;
    the frame waits.
    """

    FRAME = "frame"
    WORLD = "world"
    CONFIGURATION = "configuration"


# The database works, and refuses one value: the same statement would fail again.
_ONE_VALUE = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def whose(error: BaseException) -> Fault:
    """Return whose fault an error is: the one place that decides this, for files, frames, workers and sessions."""
    if isinstance(error, (ConfigError, ModelUnusableError)):
        return Fault.CONFIGURATION
    if isinstance(error, _ONE_VALUE):
        return Fault.FRAME
    if isinstance(error, (TransientError, OSError, MemoryError, sqlite3.Error)):
        return Fault.WORLD
    return Fault.FRAME


# Every other failure of a write concerns the disk, the mount or its rights, never the frame.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CHANGED = frozenset({errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENOTDIR, errno.ENXIO})


@contextmanager
def storing(path: Path, deed: str = "write") -> Iterator[None]:
    """Turn every `OSError` of the archive's disk into a `TransientError` (a context manager).

    Parameters
    ----------
    path : Path
        The file or folder concerned, for the message.
    deed : str
        The operation that was tried, for the message: "write".

    Raises
    ------
    StorageFullError
        The disk or the quota is full, or a limit of the file size is reached.
    ArchiveUnwritableError
        Any other error (EROFS, EACCES, EPERM, EIO, ESTALE, EBUSY, ENOENT of an unmounted archive ...).
    """
    try:
        yield
    except OSError as error:
        kind = StorageFullError if error.errno in _FULL else ArchiveUnwritableError
        raise kind(f"{path}: cannot {deed}: {error.strerror or error}") from error


@contextmanager
def reading_source(source: Path) -> Iterator[None]:
    """Turn every `OSError` of reading a source file into an error that tells what to do (a context manager).

    Parameters
    ----------
    source : Path
        The source file, for the message.

    Raises
    ------
    SourceChangedError
        The file disappeared, or is no longer a regular file.
    SourceUnreadableError
        Its disk, share or rights do not permit reading at the moment.
    """
    try:
        yield
    except OSError as error:
        kind = SourceChangedError if error.errno in _CHANGED else SourceUnreadableError
        raise kind(f"{source}: cannot read: {error.strerror or error}") from error
