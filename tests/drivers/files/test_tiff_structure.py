"""A TIFF whose directories are incomplete or impossible gets an error that says so."""

from __future__ import annotations

import pytest
import tifffile

from filmscand.drivers.files.reader import (
    FileTruncatedError,
    NotAFilmScanError,
    check_whole,
    read_capture,
)
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
