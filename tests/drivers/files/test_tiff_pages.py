"""An opened film file is checked: its lengths, and that it does not change."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile

from filmscand.drivers.files.errors import NotAFilmScanError
from filmscand.drivers.files.reader import (
    FileTruncatedError,
    check_whole,
    read_capture,
)
from filmscand.drivers.files.tiff_pages import convert_errors, open_film
from support.film_pages import INFRARED, RGB, ROWS, Page, assert_planes, dng_pages, rgbi_page, write_pages


def test_file_that_grows_while_it_is_read_is_to_be_waited_for(tmp_path, monkeypatch):
    path = write_pages(tmp_path / "frame.tif", rgbi_page())
    wait_and_touch(monkeypatch, lambda: path.write_bytes(path.read_bytes() + b"more"))
    with pytest.raises(FileTruncatedError, match="changed while it was read"):
        read_capture(path)


def wait_and_touch(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change the file between the first look at it and the last."""
    looks: list[int] = []
    real_fstat = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        looks.append(descriptor)
        if len(looks) == 2:
            change()
        return real_fstat(descriptor)

    monkeypatch.setattr("filmscand.drivers.files.tiff_pages.os.fstat", fstat)


def test_pages_are_listed_with_what_decides_their_role(tmp_path):
    path = write_pages(tmp_path / "frame.dng", *dng_pages(Page(RGB), Page(INFRARED, mark=4)))
    with open_film(path) as film:
        assert film.is_dng
        assert [(page.samples, page.bits, page.photometric, page.subfile_type) for page in film.pages] == [
            (3, 8, 2, 1),
            (3, 16, 34892, 0),
            (1, 16, 1, 4),
        ]
        assert str(film.pages[1]) == "48 x 70 linear raw of 3 x 16 bit"
        assert film.pages[1].segment_row_bytes == 70 * 3 * 2


@pytest.mark.parametrize(
    ("orientation", "shape"), [(1, (48, 70)), (4, (48, 70)), (5, (70, 48)), (8, (70, 48)), (9, (48, 70))]
)
def test_an_orientation_that_turns_swaps_rows_and_columns_and_an_unknown_one_does_not(tmp_path, orientation, shape):
    path = write_pages(tmp_path / "frame.tif", Page(RGB, {"extratags": [(274, 3, 1, orientation, True)]}))
    with open_film(path) as film:
        assert film.pages[0].upright_shape == shape


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (ValueError("odd"), NotAFilmScanError, "a.tif: expected tags, found ValueError: odd"),
        (FileNotFoundError("gone"), FileNotFoundError, "gone"),
        (FileTruncatedError(Path("b.tif"), expected="x", found="y"), FileTruncatedError, "b.tif"),
    ],
)
def test_errors_of_parsers_name_the_file_and_those_of_the_system_stay(raised, kind, message):
    with pytest.raises(kind, match=message), convert_errors(Path("a.tif"), "tags"):
        raise raised


def test_a_lack_of_memory_is_not_the_fault_of_the_file():
    with pytest.raises(OSError, match="memory") as lack, convert_errors(Path("a.tif"), "tags"):
        raise MemoryError
    assert lack.value.errno == errno.ENOMEM


def test_a_page_whose_size_its_bytes_cannot_hold_is_refused(tmp_path):
    path = write_pages(tmp_path / "frame.tif", rgbi_page(compression="zlib", rowsperstrip=ROWS))
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for tag, value in ((256, 2_000_000), (257, 2_000_000), (278, 2_000_000)):
            tiff.pages[0].aspage().tags[tag].overwrite(value)
    with pytest.raises(NotAFilmScanError, match="a page size that fits its encoded bytes"):
        check_whole(path)


BYTE_COUNTS = {
    "one_too_many": (lambda true: true + 1, True),
    "half": (lambda true: true // 2, True),
    "huge": (lambda true: 2**32 - 1, True),
    "zero_in_several_strips": (lambda true: 0, False),
}


@pytest.mark.parametrize(("said", "read"), BYTE_COUNTS.values(), ids=BYTE_COUNTS)
def test_byte_counts_of_plain_strips_count_only_where_a_program_may_still_write(tmp_path, said, read):
    path = write_pages(tmp_path / "frame.tif", rgbi_page(rowsperstrip=16))
    set_byte_counts(path, said)
    if read:
        assert_planes(read_capture(path))
    else:
        with pytest.raises(FileTruncatedError, match="data in every strip or tile"):
            read_capture(path)


def test_a_single_strip_may_leave_its_byte_count_out(tmp_path):
    path = write_pages(tmp_path / "frame.tif", rgbi_page(rowsperstrip=48))
    set_byte_counts(path, lambda true: 0)
    assert_planes(read_capture(path))


def set_byte_counts(path, said):
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tag = tiff.pages[0].aspage().tags[279]
        true = tag.value if isinstance(tag.value, tuple) else (tag.value,)
        tag.overwrite(tuple(said(one) for one in true), dtype="I")
