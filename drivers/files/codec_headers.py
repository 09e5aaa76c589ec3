"""Holds what a codec's own header says about its size against the tags, before any sample is decoded.

A decoder believes the header of its stream and takes memory for it; a strip of a kilobyte may claim 30000 x 30000.
Deflate, LZW and the like have no such header: they are decoded into a buffer of the size that the tags give.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from filmscand.drivers.files.errors import FileTruncatedError, NotAFilmScanError
from filmscand.drivers.files.tiff_pages import FilmPage, FilmTiff

_JPEG = (6, 7, 33007, 34892)
_JPEG_2000 = (33003, 33004, 33005, 34712)
_PNG = (34933,)
# The header of a stream stands in its first bytes, unless long comments or profiles come before it.
_HEAD_BYTES = 4096
# Markers of a JPEG without a length, and those that begin a frame (SOF).
_JPEG_BARE = {0x01, *range(0xD0, 0xD9)}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class StreamSize:
    """What the header of a coded stream says: rows, columns, samples per pixel and bits per sample."""

    rows: int
    cols: int
    samples: int
    bits: int

    def __str__(self) -> str:
        return f"{self.rows} x {self.cols} of {self.samples} x {self.bits} bit"


def jpeg_size(data: bytes) -> StreamSize | None:
    """Read the first frame header of a JPEG stream; None if `data` ends before it."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _JPEG_BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_FRAMES:
            if at + 10 > len(data):
                return None
            bits, rows, cols, samples = struct.unpack_from(">BHHB", data, at + 4)
            return StreamSize(rows, cols, samples, bits)
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def jpeg_2000_size(data: bytes) -> StreamSize | None:
    """Read the SIZ marker of a JPEG 2000 stream, bare or in its box; None if `data` ends before it."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or at + 43 > len(data):
        return None
    right, bottom, left, top = struct.unpack_from(">4I", data, at + 8)
    (samples,) = struct.unpack_from(">H", data, at + 40)
    return StreamSize(bottom - top, right - left, samples, (data[at + 42] & 127) + 1)


def png_size(data: bytes) -> StreamSize | None:
    """Read the IHDR chunk of a PNG stream; None if `data` ends before it."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 29:
        return None
    cols, rows, bits, kind = struct.unpack_from(">IIBB", data, 16)
    # Samples per pixel of each colour type; a palette has one.
    return StreamSize(rows, cols, {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(kind, 0), bits)


def check_codec_headers(film: FilmTiff, page: FilmPage) -> None:
    """Check that each strip or tile holds as many samples as the tags say.

    Raises
    ------
    NotAFilmScanError
        If a header says another size than the tags, or is none.
    FileTruncatedError
        If a strip or tile holds only zeros: it is not written yet.
    """
    for codecs, size_of, name in _CODECS:
        if page.compression in codecs:
            count = min(len(page.offsets), len(page.lengths))
            for index in range(count):
                _check(film, page, index, size_of(_head(film, page, index)) or size_of(_all(film, page, index)), name)


_CODECS = ((_JPEG, jpeg_size, "JPEG"), (_JPEG_2000, jpeg_2000_size, "JPEG 2000"), (_PNG, png_size, "PNG"))


def _head(film: FilmTiff, page: FilmPage, index: int) -> bytes:
    film.file.seek(page.offsets[index])
    return film.file.read(min(page.lengths[index], _HEAD_BYTES))


def _all(film: FilmTiff, page: FilmPage, index: int) -> bytes:
    film.file.seek(page.offsets[index])
    return film.file.read(page.lengths[index])


def _check(film: FilmTiff, page: FilmPage, index: int, size: StreamSize | None, name: str) -> None:
    if size is None:
        if not any(_head(film, page, index)):
            expected = f"data in strip or tile {index} of {page}"
            raise FileTruncatedError(film.path, expected=expected, found="zeros only")
        # Old-style JPEG keeps its header in tags of the directory.
        if page.compression != _JPEG[0]:
            raise _mismatch(film.path, page, index, f"no {name} header")
        return
    across = -(-page.cols // page.segment_cols)
    row = (index // across) * page.segment_rows % max(-(-page.rows // page.segment_rows) * page.segment_rows, 1)
    rows = page.segment_rows if page.tiled else min(page.segment_rows, page.rows - row)
    samples = page.samples if page.chunky else 1
    # A lossless JPEG in a DNG may count two pixels of one sample as one pixel of two: the product decides.
    held = size.rows * size.cols * size.samples
    if not rows * page.segment_cols * samples <= held <= page.segment_rows * page.segment_cols * samples:
        raise _mismatch(film.path, page, index, f"a {name} header that says {size}")


def _mismatch(path: Path, page: FilmPage, index: int, found: str) -> NotAFilmScanError:
    samples = page.samples if page.chunky else 1
    size = StreamSize(page.segment_rows, page.segment_cols, samples, page.bits)
    return NotAFilmScanError(path, expected=f"{size} in strip or tile {index}, as the tags say", found=found)
