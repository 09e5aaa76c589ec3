"""The manifest of an export folder: which file shows which frame, and the hash that it was given away with.

A line is written before its file gets its name. So a file that no line names was written by somebody else, and is never
replaced; a line whose file is not there belongs to an export that was killed, and the file is made again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import (
    hash_file,
    make_folders,
    publish_bytes,
    remove_abandoned_parts,
)
from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.core.errors import DaemonError, FrameExistsError, storing
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.station.folders import open_to_append, opened

NAME: Final = "filmscand-export.csv"


class ExportFolderError(DaemonError):
    """The folder cannot take this export: choose another folder."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file that was given away.

    Attributes
    ----------
    file : str
        Its path below the export folder, `/` between the parts.
    frame : str
        The frame that it shows, or the roll that it holds.
    revision : int
        The frame's revision; for a roll the number of its version there.
    picture : str
        What the frame's file was made from: `clean` or `raw`; for a roll `all`.
    sha256 : str
        Hexadecimal digest of the file.
    size_bytes : int
        Its size.
    made_from : str
        Hexadecimal digest of everything that the file depends on: where it is the same, so is the file.
    """

    file: str
    frame: str
    revision: int
    picture: str
    sha256: str
    size_bytes: int
    made_from: str


_EMPTY: Final = hashlib.sha256().hexdigest()
_COLUMNS: Final = tuple(field.name for field in fields(Given))


class GivenAway:
    """What was written into an export folder up to now.

    Parameters
    ----------
    folder : Path
        The export folder.

    Raises
    ------
    ExportFolderError
        Its manifest is another program's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, Given] = {}
        self._written: set[tuple[str, str]] = set()
        for given in _read(folder / NAME):
            self.add(given)

    def add(self, given: Given) -> None:
        """Take note of a line that the manifest has by now."""
        self._last[given.file] = given
        self._written.add((given.file, given.sha256))

    def wrote(self, file: str, sha256: str) -> bool:
        """Return whether an export wrote a file with this content, or was about to."""
        return (file, sha256) in self._written

    def holds(self, file: str, made_from: str) -> bool:
        """Return whether a file was made from this, and is still there as it was made.

        Raises
        ------
        FrameExistsError
            The file is there and was not written by an export, or was changed since then.
        """
        found = _sha256(self._folder / file)
        # On a disk without hard links (exFAT), an export that was killed may leave a name without content.
        if found is None or (found == _EMPTY and file in self._last):
            return False
        if not self.wrote(file, found):
            was = "was changed by another program" if file in self._last else "was not written by filmscand"
            raise FrameExistsError(f"{self._folder / file}: this file {was}; move it away, and export again")
        last = self._last[file]
        return last.made_from == made_from and last.sha256 == found

    def settle(self) -> None:
        """Write the manifest anew, with one line for each file that is there, in the order of their names."""
        there = [self._last[file] for file in sorted(self._last) if os.path.lexists(self._folder / file)]
        publish_bytes(self._folder / NAME, _lines([_COLUMNS, *map(astuple, there)]), replace=True)


def note(folder: Path, given: Given) -> None:
    """Append a line durably to the manifest of an export folder, before its file gets its name."""
    path = folder / NAME
    with storing(path), open_to_append(path) as manifest:
        lock(manifest)
        end = os.fstat(manifest.fileno()).st_size
        head = [_COLUMNS] if end == 0 else []
        # A power cut may have left half a line.
        torn = b"" if end == 0 or read_plain(path).endswith(b"\n") else b"\n"
        manifest.write(torn + _lines([*head, astuple(given)]))
        os.fsync(manifest.fileno())


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Make an export folder, and keep other exports away from it as long as the block runs (a context manager).

    Raises
    ------
    ExportFolderError
        Another export writes there.
    """
    make_folders(folder)
    with storing(folder), opened(folder) as descriptor:
        try:
            lock(descriptor, wait=False)
        except BlockingIOError:
            raise ExportFolderError(f"{folder}: another export writes there; wait until it is done") from None
        # Of an export that was killed.
        remove_abandoned_parts(folder)
        yield


def _read(path: Path) -> Iterator[Given]:
    try:
        content = read_plain(path)
    except FileNotFoundError:
        return
    rows = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
    if content and next(rows, None) != list(_COLUMNS):
        raise ExportFolderError(
            f"{path}: expected the manifest of an export, found another file; choose another folder"
        )
    for row in rows:
        # A torn line has fewer columns, or no number.
        if len(row) == len(_COLUMNS):
            with suppress(ValueError):
                yield Given(row[0], row[1], int(row[2]), row[3], row[4], int(row[5]), row[6])


def _lines(rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _sha256(path: Path) -> str | None:
    try:
        return hash_file(path).sha256
    except FileNotFoundError:
        return None
