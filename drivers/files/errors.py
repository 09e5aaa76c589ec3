"""Errors of a film file, grouped by what the caller can do about them.

    DriverError
      FilmFileError               base class; the message names the file, what was expected and what was found
        FileTruncatedError        wait: more may come; quarantine the file once it has not grown for long
        NotAFilmScanError         quarantine: this is no picture of film that the station can clean
        AmbiguousLayoutError      ask: a person or the watch profile must say which plane is which
        TooLargeError             quarantine: it needs more memory than a worker may use; raise the limit
        PlaneMismatchError        ask: picture and infrared do not belong together

A file that vanishes or cannot be opened raises the OSError of the system.
"""

from __future__ import annotations

from pathlib import Path

from filmscand.drivers.base import DriverError

TIFF_SUFFIXES = frozenset({".tif", ".tiff", ".dng"})
SUFFIXES = TIFF_SUFFIXES | {".png", ".jpg", ".jpeg"}


class FilmFileError(DriverError):
    """Base class: a film file cannot be read as a capture.

    Attributes
    ----------
    path : Path
        The file.
    expected, found : str
        What the file should contain, and what it contains.
    """

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}")
        self.path = path
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.path, self.expected, self.found)


class FileTruncatedError(FilmFileError):
    """The file is empty, or ends before the data that its own tables announce."""


class NotAFilmScanError(FilmFileError):
    """The file contains no picture of film that can be cleaned."""


class TooLargeError(FilmFileError):
    """The file needs more memory than the process may use."""

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(path, expected=expected, found=found)
        self.args = (f"{path}: {found}",)

    @classmethod
    def of(cls, path: Path, needed_bytes: int, limit_bytes: int) -> TooLargeError:
        """Make the error of a file that needs so many bytes."""
        limit = f"{limit_bytes >> 20} MiB"
        found = f"needs {-(-needed_bytes >> 20)} MiB, the limit is {limit} (workers.memory_limit_mib)"
        return cls(path, expected=f"at most {limit}", found=found)


class AmbiguousLayoutError(FilmFileError):
    """The file can be read in more than one way."""


class PlaneMismatchError(FilmFileError):
    """Picture and infrared plane do not cover the same frame."""


def _rebuild(kind: type[FilmFileError], path: Path, expected: str, found: str) -> FilmFileError:
    return kind(path, expected=expected, found=found)
