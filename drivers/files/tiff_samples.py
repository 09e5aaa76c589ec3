"""Reads the samples of a page directly into upright planes of 16-bit counts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from filmscand.drivers.files.errors import FileTruncatedError
from filmscand.drivers.files.tiff_pages import UNCOMPRESSED, FilmPage, FilmTiff, convert_errors

Counts = npt.NDArray[np.uint16]
Samples = npt.NDArray[Any]

# Bytes of uncompressed rows that are read at once.
_BAND_BYTES = 1 << 20
# Bytes of compressed strips or tiles that are read at once.
_ENCODED_BYTES = 4 << 20
# Factor that spreads 8-bit counts over 0..65535.
_EIGHT_TO_SIXTEEN = 257
# Compression values of JPEG, whose tables and header tifffile has to pass to the decoder.
_JPEG_CODECS = (6, 7, 34892, 33007)


def as_stored(upright: Samples, orientation: int) -> Samples:
    """View an upright array in the order of rows and columns in which a file with this orientation stores it.

    Parameters
    ----------
    upright : (rows, cols, ...) ndarray
        The upright picture.
    orientation : int
        TIFF tag 274, 1..8.

    Returns
    -------
    ndarray
        A view of `upright`; rows written into it as stored turn upright.
    """
    if orientation in (2, 3, 6, 7):
        upright = upright[:, ::-1]
    if orientation in (3, 4, 7, 8):
        upright = upright[::-1]
    return upright.swapaxes(0, 1) if orientation >= 5 else upright


def read_samples(film: FilmTiff, page: FilmPage, planes: Sequence[Counts | None]) -> None:
    """Decode all strips or tiles of a page into planes; 8-bit samples are widened (v * 257).

    Parameters
    ----------
    film : FilmTiff
        The open file.
    page : FilmPage
        One of its pages, of 8, 12, 14 or 16 bits.
    planes : sequence of ndarray of uint16 or None
        Target arrays in stored order, each (rows, cols) or (rows, cols, n); they receive the samples of the page one
        after another. None skips one sample.

    Raises
    ------
    FileTruncatedError
        If a strip or tile is missing or does not decode.
    """
    writer = _PlaneWriter(page, planes)
    with convert_errors(film.path, f"the samples of {page}", FileTruncatedError):
        if page.plain:
            _read_runs(film, page, writer)
        else:
            _decode_segments(page, writer)


def check_last_segment(film: FilmTiff, page: FilmPage) -> None:
    """Decode the last strip or tile of the file, which is missing while a copy is still running.

    Parameters
    ----------
    film : FilmTiff
        The open file.
    page : FilmPage
        One of its pages.

    Raises
    ------
    FileTruncatedError
        If it does not decode.
    """
    if page.compression == UNCOMPRESSED:
        return
    offsets, lengths = page.offsets, page.lengths
    index = max(range(len(offsets)), key=offsets.__getitem__)
    options: dict[str, Any] = {}
    if page.compression in _JPEG_CODECS:
        options = {"jpegtables": page.tiff.jpegtables, "jpegheader": page.tiff.jpegheader}
    with convert_errors(film.path, f"a last strip or tile of {page} that decodes", FileTruncatedError):
        decode = page.tiff.decode  # for some codecs, reading this attribute moves the position of the file
        film.file.seek(offsets[index])
        decode(film.file.read(lengths[index]), index, _fullsize=page.tiled, **options)


class _PlaneWriter:
    """Writes blocks of samples to their place in the planes."""

    def __init__(self, page: FilmPage, planes: Sequence[Counts | None]) -> None:
        self.widen = page.bits == 8
        self.targets: list[tuple[int, Counts]] = []
        self.samples = 0
        for plane in planes:
            if plane is not None:
                self.targets.append((self.samples, plane if plane.ndim == 3 else plane[..., np.newaxis]))
            self.samples += plane.shape[2] if plane is not None and plane.ndim == 3 else 1

    def store(self, block: Samples, row: int, col: int, sample: int) -> None:
        """Write a block (rows, cols, samples) whose upper left corner and first sample are given."""
        for first, target in self.targets:
            begin, end = max(first, sample), min(first + target.shape[2], sample + block.shape[2])
            if begin < end:
                part = target[row : row + block.shape[0], col : col + block.shape[1], begin - first : end - first]
                self._copy(block[: part.shape[0], : part.shape[1], begin - sample : end - sample], part)

    def _copy(self, block: Samples, part: Counts) -> None:
        if self.widen:
            np.multiply(block, _EIGHT_TO_SIXTEEN, out=part, dtype=np.uint16)
        elif part.shape[2] == block.shape[2] and part.flags.c_contiguous and block.flags.c_contiguous:
            part[...] = block
        else:
            # One copy per sample: numpy's inner loop would otherwise run over three elements only.
            for index in range(part.shape[2]):
                part[..., index] = block[..., index]


def _runs(page: FilmPage) -> Iterator[tuple[int, int, int]]:
    """Yield runs of strips without a gap between them, as (file offset, first row, rows)."""
    step = page.segment_rows
    begin, first, rows = page.offsets[0], 0, 0
    for row, offset in zip(range(0, page.rows, step), page.offsets, strict=False):
        if offset != begin + rows * page.segment_row_bytes:
            yield begin, first, rows
            begin, first, rows = offset, row, 0
        rows += min(step, page.rows - row)
    yield begin, first, rows


def _read_runs(film: FilmTiff, page: FilmPage, writer: _PlaneWriter) -> None:
    step = max(_BAND_BYTES // page.segment_row_bytes, 1)
    dtype = np.dtype(f"{page.tiff.parent.byteorder}u{page.bits // 8}")
    buffer = np.empty((min(step, page.rows), page.cols, page.samples), dtype)
    for begin, first, rows in _runs(page):
        film.file.seek(begin)
        for row in range(first, first + rows, step):
            band = buffer[: min(step, first + rows - row)]
            _fill(film, band)
            writer.store(band, row, 0, 0)


def _fill(film: FilmTiff, band: Samples) -> None:
    view = band.reshape(-1).view(np.uint8).data
    filled_bytes = 0
    while filled_bytes < len(view):
        read_bytes = film.file.readinto(view[filled_bytes:])  # type: ignore[attr-defined]
        if not read_bytes:
            raise FileTruncatedError(film.path, expected=f"{len(view)} more bytes", found=f"{filled_bytes}")
        filled_bytes += read_bytes


def _decode_segments(page: FilmPage, writer: _PlaneWriter) -> None:
    def store(segment: Any) -> None:
        data, (sample, _, row, col, _), _ = segment
        writer.store(data[0], row, col, sample)

    workers = os.cpu_count()
    for _ in page.tiff.segments(func=store, maxworkers=workers, buffersize=_ENCODED_BYTES, sort=True):
        pass
