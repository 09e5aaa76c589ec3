"""Walks the skeleton of a TIFF (header, directories, lengths) and says whether all of it lies within the file.

tifffile skips what it cannot reach, so that a half-copied file looks like a valid one with fewer pages: an HDRi file
loses its infrared without a word. This walk is done before tifffile sees the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filmscand.drivers.files.errors import FileTruncatedError, NotAFilmScanError

MAX_DIRECTORIES = 64

_SUB_DIRECTORIES = 330
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
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
    """How classic TIFF and BigTIFF, little and big endian, write their numbers."""

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


class _Skeleton:
    def __init__(self, file: BinaryIO, path: Path, size_bytes: int) -> None:
        self.file, self.path, self.size_bytes = file, path, size_bytes

    def read(self, offset: int, length: int, what: str) -> bytes:
        self.require(offset, length, what)
        self.file.seek(offset)
        data = self.file.read(length)
        if len(data) != length:
            raise self.truncated(what, offset + length)
        return data

    def require(self, offset: int, length: int, what: str) -> None:
        if offset + length > self.size_bytes:
            raise self.truncated(what, offset + length)

    def truncated(self, what: str, end_bytes: int) -> FileTruncatedError:
        return FileTruncatedError(
            self.path, expected=f"{what} up to byte {end_bytes}", found=f"a file of {self.size_bytes} bytes"
        )

    def refused(self, expected: str, found: str) -> NotAFilmScanError:
        return NotAFilmScanError(self.path, expected=expected, found=found)


def check_skeleton(file: BinaryIO, path: Path, size_bytes: int) -> None:
    """Follow every directory of a TIFF and require that its tables and values lie within the file.

    Parameters
    ----------
    file : binary file
        Open for reading; its position is changed.
    path : Path
        Its name, for messages.
    size_bytes : int
        Length of the file.

    Raises
    ------
    FileTruncatedError
        A table or value lies beyond the end, or the header has not been written yet.
    NotAFilmScanError
        The file is no TIFF, or its directories cannot belong to one.
    """
    skeleton = _Skeleton(file, path, size_bytes)
    dialect = _read_dialect(skeleton)
    first_at = 8 if dialect.big else 4
    (first,) = struct.unpack(dialect.offset, skeleton.read(first_at, struct.calcsize(dialect.offset), "the header"))
    if first == 0:
        raise FileTruncatedError(path, expected="a first directory", found="a header that points to none yet")
    seen = set[int]()
    offset, below = first, list[int]()
    while offset:
        if offset in seen:
            raise skeleton.refused("directories that end", f"a chain that comes back to byte {offset}")
        offset = _visit(skeleton, dialect, offset, seen, below)
    while below:
        # A sub-directory is listed by its parent and, by some writers, chained to its sibling as well.
        offset = below.pop()
        if offset not in seen and (following := _visit(skeleton, dialect, offset, seen, below)):
            below.append(following)


def _read_dialect(skeleton: _Skeleton) -> _Dialect:
    start = skeleton.read(0, min(skeleton.size_bytes, 16), "the header")
    if not any(start):
        raise FileTruncatedError(
            skeleton.path, expected="a TIFF header", found="zeros only" if start else "an empty file"
        )
    for magic, name in _OTHER_FILES.items():
        if start.startswith(magic):
            raise skeleton.refused("a TIFF or DNG file", name)
    skeleton.require(0, 8, "the header")
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    version = struct.unpack((order or "<") + "H", start[2:4])[0]
    if order is None or version not in (42, 43):
        raise skeleton.refused("a TIFF or DNG file", f"one that begins with the bytes {start[:4].hex(' ')}")
    return _Dialect(order, big=version == 43)


def _visit(skeleton: _Skeleton, dialect: _Dialect, offset: int, seen: set[int], below: list[int]) -> int:
    """Check one directory, note its sub-directories and give the offset of the one that follows, 0 for none."""
    if len(seen) == MAX_DIRECTORIES:
        raise skeleton.refused(f"at most {MAX_DIRECTORIES} directories", "more")
    seen.add(offset)
    count_bytes, entry_bytes = struct.calcsize(dialect.count), struct.calcsize(dialect.entry)
    (count,) = struct.unpack(dialect.count, skeleton.read(offset, count_bytes, "a directory"))
    if not 0 < count <= 4096:
        raise skeleton.refused("a directory of 1 to 4096 tags", f"{count} tags at byte {offset}")
    table_bytes = count * entry_bytes
    next_bytes = struct.calcsize(dialect.offset)
    table = skeleton.read(offset + count_bytes, table_bytes + next_bytes, "a directory")
    for tag, kind, values, inline in struct.iter_unpack(dialect.entry, table[:table_bytes]):
        raw = _value(skeleton, dialect, tag, _VALUE_BYTES.get(kind, 0) * values, inline)
        if tag == _SUB_DIRECTORIES:
            below += _offsets(skeleton, dialect, kind, raw)
    following: int = struct.unpack(dialect.offset, table[table_bytes:])[0]
    return following


def _value(skeleton: _Skeleton, dialect: _Dialect, tag: int, length: int, inline: bytes) -> bytes:
    if length <= len(inline):
        return inline[:length]
    (offset,) = struct.unpack(dialect.offset, inline)
    what = f"the value of tag {tag}"
    if tag == _SUB_DIRECTORIES:
        return skeleton.read(offset, length, what)
    skeleton.require(offset, length, what)
    return b""


def _offsets(skeleton: _Skeleton, dialect: _Dialect, kind: int, raw: bytes) -> list[int]:
    code = {4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
    if code is None or len(raw) > 8 * MAX_DIRECTORIES:
        raise skeleton.refused("a few offsets of sub-directories", f"{len(raw)} bytes of TIFF type {kind}")
    return [offset for (offset,) in struct.iter_unpack(dialect.order + code, raw)]
