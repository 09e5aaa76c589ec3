"""A TIFF whose directories are incomplete or impossible gets an error that says so."""

from __future__ import annotations

import struct

import pytest
import tifffile

from filmscand.drivers.files.reader import (
    FileTruncatedError,
    NotAFilmScanError,
    check_whole,
    read_capture,
)
from filmscand.drivers.files.tiff_structure import MAX_DIRECTORIES, check_structure
from support.film_pages import hdri_pages, write_pages


@pytest.mark.parametrize("data", [b"", b"\0" * 400, b"II*\0", b"II*\0\0\0\0\0" + bytes(50)])
def test_file_that_has_only_begun_is_to_be_waited_for(tmp_path, data):
    path = tmp_path / "frame.tif"
    path.write_bytes(data)
    for attempt in (check_whole, read_capture):
        with pytest.raises(FileTruncatedError):
            attempt(path)


def test_directories_that_lead_in_a_circle_are_refused(tmp_path):
    path = write_pages(tmp_path / "frame.tif", *hdri_pages())
    with tifffile.TiffFile(path) as tiff:
        second = tiff.pages[1].aspage()
        end = second.offset + 2 + 12 * len(second.tags)
        first = tiff.pages[0].aspage().offset
    data = bytearray(path.read_bytes())
    data[end : end + 4] = first.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(NotAFilmScanError, match="one that returns to byte 8"):
        read_capture(path)


def check(path):
    with path.open("rb") as file:
        check_structure(file, path, path.stat().st_size)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True], ids=["classic", "big"])
def test_a_complete_file_passes_in_every_dialect(tmp_path, byteorder, bigtiff):
    path = write_pages(tmp_path / "frame.tif", *hdri_pages(preview=True), byteorder=byteorder, bigtiff=bigtiff)
    check(path)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG picture"),
        (b"%PDF-1.7", "PDF document"),
        (b"II*\0"[::-1] * 2, "begins with the bytes"),
    ],
)
def test_other_files_are_named(tmp_path, start, kind):
    (tmp_path / "frame.tif").write_bytes(start + bytes(100))
    with pytest.raises(NotAFilmScanError, match=kind):
        check(tmp_path / "frame.tif")


def test_more_directories_than_any_scan_has_are_refused(tmp_path):
    # an empty directory of one tag after another, each of 18 bytes
    count = MAX_DIRECTORIES + 1
    offsets = [8 + 18 * index for index in range(count)]
    following = [*offsets[1:], 0]
    directories = b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 1, offset) for offset in following)
    (tmp_path / "frame.tif").write_bytes(b"II*\0" + struct.pack("<I", 8) + directories)
    with pytest.raises(NotAFilmScanError, match=f"at most {MAX_DIRECTORIES} directories"):
        check(tmp_path / "frame.tif")


def test_a_value_beyond_the_end_is_missing_with_its_tag(tmp_path):
    entry = struct.pack("<HHII", 270, 2, 1000, 26)
    (tmp_path / "frame.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))
    with pytest.raises(FileTruncatedError, match="the value of tag 270 up to byte 1026, found a file of 26 bytes"):
        check(tmp_path / "frame.tif")


def test_a_directory_without_tags_is_refused(tmp_path):
    (tmp_path / "frame.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, 0) + bytes(8))
    with pytest.raises(NotAFilmScanError, match="a directory of 1 to 4096 tags, found 0 tags at byte 8"):
        check(tmp_path / "frame.tif")
