"""Checks the structure of a TIFF (header, directories, lengths): all of it must lie within the file.

tifffile skips what it cannot reach, so a half-copied file looks like a valid one with fewer pages: an HDRi file would
lose its infrared silently. This check runs before tifffile opens the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filmscand.drivers.files.errors import FileTruncatedError, NotAFilmScanError

# Most directories that a film file may have.
MAX_DIRECTORIES = 64

_SUB_DIRECTORIES = 330
# Bytes of one value of each TIFF type.
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# First bytes of other kinds of files.
_OTHER_FILES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"GIF8": "a GIF picture",
    b"8BPS": "a Photoshop document",
    b"BM": "a BMP picture",
}


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How this TIFF encodes its numbers: classic or BigTIFF, little or big endian."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> str:
        return self.order + ("HHQ8s" if self.big else "HHI4s")


class _CheckedFile:
    """Reads parts of a file and raises an error for a part that lies beyond its end."""

    def __init__(self, file: BinaryIO, path: Path, size_bytes: int) -> None:
        self.file, self.path, self.size_bytes = file, path, size_bytes

    def read(self, offset: int, length: int, part: str) -> bytes:
        self.require(offset, length, part)
        self.file.seek(offset)
        data = self.file.read(length)
        if len(data) != length:
            raise self.truncated(part, offset + length)
        return data

    def require(self, offset: int, length: int, part: str) -> None:
        if offset + length > self.size_bytes:
            raise self.truncated(part, offset + length)

    def truncated(self, part: str, end_bytes: int) -> FileTruncatedError:
        return FileTruncatedError(
            self.path, expected=f"{part} up to byte {end_bytes}", found=f"a file of {self.size_bytes} bytes"
        )

    def not_a_scan(self, expected: str, found: str) -> NotAFilmScanError:
        return NotAFilmScanError(self.path, expected=expected, found=found)


def check_structure(file: BinaryIO, path: Path, size_bytes: int) -> None:
    """Follow all directories of a TIFF and check that their tables and values lie within the file.

    Parameters
    ----------
    file : binary file object
        Open for reading; its position changes.
    path : Path
        Its name, for messages.
    size_bytes : int
        Length of the file.

    Raises
    ------
    FileTruncatedError
        If a table or value lies beyond the end of the file, or the header is not written yet.
    NotAFilmScanError
        If the file is not a TIFF, or its directories are impossible.
    """
    checked = _CheckedFile(file, path, size_bytes)
    dialect = _read_dialect(checked)
    first_at = 8 if dialect.big else 4
    (first,) = struct.unpack(dialect.offset, checked.read(first_at, struct.calcsize(dialect.offset), "the header"))
    if first == 0:
        raise FileTruncatedError(path, expected="a first directory", found="a header that does not point to one yet")
    seen = set[int]()
    offset, sub_directories = first, list[int]()
    while offset:
        if offset in seen:
            raise checked.not_a_scan("a chain of directories that ends", f"one that returns to byte {offset}")
        offset = _visit(checked, dialect, offset, seen, sub_directories)
    while sub_directories:
        # Some writers list a sub-directory in its parent and also chain it to its sibling.
        offset = sub_directories.pop()
        if offset not in seen and (following := _visit(checked, dialect, offset, seen, sub_directories)):
            sub_directories.append(following)


def _read_dialect(checked: _CheckedFile) -> _Dialect:
    start = checked.read(0, min(checked.size_bytes, 16), "the header")
    if not any(start):
        raise FileTruncatedError(
            checked.path, expected="a TIFF header", found="zeros only" if start else "an empty file"
        )
    for magic, name in _OTHER_FILES.items():
        if start.startswith(magic):
            raise checked.not_a_scan("a TIFF or DNG file", name)
    checked.require(0, 8, "the header")
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack((order or "<") + "H", start[2:4])[0]
    if order is None or version not in (42, 43):
        raise checked.not_a_scan("a TIFF or DNG file", f"one that begins with the bytes {start[:4].hex(' ')}")
    return _Dialect(order, big=version == 43)


def _visit(checked: _CheckedFile, dialect: _Dialect, offset: int, seen: set[int], sub_directories: list[int]) -> int:
    """Check one directory, collect its sub-directories and return the offset of the next directory, 0 for none."""
    if len(seen) == MAX_DIRECTORIES:
        raise checked.not_a_scan(f"at most {MAX_DIRECTORIES} directories", "more")
    seen.add(offset)
    count_bytes, entry_bytes = struct.calcsize(dialect.count), struct.calcsize(dialect.entry)
    (count,) = struct.unpack(dialect.count, checked.read(offset, count_bytes, "a directory"))
    if not 0 < count <= 4096:
        raise checked.not_a_scan("a directory of 1 to 4096 tags", f"{count} tags at byte {offset}")
    table_bytes = count * entry_bytes
    next_bytes = struct.calcsize(dialect.offset)
    table = checked.read(offset + count_bytes, table_bytes + next_bytes, "a directory")
    for tag, kind, values, inline in struct.iter_unpack(dialect.entry, table[:table_bytes]):
        raw = _value(checked, dialect, tag, _VALUE_BYTES.get(kind, 0) * values, inline)
        if tag == _SUB_DIRECTORIES:
            sub_directories += _offsets(checked, dialect, kind, raw)
    following: int = struct.unpack(dialect.offset, table[table_bytes:])[0]
    return following


def _value(checked: _CheckedFile, dialect: _Dialect, tag: int, length: int, inline: bytes) -> bytes:
    if length <= len(inline):
        return inline[:length]
    (offset,) = struct.unpack(dialect.offset, inline)
    part = f"the value of tag {tag}"
    if tag == _SUB_DIRECTORIES:
        return checked.read(offset, length, part)
    checked.require(offset, length, part)
    return b""


def _offsets(checked: _CheckedFile, dialect: _Dialect, kind: int, raw: bytes) -> list[int]:
    code = {4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
    if code is None or len(raw) > 8 * MAX_DIRECTORIES:
        raise checked.not_a_scan("a few offsets of sub-directories", f"{len(raw)} bytes of TIFF type {kind}")
    return [offset for (offset,) in struct.iter_unpack(dialect.order + code, raw)]
