"""A complete scan of film is read; an incomplete, damaged or other file gets an error that names it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmscand.drivers.files.reader import (
    FileTruncatedError,
    FilmFileError,
    NotAFilmScanError,
    check_whole,
    read_capture,
)
from support.film_pages import INFRARED, RGB, RGBI, Page, dng_pages, hdri_pages, rgbi_page, write_pages

LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def write_page(samples: np.ndarray, **options: Any) -> Callable[[Path], object]:
    return lambda path: write_pages(path, Page(samples, options))


REFUSED = {
    "text": (write_bytes(b"hello, this is text"), "begins with the bytes 68 65 6c 6c"),
    "one_bit": (write_page(INFRARED > 40000, photometric="minisblack"), "1 x 1 bit"),
    "palette": (
        write_page((INFRARED >> 8).astype(np.uint8), photometric="palette", colormap=np.zeros((3, 256), np.uint16)),
        "palette of 1 x 8 bit",
    ),
    "camera_raw": (write_page(INFRARED, photometric="cfa", extratags=[]), "not a camera's raw file"),
    "cmyk": (write_page(RGBI, photometric="separated"), "CMYK of 4 x 16 bit"),
    "float": (write_page(RGB.astype(np.float32)), "RGB of 3 x 32 bit"),
}


@pytest.mark.parametrize("write, message", REFUSED.values(), ids=REFUSED)
def test_other_files_are_refused_and_named(tmp_path, write, message):
    path = tmp_path / "frame.tif"
    write(path)
    with pytest.raises(NotAFilmScanError) as refusal:
        read_capture(path)
    assert message in str(refusal.value)
    assert str(refusal.value).startswith(f"{path}: expected ")


def test_missing_file_gives_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_capture(tmp_path / "gone.tif")


def whole_files(folder: Path) -> list[Path]:
    return [
        write_pages(folder / "hdri.tif", *hdri_pages(preview=True)),
        write_pages(folder / "rgbi.tif", rgbi_page(compression="lzw", rowsperstrip=16), byteorder=">"),
        write_pages(folder / "tiles.tif", rgbi_page(compression="zlib", tile=(16, 16)), bigtiff=True),
        write_pages(folder / "raw.dng", *dng_pages(Page(RGB), Page(INFRARED, mark=4))),
    ]


@pytest.fixture(scope="module")
def whole_bytes(tmp_path_factory) -> list[bytes]:
    return [path.read_bytes() for path in whole_files(tmp_path_factory.mktemp("whole"))]


@LAWS
@given(which=st.integers(0, 3), part=st.floats(0.0, 1.0, exclude_max=True), end=st.integers(0, 12))
def test_cut_file_is_named_truncated_and_never_half_a_capture(tmp_path, whole_bytes, which, part, end):
    whole = whole_bytes[which]
    path = tmp_path / "cut.tif"
    for length in (int(part * len(whole)), len(whole) - 1 - end):
        path.write_bytes(whole[:length])
        for attempt in (check_whole, read_capture):
            try:
                outcome = attempt(path)
            except FileTruncatedError as error:
                assert "expected" in str(error)
            else:
                assert attempt is check_whole or outcome.infrared is not None, "infrared lost by the cut"


@LAWS
@given(
    which=st.integers(0, 3),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.booleans(), st.integers(0, 255)), min_size=1),
)
def test_flipped_bytes_raise_film_file_errors_only(tmp_path, whole_bytes, which, flips):
    damaged = bytearray(whole_bytes[which])
    for part, near_start, value in flips:
        damaged[int(part * (600 if near_start else len(damaged)))] = value
    path = tmp_path / "damaged.tif"
    path.write_bytes(damaged)
    for attempt in (check_whole, read_capture):
        try:
            outcome = attempt(path)
        except (FilmFileError, OSError):
            continue
        assert attempt is check_whole or outcome.rgb.shape[2] == 3
