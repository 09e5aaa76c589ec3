"""The metadata of a film file becomes that of the capture."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime

import numpy as np
import pytest
import tifffile

from filmscand.drivers.files.reader import read_capture
from support.film_pages import (
    INFRARED,
    RGB,
    SILVERFAST_XMP,
    VUESCAN,
    Page,
    dng_pages,
    rgbi_page,
    write_pages,
)


def test_what_the_file_says_about_itself_is_kept(tmp_path):
    options = {
        "software": VUESCAN,
        "datetime": datetime(2024, 5, 6, 7, 8, 9),
        "iccprofile": b"profile bytes",
        "resolution": (1000, 1000),
        "resolutionunit": "centimeter",
        "extratags": [(271, 2, 0, "Nikon", True), (272, 2, 0, "LS-5000 ED", True)],
    }
    capture = read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(**options)))
    info = capture.info
    assert (info.make, info.model, info.software) == ("Nikon", "LS-5000 ED", VUESCAN)
    assert info.captured_at == datetime(2024, 5, 6, 7, 8, 9)
    assert capture.icc_profile == b"profile bytes"
    assert info.icc_profile_sha256 == hashlib.sha256(b"profile bytes").hexdigest()
    assert not info.scanned
    assert info.resolution_dpi == pytest.approx(2540)
    assert info.linear is None


def test_dng_takes_make_and_model_from_its_first_directory(tmp_path):
    info = read_capture(write_pages(tmp_path / "frame.dng", *dng_pages(Page(RGB)))).info
    assert (info.make, info.model, info.linear) == ("Epson", "Epson Perfection4490", True)


@pytest.mark.parametrize("gamma, linear", [(b"1", True), (b"2.2", False), (b"2,2", None)])
def test_silverfast_gamma_tells_whether_counts_are_linear(tmp_path, gamma, linear):
    xmp = SILVERFAST_XMP % gamma
    page = Page(RGB, {"extratags": [(700, 1, len(xmp), xmp, True)]})
    assert read_capture(write_pages(tmp_path / "frame.tif", page, Page(INFRARED, mark=4))).info.linear is linear


def test_vuescan_raw_without_profile_is_taken_as_linear_with_a_flag(tmp_path):
    info = read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(software=VUESCAN))).info
    assert info.linear is True
    assert info.flags == ("linear_assumed",)


def test_a_file_that_says_nothing_about_itself_gives_nothing(tmp_path):
    info = read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(software=""))).info
    assert (info.make, info.model, info.software, info.captured_at, info.icc_profile_sha256) == (None,) * 5
    assert info.linear is None


@pytest.mark.parametrize(
    ("unit", "value", "dpi"),
    [
        ("inch", (300, 600), 300.0),
        ("centimeter", (100, 200), 254.0),
        ("none", (300, 600), None),
        ("inch", (0, 0), None),
    ],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_resolution_is_that_along_the_rows_of_the_upright_picture(tmp_path, unit, value, dpi, orientation):
    along_rows = value if orientation == 1 else value[::-1]
    options = {"resolution": along_rows, "resolutionunit": unit, "extratags": [(274, 3, 1, orientation, True)]}
    assert read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(**options))).info.resolution_dpi == dpi


def test_a_date_that_cannot_be_is_no_date(tmp_path):
    options = {"extratags": [(306, 2, 0, "2024:99:99 00:00:00", True)]}
    assert read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(**options))).info.captured_at is None


def test_an_eight_bit_file_of_vuescan_is_encoded_for_viewing(tmp_path):
    page = Page((RGB >> 8).astype(np.uint8), {"software": VUESCAN})
    assert read_capture(write_pages(tmp_path / "frame.tif", page)).info.linear is False


@pytest.mark.parametrize(
    ("value", "negative"),
    [(b'="Yes"', True), (b" = 'yes'", True), (b'="No"', None), (b'="Yesterday"', None), (b'=""', None)],
)
def test_silverfast_says_that_its_film_is_a_negative(tmp_path, value, negative):
    xmp = SILVERFAST_XMP.replace(b'="No"', value) % b"1"
    page = Page(RGB, {"extratags": [(700, 1, len(xmp), xmp, True)]})
    assert read_capture(write_pages(tmp_path / "frame.tif", page, Page(INFRARED, mark=4))).info.negative is negative


def test_as_an_element_the_statement_counts_too(tmp_path):
    xmp = b"<x><Silverfast:Negative>Yes</Silverfast:Negative></x>"
    page = Page(RGB, {"extratags": [(700, 1, len(xmp), xmp, True)]})
    assert read_capture(write_pages(tmp_path / "frame.tif", page)).info.negative is True


def test_a_file_without_such_a_statement_does_not_say_which_film_it_is(tmp_path):
    assert read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(software=VUESCAN))).info.negative is None


def write_with_resolution(path, field_type, value):
    options = {"resolution": (300, 300), "resolutionunit": "inch"}
    write_pages(path, rgbi_page(**options))
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for tag in (282, 283):
            tiff.pages[0].tags[tag].overwrite(value, dtype=field_type)
    return path


RATIONAL, SIGNED_RATIONAL, FLOAT, DOUBLE = "2I", "2i", "f", "d"


@pytest.mark.parametrize("field_type", [RATIONAL, SIGNED_RATIONAL])
@pytest.mark.parametrize(("value", "dpi"), [(2400, 2400.0), (100_000, 100_000.0), (100_001, None), (0, None)])
def test_a_resolution_counts_if_a_scanner_can_have_it(tmp_path, field_type, value, dpi):
    path = write_with_resolution(tmp_path / "frame.tif", field_type, (value, 1))
    assert read_capture(path).info.resolution_dpi == dpi


@pytest.mark.parametrize(
    ("field_type", "value"), [(SIGNED_RATIONAL, (-300, 1)), (FLOAT, -300.0), (DOUBLE, math.nan), (DOUBLE, math.inf)]
)
def test_a_resolution_that_cannot_be_is_no_resolution(tmp_path, field_type, value):
    path = write_with_resolution(tmp_path / "frame.tif", field_type, value)
    assert read_capture(path).info.resolution_dpi is None
