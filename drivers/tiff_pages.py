"""Opens a film file and lists its pages with what decides their role, every length checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO

import tifffile

from drivers.film_errors import FileTruncatedError, FilmFileError, NotAFilmScanError
from drivers.tiff_structure import check_skeleton

BLACK_IS_ZERO, RGB, CFA, LINEAR_RAW = 1, 2, 32803, 34892
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
# The steepest codec (LZW on a constant picture) stays below this; a claim beyond it is a damaged size.
_MAX_EXPANSION = 4000


@dataclass(frozen=True, slots=True)
class FilmPage:
    """One directory of a film file, as far as its role and its samples need it.

    Attributes
    ----------
    tiff : tifffile.TiffPage
        The page in tifffile's words, for tags and codecs.
    subfile_type : int
        NewSubfileType: bit 0 reduced, bit 2 mask (SilverFast: infrared).
    sub_directory : bool
        Found below another page (DNG), not in the file's own chain.
    orientation : int or None
        1..8, None where the page does not say.
    max_sample_value : int or None
        MaxSampleValue, where all samples agree.
    """

    tiff: tifffile.TiffPage
    rows: int
    cols: int
    samples: int
    bits: int
    photometric: int
    subfile_type: int
    sub_directory: bool
    chunky: bool
    orientation: int | None
    extra_samples: tuple[int, ...]
    max_sample_value: int | None

    @property
    def upright_shape(self) -> tuple[int, int]:
        """Rows and columns once the orientation is applied."""
        return (self.cols, self.rows) if (self.orientation or 1) >= 5 else (self.rows, self.cols)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.rows * self.cols

    @property
    def row_bytes(self) -> int:
        """Bytes of one uncompressed row of a strip."""
        return self.cols * (self.samples if self.chunky else 1) * self.bits // 8

    def __str__(self) -> str:
        kind = _PHOTOMETRICS.get(self.photometric, f"photometric {self.photometric}")
        return f"{self.rows} x {self.cols} {kind} of {self.samples} x {self.bits} bit"


@dataclass(frozen=True, slots=True)
class FilmTiff:
    """An open film file."""

    path: Path
    file: BinaryIO
    size_bytes: int
    pages: tuple[FilmPage, ...]
    is_dng: bool


@contextmanager
def open_film(path: Path) -> Iterator[FilmTiff]:
    """Open a TIFF or DNG, check its skeleton and lengths, and close it again.

    Raises
    ------
    FileTruncatedError
        Part of the file is missing, or the file changed while it was open.
    NotAFilmScanError
        It is no TIFF, or one that cannot be understood.
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        check_skeleton(file, path, before.st_size)
        with damage_named(path, "the tags of a TIFF"):
            file.seek(0)
            pages = tuple(_list_pages(path, tifffile.TiffFile(file)))
            is_dng = any(50706 in page.tiff.tags for page in pages)
        film = FilmTiff(path, file, before.st_size, pages, is_dng)
        for page in pages:
            _check_segments(film, page)
        yield film
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise FileTruncatedError(path, expected="a file at rest", found="one that changed while it was read")


@contextmanager
def damage_named(path: Path, expected: str, error_kind: type[FilmFileError] = NotAFilmScanError) -> Iterator[None]:
    """Turn whatever a parser or codec raises on damaged bytes into an error that names the file."""
    try:
        yield
    except (OSError, FilmFileError):
        raise
    # A damaged file makes tifffile and the codecs raise almost any type.
    except Exception as error:
        raise error_kind(path, expected=expected, found=f"{type(error).__name__}: {error}") from error


def _list_pages(path: Path, tiff: tifffile.TiffFile) -> Iterator[FilmPage]:
    for top in tiff.pages:
        page = top.aspage()
        yield _describe(path, page, sub_directory=False)
        for sub in page.pages or ():
            yield _describe(path, sub.aspage(), sub_directory=True)


def _describe(path: Path, page: tifffile.TiffPage, *, sub_directory: bool) -> FilmPage:
    bits = set(_as_tuple(page.tags.valueof(258, default=1)))
    if len(bits) != 1:
        raise NotAFilmScanError(path, expected="samples of one size", found=f"{sorted(bits)} bits in one page")
    declared_max = set(_as_tuple(page.tags.valueof(281, default=())))
    orientation = _as_tuple(page.tags.valueof(274, default=()))
    return FilmPage(
        tiff=page,
        rows=int(page.imagelength),
        cols=int(page.imagewidth),
        samples=int(page.samplesperpixel),
        bits=bits.pop(),
        photometric=int(page.photometric),
        subfile_type=int(page.subfiletype),
        sub_directory=sub_directory,
        chunky=int(page.planarconfig) == 1,
        orientation=orientation[0] if orientation and orientation[0] in range(1, 9) else None,
        extra_samples=_as_tuple(page.extrasamples),
        max_sample_value=declared_max.pop() if len(declared_max) == 1 else None,
    )


def _as_tuple(value: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in value) if isinstance(value, tuple) else (int(value),)


def segment_shape(page: FilmPage) -> tuple[int, int]:
    """Rows and columns of one strip or tile."""
    if page.tiff.is_tiled:
        return int(page.tiff.tilelength), int(page.tiff.tilewidth)
    return min(int(page.tiff.rowsperstrip), page.rows), page.cols


def _check_segments(film: FilmTiff, page: FilmPage) -> None:
    rows, cols = segment_shape(page)
    if min(rows, cols, page.rows, page.cols, page.samples, page.bits) < 1:
        raise NotAFilmScanError(film.path, expected="pages that have pixels", found=str(page))
    down, across = ceil(page.rows / rows), ceil(page.cols / cols)
    wanted = down * across * (1 if page.chunky else page.samples)
    offsets = page.tiff.dataoffsets
    lengths = page.tiff.databytecounts
    if len(offsets) < wanted or len(lengths) < wanted:
        found = f"{min(len(offsets), len(lengths))} in a page of {page}"
        raise FileTruncatedError(film.path, expected=f"{wanted} strips or tiles", found=found)
    for offset, length in zip(offsets, lengths, strict=False):
        if offset == 0 or length == 0:
            raise FileTruncatedError(film.path, expected="every strip written", found=f"an empty one in {page}")
        if offset + length > film.size_bytes:
            found = f"a file of {film.size_bytes} bytes"
            raise FileTruncatedError(film.path, expected=f"samples up to byte {offset + length}", found=found)
    _check_lengths(film, page, (rows, cols), lengths[:wanted])


def _check_lengths(film: FilmTiff, page: FilmPage, shape: tuple[int, int], lengths: tuple[int, ...]) -> None:
    rows, cols = shape
    depth = page.bits * (page.samples if page.chunky else 1)
    claimed = rows * ceil(cols * depth / 8)
    if page.tiff.compression != UNCOMPRESSED:
        if claimed * len(lengths) > _MAX_EXPANSION * (sum(lengths) + 4096):
            raise NotAFilmScanError(film.path, expected="samples for a size it could hold", found=str(page))
        return
    down = ceil(page.rows / rows)
    for index, length in enumerate(lengths):
        last_strip = not page.tiff.is_tiled and (index + 1) % down == 0
        needed = (page.rows - (down - 1) * rows) * ceil(cols * depth / 8) if last_strip else claimed
        if length < needed:
            expected = f"{needed} bytes in strip or tile {index} of {page}"
            raise FileTruncatedError(film.path, expected=expected, found=f"{length}")
