"""Writes one picture or plane as an uncompressed TIFF, from start to end without seeking.

tifffile patches offsets after it has written the samples, so its output cannot be hashed while it is written, and it
copies the whole picture if the target is not a plain file. An archive master has one uncompressed page: all its offsets
are known in advance.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint16] | npt.NDArray[np.uint8]

# About how long a strip is, in bytes.
STRIP_BYTES = 8 << 20
# Samples longer than this need a BigTIFF, in bytes: classic TIFF has 32-bit offsets, and 1 MiB is left for the tags.
CLASSIC_LIMIT_BYTES = (1 << 32) - (1 << 20)

_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _LONG8 = 1, 2, 3, 4, 5, 7, 16
_FORMATS = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}
_DATA_OFFSETS = 273


@dataclass(frozen=True, slots=True)
class TiffTags:
    """Metadata of a written TIFF. Text must be 7-bit ASCII; other text belongs in the XMP packet.

    Attributes
    ----------
    description : str or None
        Description of the picture.
    document_name : str or None
        Identifier of the frame.
    make, model : str or None
        Maker and model of the scanner.
    software : str or None
        Program that wrote the file.
    artist, copyright : str or None
        Creator and rights.
    captured_at : datetime or None
        Written as DateTime, to the second, without a time zone.
    resolution_dpi : float or None
        Samples per inch along rows and columns.
    icc_profile : bytes or None
        Colour profile, embedded unchanged.
    xmp : bytes or None
        A complete XMP packet in UTF-8.
    """

    description: str | None = None
    document_name: str | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    artist: str | None = None
    copyright: str | None = None
    captured_at: datetime | None = None
    resolution_dpi: float | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    value: bytes


def write_tiff(target: Path | BinaryIO, plane: Plane, tags: TiffTags) -> None:
    """Write a picture, with or without its infrared, or one plane as a TIFF of one page; same input, same bytes.

    The file is little-endian, chunky and uncompressed, with strips of about 8 MiB; it is a BigTIFF if it would exceed
    4 GiB. The bytes are written in order, so `target` need not be seekable. The caller flushes and syncs.

    Parameters
    ----------
    target : Path or binary file object
        A path is created or overwritten; a file object must be at its start.
    plane : (rows, cols, 3), (rows, cols, 4) or (rows, cols) ndarray of uint16 or uint8
        Colour picture, colour picture with its infrared as a fourth sample without a declared meaning (ExtraSamples 0,
        as VueScan writes it), or one grey plane (black is zero).
    tags : TiffTags
        Metadata of the file.

    Raises
    ------
    ValueError
        If the shape or dtype is another one, or a text is not ASCII.
    OSError
        If the target cannot be written.
    """
    _check_plane(plane)
    if isinstance(target, Path):
        with target.open("wb") as file:
            write_tiff(file, plane, tags)
        return
    big = plane.nbytes > CLASSIC_LIMIT_BYTES
    target.write(_header(plane, tags, big))
    for strip in _strips(plane):
        target.write(_little_endian(strip))


def _check_plane(plane: Plane) -> None:
    colour_or_grey = plane.ndim == 2 or (plane.ndim == 3 and plane.shape[2] in (3, 4))
    if not colour_or_grey or plane.size == 0 or plane.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"expected (rows, cols), (rows, cols, 3) or (rows, cols, 4) of uint16 or uint8, found {plane.shape} of "
            f"{plane.dtype}"
        )


def _rows_per_strip(plane: Plane) -> int:
    rows: int = plane.shape[0]
    row_bytes = plane.nbytes // rows
    return min(max(STRIP_BYTES // row_bytes, 1), rows)


def _strips(plane: Plane) -> Iterator[Plane]:
    step = _rows_per_strip(plane)
    for first in range(0, plane.shape[0], step):
        yield plane[first : first + step]


def _little_endian(strip: Plane) -> memoryview:
    samples = np.ascontiguousarray(strip).reshape(-1)
    if sys.byteorder == "big":
        samples = samples.byteswap()
    return samples.view(np.uint8).data


def _header(plane: Plane, tags: TiffTags, big: bool) -> bytes:
    entries = sorted([*_layout_entries(plane, big), *_text_entries(tags), *_other_entries(tags)], key=lambda e: e.tag)
    inline_bytes, offset_format, entry_bytes = (8, "Q", 20) if big else (4, "I", 12)
    start = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    count = struct.pack("<Q" if big else "<H", len(entries))
    values_at = len(start) + len(count) + entry_bytes * len(entries) + inline_bytes
    values_bytes = sum(_padded(len(entry.value)) for entry in entries if len(entry.value) > inline_bytes)
    samples_at = -(-(values_at + values_bytes) // 16) * 16
    table, values = bytearray(), bytearray()
    for entry in entries:
        value = _add_offset(entry, samples_at) if entry.tag == _DATA_OFFSETS else entry.value
        table += struct.pack("<HH" + offset_format, entry.tag, entry.kind, entry.count)
        if len(value) <= inline_bytes:
            table += value.ljust(inline_bytes, b"\0")
        else:
            table += struct.pack("<" + offset_format, values_at + len(values))
            values += value.ljust(_padded(len(value)), b"\0")
    table += bytes(inline_bytes)
    return (start + count + bytes(table) + bytes(values)).ljust(samples_at, b"\0")


def _padded(length_bytes: int) -> int:
    return length_bytes + length_bytes % 2


def _add_offset(entry: _Entry, by_bytes: int) -> bytes:
    code = f"<{entry.count}{_FORMATS[entry.kind]}"
    return struct.pack(code, *(offset + by_bytes for offset in struct.unpack(code, entry.value)))


def _numbers(tag: int, kind: int, *values: int) -> _Entry:
    return _Entry(tag, kind, len(values), struct.pack(f"<{len(values)}{_FORMATS[kind]}", *values))


def _layout_entries(plane: Plane, big: bool) -> list[_Entry]:
    rows, cols = plane.shape[:2]
    samples = plane.shape[2] if plane.ndim == 3 else 1
    counts = [strip.nbytes for strip in _strips(plane)]
    offsets = [sum(counts[:index]) for index in range(len(counts))]
    offset_kind = _LONG8 if big else _LONG
    extra = [_numbers(338, _SHORT, 0)] if samples == 4 else []  # ExtraSamples: unspecified
    return [
        *extra,
        _numbers(254, _LONG, 0),  # NewSubfileType
        _numbers(256, _LONG, cols),
        _numbers(257, _LONG, rows),
        _numbers(258, _SHORT, *[plane.dtype.itemsize * 8] * samples),
        _numbers(259, _SHORT, 1),  # Compression: none
        _numbers(262, _SHORT, 2 if samples >= 3 else 1),  # RGB, or black is zero
        _numbers(_DATA_OFFSETS, offset_kind, *offsets),
        _numbers(274, _SHORT, 1),  # Orientation: top left
        _numbers(277, _SHORT, samples),
        _numbers(278, _LONG, _rows_per_strip(plane)),
        _numbers(279, offset_kind, *counts),
        _numbers(284, _SHORT, 1),  # PlanarConfiguration: chunky
    ]


def _text_entries(tags: TiffTags) -> list[_Entry]:
    texts = {
        269: tags.document_name,
        270: tags.description,
        271: tags.make,
        272: tags.model,
        305: tags.software,
        306: tags.captured_at.strftime("%Y:%m:%d %H:%M:%S") if tags.captured_at else None,
        315: tags.artist,
        33432: tags.copyright,
    }
    return [_text(tag, text) for tag, text in texts.items() if text]


def _text(tag: int, text: str) -> _Entry:
    if not text.isascii():
        raise ValueError(f"TIFF tag {tag} takes 7-bit ASCII, found {text!r}; write it into the XMP packet instead")
    value = text.encode("ascii") + b"\0"
    return _Entry(tag, _ASCII, len(value), value)


def _other_entries(tags: TiffTags) -> list[_Entry]:
    entries = []
    if tags.resolution_dpi is not None:
        fraction = Fraction(tags.resolution_dpi).limit_denominator(10000)
        value = struct.pack("<II", fraction.numerator, fraction.denominator)
        entries += [_Entry(282, _RATIONAL, 1, value), _Entry(283, _RATIONAL, 1, value), _numbers(296, _SHORT, 2)]
    if tags.xmp is not None:
        entries.append(_Entry(700, _BYTE, len(tags.xmp), tags.xmp))
    if tags.icc_profile is not None:
        entries.append(_Entry(34675, _UNDEFINED, len(tags.icc_profile), tags.icc_profile))
    return entries
