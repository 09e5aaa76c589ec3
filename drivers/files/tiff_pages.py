"""Opens a film file and lists its pages, with the tags that decide their role; every length is checked."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

import tifffile

from filmscand.drivers.files.errors import FileTruncatedError, FilmFileError, NotAFilmScanError
from filmscand.drivers.files.tiff_structure import check_structure

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PHOTOMETRIC_MASK, YCBCR, CFA, LINEAR_RAW = 0, 1, 2, 4, 6, 32803, 34892
UNCOMPRESSED = 1
REDUCED, MASK = 1, 4

_PHOTOMETRICS = {
    0: "white-is-zero grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    CFA: "colour filter array (camera raw)",
    LINEAR_RAW: "linear raw",
}
# SampleFormat, where it is not unsigned integers.
_SAMPLE_FORMATS = {2: " signed integers", 3: " floating point", 5: " complex integers", 6: " complex numbers"}
# Largest ratio of decoded to encoded bytes. LZW on a constant picture stays below it; a higher ratio means a corrupt
# size.
_MAX_EXPANSION = 4000
# Largest page that is accepted, in bytes. No scanner delivers more: 8 x 10 inch at 5000 dpi takes 16 GB.
_MAX_PAGE_BYTES = 32 << 30


@dataclass(frozen=True, slots=True)
class FilmPage:
    """One directory of a film file: the tags that decide its role and how its samples are read.

    Attributes
    ----------
    tiff : tifffile.TiffPage
        The page as tifffile has it, for tags and codecs.
    rows, cols : int
        Size as stored, before the orientation is applied, >= 1.
    samples : int
        Samples per pixel, >= 1.
    bits : int
        Bits per sample.
    photometric : int
        PhotometricInterpretation.
    subfile_type : int
        NewSubfileType: bit 0 reduced picture, bit 2 mask (SilverFast: infrared).
    unsigned : bool
        Whether samples are unsigned integers.
    chunky : bool
        Whether the samples of a pixel lie together, instead of one plane after another.
    orientation : int or None
        1..8; None if the page does not say.
    extra_samples : tuple of int
        ExtraSamples; empty if absent.
    max_sample_value : int or None
        MaxSampleValue or WhiteLevel; None if absent or different for each sample.
    compression : int
        Compression.
    tiled : bool
        Whether the page has tiles instead of strips.
    segment_rows, segment_cols : int
        Size of one strip or tile.
    offsets, lengths : tuple of int
        Position and length of each strip or tile in the file, in bytes.
    """

    tiff: tifffile.TiffPage
    rows: int
    cols: int
    samples: int
    bits: int
    photometric: int
    subfile_type: int
    unsigned: bool
    chunky: bool
    orientation: int | None
    extra_samples: tuple[int, ...]
    max_sample_value: int | None
    compression: int
    tiled: bool
    segment_rows: int
    segment_cols: int
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def upright_shape(self) -> tuple[int, int]:
        """Rows and columns once the orientation is applied."""
        return (self.cols, self.rows) if (self.orientation or 1) >= 5 else (self.rows, self.cols)

    @property
    def plain(self) -> bool:
        """Whether its samples lie in the file as they are, row after row in strips."""
        plain_codec = self.compression == UNCOMPRESSED and self.tiff.predictor == 1 and self.tiff.fillorder == 1
        return plain_codec and self.bits in (8, 16) and not self.tiled and self.chunky

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.rows * self.cols

    @property
    def segment_row_bytes(self) -> int:
        """Bytes of one row of a decoded strip or tile."""
        return ceil(self.segment_cols * (self.samples if self.chunky else 1) * self.bits / 8)

    def __str__(self) -> str:
        kind = _PHOTOMETRICS.get(self.photometric, f"photometric {self.photometric}")
        form = _SAMPLE_FORMATS.get(int(self.tiff.sampleformat), "")
        return f"{self.rows} x {self.cols} {kind} of {self.samples} x {self.bits} bit{form}"


@dataclass(frozen=True, slots=True)
class FilmTiff:
    """An open film file.

    Attributes
    ----------
    path : Path
        Its name.
    file : binary file object
        Open for reading.
    size_bytes : int
        Its length.
    pages : tuple of FilmPage
        All pages, sub-directories included.
    is_dng : bool
        Whether it is a DNG file.
    """

    path: Path
    file: BinaryIO
    size_bytes: int
    pages: tuple[FilmPage, ...]
    is_dng: bool


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a pipe would block the caller for ever.

    Raises
    ------
    NotAFilmScanError
        If it is a pipe or a device.
    OSError
        If it cannot be opened.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    mode = os.stat(file.fileno()).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode):
        file.close()
        raise NotAFilmScanError(path, expected="a file", found="a pipe" if stat.S_ISFIFO(mode) else "a device")
    return file


@contextmanager
def open_film(path: Path) -> Iterator[FilmTiff]:
    """Open a TIFF or DNG file for a `with` block and check its structure and lengths.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    FilmTiff

    Raises
    ------
    FileTruncatedError
        If part of the file is missing, or the file changed while it was open.
    NotAFilmScanError
        If the file is not a TIFF, or its tags make no sense.
    OSError
        If the file cannot be read.
    """
    with open_regular(path) as file:
        before = os.fstat(file.fileno())
        check_structure(file, path, before.st_size)
        with convert_errors(path, "the tags of a TIFF"):
            file.seek(0)
            pages = _with_orientation(_list_pages(path, tifffile.TiffFile(file)))
            is_dng = any(50706 in page.tiff.tags for page in pages)
        film = FilmTiff(path, file, before.st_size, pages, is_dng)
        for page in pages:
            _check_segments(film, page)
        yield film
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise FileTruncatedError(path, expected="an unchanging file", found="one that changed while it was read")


@contextmanager
def convert_errors(path: Path, expected: str, error_kind: type[FilmFileError] = NotAFilmScanError) -> Iterator[None]:
    """Convert any error that a parser or codec raises on damaged bytes into one that names the file.

    Parameters
    ----------
    path : Path
        The file.
    expected : str
        What the file should contain, for the message.
    error_kind : subclass of FilmFileError
        The error to raise.

    Raises
    ------
    FilmFileError
        Of the given kind, for any error but those below.
    OSError
        As it is; with ENOMEM for a lack of memory, which is not the fault of the file and may pass.
    """
    try:
        yield
    except (OSError, FilmFileError):
        raise
    except MemoryError as error:
        raise OSError(errno.ENOMEM, "not enough memory for the planes", str(path)) from error
    # On a damaged file, tifffile and the codecs raise almost any type of error.
    except Exception as error:
        raise error_kind(path, expected=expected, found=f"{type(error).__name__}: {error}") from error


def _list_pages(path: Path, tiff: tifffile.TiffFile) -> Iterator[FilmPage]:
    for top in tiff.pages:
        page = top.aspage()
        yield _describe(path, page)
        for sub_directory in page.pages or ():
            yield _describe(path, sub_directory.aspage())


def _with_orientation(pages: Iterable[FilmPage]) -> tuple[FilmPage, ...]:
    """Give the pages that do not say how they are turned the word of the first page that does (DNG: directory 0)."""
    listed = tuple(pages)
    orientation = next((page.orientation for page in listed if page.orientation), None)
    return tuple(page if page.orientation else replace(page, orientation=orientation) for page in listed)


def _describe(path: Path, page: tifffile.TiffPage) -> FilmPage:
    bits = set(_as_tuple(page.tags.valueof(258, default=1)))
    if len(bits) != 1:
        raise NotAFilmScanError(path, expected="samples of equal size", found=f"{sorted(bits)} bits in one page")
    tiled = bool(page.is_tiled)
    rows, cols = int(page.imagelength), int(page.imagewidth)
    declared_max = set(_as_tuple(page.tags.valueof(281, default=page.tags.valueof(50717, default=()))))
    orientation = _as_tuple(page.tags.valueof(274, default=()))
    return FilmPage(
        tiff=page,
        rows=rows,
        cols=cols,
        samples=int(page.samplesperpixel),
        bits=bits.pop(),
        photometric=int(page.photometric),
        subfile_type=int(page.subfiletype),
        unsigned=int(page.sampleformat) == 1,
        chunky=int(page.planarconfig) == 1,
        orientation=orientation[0] if orientation and orientation[0] in range(1, 9) else None,
        extra_samples=_as_tuple(page.extrasamples),
        max_sample_value=declared_max.pop() if len(declared_max) == 1 else None,
        compression=int(page.compression),
        tiled=tiled,
        segment_rows=int(page.tilelength) if tiled else min(int(page.rowsperstrip), rows),
        segment_cols=int(page.tilewidth) if tiled else cols,
        offsets=_as_tuple(page.dataoffsets),
        lengths=_as_tuple(page.databytecounts),
    )


def _as_tuple(value: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in value) if isinstance(value, tuple) else (int(value),)


def _check_segments(film: FilmTiff, page: FilmPage) -> None:
    if min(page.segment_rows, page.segment_cols, page.rows, page.cols, page.samples, page.bits) < 1:
        raise NotAFilmScanError(film.path, expected="pages with pixels", found=str(page))
    down, across = ceil(page.rows / page.segment_rows), ceil(page.cols / page.segment_cols)
    count = down * across * (1 if page.chunky else page.samples)
    available = len(page.offsets) if page.plain else min(len(page.offsets), len(page.lengths))
    if available < count:
        found = f"{available} in a page of {page}"
        raise FileTruncatedError(film.path, expected=f"{count} strips or tiles", found=found)
    _check_lengths(film, page, count, down)
    if page.plain:
        return
    for offset, length in zip(page.offsets[:count], page.lengths, strict=False):
        if offset <= 0 or length <= 0:
            expected = "data in every strip or tile"
            raise FileTruncatedError(film.path, expected=expected, found=f"an empty one in {page}")
        if offset + length > film.size_bytes:
            found = f"a file of {film.size_bytes} bytes"
            raise FileTruncatedError(film.path, expected=f"samples up to byte {offset + length}", found=found)


def _check_lengths(film: FilmTiff, page: FilmPage, count: int, down: int) -> None:
    decoded_bytes = page.segment_rows * page.segment_row_bytes
    lengths = page.lengths[:count]
    if page.compression != UNCOMPRESSED:
        if decoded_bytes * count > min(_MAX_EXPANSION * (sum(lengths) + 4096), _MAX_PAGE_BYTES):
            raise NotAFilmScanError(film.path, expected="a page size that fits its encoded bytes", found=str(page))
        return
    # Other readers ignore the byte counts of plain samples too: only where the samples lie and end matters. A count of
    # zero in a page of several strips is what a program leaves that still writes.
    if any(length <= 0 for length in lengths) and count > 1:
        raise FileTruncatedError(film.path, expected="data in every strip or tile", found=f"an empty one in {page}")
    last_strip_bytes = (page.rows - (down - 1) * page.segment_rows) * page.segment_row_bytes
    for index, offset in enumerate(page.offsets[:count]):
        needed = last_strip_bytes if not page.tiled and (index + 1) % down == 0 else decoded_bytes
        if not page.plain and lengths[index] < needed:
            expected = f"{needed} bytes in strip or tile {index} of {page}"
            raise FileTruncatedError(film.path, expected=expected, found=f"{lengths[index]}")
        if offset <= 0:
            raise FileTruncatedError(film.path, expected="data in every strip or tile", found=f"an empty one in {page}")
        if offset + needed > film.size_bytes:
            expected = f"samples up to byte {offset + needed}"
            raise FileTruncatedError(film.path, expected=expected, found=f"a file of {film.size_bytes} bytes")
