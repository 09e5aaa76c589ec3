"""What can be wrong with a film file, named by what the caller can do about it.

    DriverError
      FilmFileError               any of the below; the message names the file, what was expected and what was found
        FileTruncatedError        wait: more may come; once the file has long stopped growing, set it aside
        NotAFilmScanError         set aside: this is no picture of film that the station can clean
        AmbiguousLayoutError      ask: a person or the watch profile must say which plane is which
        PlaneMismatchError        ask: picture and infrared do not belong together

A file that vanishes or cannot be opened gives the OSError of the system.
"""

from __future__ import annotations

from pathlib import Path

from filmscand.drivers.base import DriverError

SUFFIXES = frozenset({".tif", ".tiff", ".dng"})


class FilmFileError(DriverError):
    """A film file that cannot be read into a capture.

    Attributes
    ----------
    path : Path
        The file at fault.
    """

    def __init__(self, path: Path, *, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}")
        self.path = path
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.path, self.expected, self.found)


class FileTruncatedError(FilmFileError):
    """The file ends, or is still empty, where its own tables say that there is more."""


class NotAFilmScanError(FilmFileError):
    """The file holds no picture of film that can be cleaned."""


class AmbiguousLayoutError(FilmFileError):
    """The file can be understood in more than one way."""


class PlaneMismatchError(FilmFileError):
    """Picture and infrared plane do not cover the same frame."""


def _rebuilt(kind: type[FilmFileError], path: Path, expected: str, found: str) -> FilmFileError:
    return kind(path, expected=expected, found=found)
