"""Samples come out of every arrangement of strips, tiles, planes and codecs to the last bit."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import tifffile

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.files.reader import (
    FileTruncatedError,
    check_whole,
    read_capture,
)
from filmscand.drivers.files.tiff_pages import open_film
from filmscand.drivers.files.tiff_samples import as_stored, read_samples
from support.film_pages import (
    COLS,
    INFRARED,
    RGB,
    RGBI,
    ROWS,
    Page,
    assert_planes,
    dng_pages,
    make_planes,
    rgbi_page,
    write_pages,
)

RGBI_LAYOUTS = {
    f"rgbi_{order}_{name}": (order, options)
    for order in ("II", "MM")
    for name, options in {
        "one_strip": {"rowsperstrip": ROWS},
        "strips_of_7_rows": {"rowsperstrip": 7},
        "strips_of_1_row": {"rowsperstrip": 1},
        "lzw": {"compression": "lzw", "rowsperstrip": 5},
        "lzw_predictor": {"compression": "lzw", "predictor": True},
        "deflate": {"compression": "zlib", "rowsperstrip": 16},
        "packbits": {"compression": "packbits"},
        "tiles": {"tile": (32, 16)},
        "tiles_lzw": {"tile": (16, 32), "compression": "lzw"},
        "planar": {"planarconfig": "separate"},
        "planar_lzw": {"planarconfig": "separate", "compression": "lzw", "rowsperstrip": 11},
    }.items()
}


@pytest.mark.parametrize("order, options", RGBI_LAYOUTS.values(), ids=RGBI_LAYOUTS)
def test_fourth_sample_is_read_as_infrared_from_every_arrangement_of_samples(tmp_path, order, options):
    planar = options.get("planarconfig") == "separate"
    samples = np.ascontiguousarray(np.moveaxis(RGBI, 2, 0)) if planar else RGBI
    page = Page(samples, {"extrasamples": ["unspecified"]} | options)
    path = write_pages(tmp_path / "frame.tif", page, byteorder="<" if order == "II" else ">")
    check_whole(path)
    capture = read_capture(path)
    assert_planes(capture)
    assert capture.info.layout == "tiff_rgbi"
    assert capture.info.infrared_origin is InfraredOrigin.FOURTH_SAMPLE
    assert capture.info.flags == ()
    assert capture.info.bits_per_sample == 16
    assert capture.sources == (path,)


@pytest.mark.parametrize("tile", [None, (32, 32)], ids=["strip", "tiles"])
def test_dng_in_lossless_jpeg_is_read(tmp_path, tile):
    lossless = {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}, "tile": tile}
    raw = Page(RGB, {"rowsperstrip": None} | lossless)
    path = write_pages(tmp_path / "frame.dng", *dng_pages(raw, Page(INFRARED, mark=4)))
    check_whole(path)
    assert_planes(read_capture(path))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["rgbi", "hdri"])
def test_orientation_turns_both_planes_upright(tmp_path, kind, orientation):
    turned = {"extratags": [(274, 3, 1, orientation, True)]}
    pages = [rgbi_page(**turned)] if kind == "rgbi" else [Page(RGB, turned), Page(INFRARED, mark=4)]
    capture = read_capture(write_pages(tmp_path / "frame.tif", *pages))
    upright: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: np.swapaxes(a, 0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
        8: lambda a: np.rot90(a, 1),
    }
    assert_planes(capture, upright[orientation](RGB), upright[orientation](INFRARED))


@pytest.mark.parametrize("bits", [12, 14])
def test_packed_samples_are_unpacked_and_scaled(tmp_path, bits):
    counts = RGB >> (16 - bits)
    path = tmp_path / "frame.tif"
    path.write_bytes(packed_tiff(counts, bits))
    check_whole(path)
    capture = read_capture(path)
    np.testing.assert_array_equal(capture.rgb >> (16 - bits), counts)
    assert capture.info.bits_per_sample == bits


def packed_tiff(counts: np.ndarray, bits: int) -> bytes:
    """A TIFF as scanners pack it: samples follow one another without spare bits, rows begin on a byte."""
    single_bits = (counts.reshape(ROWS, -1, 1) >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(single_bits.astype(np.uint8).reshape(ROWS, -1), axis=1).tobytes()
    longs = {256: COLS, 257: ROWS, 258: 122, 259: 1, 262: 2, 273: 128, 277: 3, 278: ROWS, 279: len(data)}
    entries = [struct.pack("<HHII", tag, 3 if tag == 258 else 4, 3 if tag == 258 else 1, v) for tag, v in longs.items()]
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)
    assert len(head) == 122
    return head + struct.pack("<3H", bits, bits, bits) + data


def test_damaged_last_strip_is_found_without_reading_the_rest(tmp_path):
    path = write_pages(tmp_path / "frame.tif", rgbi_page(compression="zlib", rowsperstrip=16))
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0].aspage()
        offset, length = page.dataoffsets[-1], page.databytecounts[-1]
    data = bytearray(path.read_bytes())
    data[offset : offset + length] = bytes(length)
    path.write_bytes(data)
    with pytest.raises(FileTruncatedError, match="a last strip or tile"):
        check_whole(path)


@pytest.mark.parametrize(
    "options", [{"rowsperstrip": 1}, {"compression": "lzw", "rowsperstrip": 16}], ids=["raw", "lzw"]
)
def test_reading_needs_little_more_memory_than_the_planes(tmp_path, options):
    rgb, infrared = make_planes(1500, 2400)
    path = write_pages(tmp_path / "frame.tif", Page(np.dstack([rgb, infrared]), rgbi_page(**options).options))
    read_capture(path)
    tracemalloc.start()
    read_capture(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1.6 * (rgb.nbytes + infrared.nbytes)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_written_as_stored_can_be_read_as_stored(orientation):
    upright = np.arange(12).reshape(3, 4)
    stored = as_stored(upright, orientation)
    assert np.shares_memory(stored, upright)
    assert stored.shape == ((4, 3) if orientation >= 5 else (3, 4))
    again = as_stored(stored, {6: 8, 8: 6}.get(orientation, orientation))
    assert np.array_equal(again, upright)


def test_samples_that_nobody_wants_are_skipped(tmp_path):
    path = write_pages(tmp_path / "frame.tif", rgbi_page())
    infrared = np.empty((ROWS, COLS), np.uint16)
    with open_film(path) as film:
        read_samples(film, film.pages[0], [None, None, None, infrared])
    assert np.array_equal(infrared, INFRARED)
