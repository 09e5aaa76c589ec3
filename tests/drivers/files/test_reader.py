"""Every layout of formats in use goes in, and the planes come out to the bit."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.files.reader import AmbiguousLayoutError, PlaneMismatchError, check_whole, read_capture
from support.film_pages import (
    COLS,
    DNG_TAGS,
    INFRARED,
    RGB,
    RGBI,
    ROWS,
    SILVERFAST_XMP,
    VUESCAN,
    Page,
    assert_planes,
    dng_pages,
    hdri_pages,
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


FILES: dict[str, tuple[list[Page], str, tuple[str, ...]]] = {
    "silverfast_hdri": (hdri_pages(), "tiff_rgb_infrared_page", ()),
    "silverfast_hdri_with_preview": (hdri_pages(preview=True), "tiff_rgb_infrared_page", ()),
    "hdri_without_mark": (hdri_pages(mark=0), "tiff_rgb_infrared_page", ("infrared_weak_evidence",)),
    "hdri_dng_grey_top_level": (dng_pages(Page(RGB), Page(INFRARED, mark=4)), "dng_rgb_infrared_page", ()),
    "vuescan_dng_four_samples": (dng_pages(rgbi_page()), "dng_rgbi", ()),
    "rgb_alone": ([Page(RGB)], "tiff_rgb", ("no_infrared",)),
    "vuescan_dng_three_samples": (dng_pages(Page(RGB)), "dng_rgb", ("no_infrared",)),
    "rgbi_with_a_grey_page_too": ([rgbi_page(), Page(INFRARED, mark=4)], "tiff_rgbi", ("extra_page_unused",)),
    "white_is_zero_page": (
        [Page(RGB), Page(INFRARED, {"photometric": "miniswhite"})],
        "tiff_rgb",
        ("extra_page_unused", "no_infrared"),
    ),
}


@pytest.mark.parametrize("pages, layout, flags", FILES.values(), ids=FILES)
@pytest.mark.parametrize("bigtiff", [False, True], ids=["classic", "big"])
def test_pages_of_one_file_are_told_apart_by_structure(tmp_path, pages, layout, flags, bigtiff):
    path = write_pages(tmp_path / "frame.dng", *pages, bigtiff=bigtiff)
    check_whole(path)
    capture = read_capture(path)
    assert_planes(capture, infrared=None if "no_infrared" in flags else INFRARED)
    assert capture.info.layout == layout
    assert capture.info.flags == flags


def test_infrared_page_below_the_preview_of_a_dng_is_found(tmp_path):
    preview = Page(np.zeros((12, 18, 3), np.uint8), {"subfiletype": 1, "subifds": 2, "extratags": DNG_TAGS})
    linear = Page(RGB, {"photometric": 34892, "subfiletype": 0})
    path = write_pages(tmp_path / "frame.dng", preview, linear, Page(INFRARED, mark=4))
    assert_planes(read_capture(path))


@pytest.mark.parametrize("tile", [None, (32, 32)], ids=["strip", "tiles"])
def test_dng_in_lossless_jpeg_is_read(tmp_path, tile):
    lossless = {"compression": "jpeg", "compressionargs": {"lossless": True, "bitspersample": 16}, "tile": tile}
    raw = Page(RGB, {"rowsperstrip": None} | lossless)
    path = write_pages(tmp_path / "frame.dng", *dng_pages(raw, Page(INFRARED, mark=4)))
    check_whole(path)
    assert_planes(read_capture(path))


@pytest.mark.parametrize(
    "extra, software, told, infrared_found",
    [
        (["unspecified"], "a program", None, True),
        (["unassalpha"], VUESCAN, None, True),
        (["assocalpha"], VUESCAN, None, True),
        (["unassalpha"], "a program", True, True),
        (["unassalpha"], "a program", False, False),
        (["unspecified"], "a program", False, False),
    ],
)
def test_extra_samples_software_and_profile_decide_on_the_fourth_sample(
    tmp_path, extra, software, told, infrared_found
):
    path = write_pages(tmp_path / "frame.tif", Page(RGBI, {"extrasamples": extra, "software": software}))
    capture = read_capture(path, fourth_sample_is_infrared=told)
    assert (capture.infrared is not None) == infrared_found
    assert ("fourth_sample_unused" in capture.info.flags) == (not infrared_found)


def test_fourth_sample_without_extra_samples_tag_is_infrared(tmp_path):
    path = write_pages(tmp_path / "frame.tif", rgbi_page())
    rename_tag(path, 338, 65000)
    assert_planes(read_capture(path))


def rename_tag(path: Path, code: int, new_code: int) -> None:
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[0].aspage().tags[code].offset
    data = bytearray(path.read_bytes())
    data[offset : offset + 2] = new_code.to_bytes(2, "little")
    path.write_bytes(data)


def test_alpha_of_an_unknown_program_is_ambiguous(tmp_path):
    path = write_pages(tmp_path / "frame.tif", Page(RGBI, {"extrasamples": ["unassalpha"]}))
    with pytest.raises(
        AmbiguousLayoutError, match=r"frame\.tif: expected a fourth sample .* found ExtraSamples \(2,\)"
    ):
        read_capture(path)


def test_alpha_beside_a_partner_is_left_for_the_partner(tmp_path):
    path = write_pages(tmp_path / "frame.tif", Page(RGBI, {"extrasamples": ["unassalpha"]}))
    partner = write_pages(tmp_path / "frame_ir.tif", Page(INFRARED[::-1]))
    capture = read_capture(path, partner)
    assert_planes(capture, infrared=INFRARED[::-1])
    assert capture.info.flags == ("fourth_sample_unused",)


def test_two_marked_grey_pages_are_ambiguous(tmp_path):
    path = write_pages(tmp_path / "frame.tif", *hdri_pages(), Page(INFRARED, mark=4))
    with pytest.raises(AmbiguousLayoutError, match="expected one infrared page, found 2"):
        read_capture(path)


def test_two_pictures_in_one_file_are_ambiguous(tmp_path):
    path = write_pages(tmp_path / "frame.tif", Page(RGB), Page(RGB))
    with pytest.raises(AmbiguousLayoutError, match="expected one picture, found 2"):
        read_capture(path)


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


def test_eight_bit_file_is_widened_and_flagged(tmp_path):
    narrow = (RGBI >> 8).astype(np.uint8)
    path = write_pages(tmp_path / "frame.tif", Page(narrow, {"extrasamples": ["unspecified"]}))
    capture = read_capture(path)
    widened = narrow.astype(np.uint16) * 257
    assert_planes(capture, widened[..., :3], widened[..., 3])
    assert capture.info.bits_per_sample == 8
    assert "eight_bit" in capture.info.flags


@pytest.mark.parametrize("bits", [12, 14])
def test_counts_of_fewer_bits_are_scaled_only_where_the_file_declares_them(tmp_path, bits):
    counts = RGBI >> (16 - bits)
    counts[0, 0] = (1 << bits) - 1
    declared = {"extratags": [(281, 3, 4, ((1 << bits) - 1,) * 4, True)]}
    scaled = read_capture(write_pages(tmp_path / "declared.tif", Page(counts, rgbi_page().options | declared)))
    assert scaled.rgb.max() == 65535
    np.testing.assert_array_equal(scaled.rgb >> (16 - bits), counts[..., :3])
    assert scaled.info.bits_per_sample == bits
    assert scaled.info.flags == (f"scaled_from_{bits}_bits",)

    silent = read_capture(write_pages(tmp_path / "silent.tif", Page(counts, rgbi_page().options)))
    assert_planes(silent, counts[..., :3], counts[..., 3])
    assert silent.info.bits_per_sample == 16
    assert silent.info.flags == (f"counts_within_{bits}_bits",)


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


def test_eight_bit_counts_that_another_program_widened_are_recognised(tmp_path):
    widened = (RGBI >> 8) * np.uint16(257)
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(widened, rgbi_page().options)))
    assert_planes(capture, widened[..., :3], widened[..., 3])
    assert (capture.info.bits_per_sample, capture.info.flags) == (8, ("eight_bit",))


@pytest.mark.parametrize("bits", [12, 14])
def test_counts_shifted_up_from_fewer_bits_are_recognised(tmp_path, bits):
    shifted = RGBI >> (16 - bits) << (16 - bits)
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(shifted, rgbi_page().options)))
    assert_planes(capture, shifted[..., :3], shifted[..., 3])
    assert capture.info.bits_per_sample == bits


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


def test_smaller_infrared_page_of_the_same_aspect_is_resampled(tmp_path):
    rows, cols = np.mgrid[0:24, 0:35]
    ramp = (20000 + 400 * rows + 300 * cols).astype(np.uint16)
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(RGB), Page(ramp, mark=4)))
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    expected = 20000 + 400 * ((rows + 0.5) / 2 - 0.5) + 300 * ((cols + 0.5) / 2 - 0.5)
    inner = np.s_[2:-2, 2:-2]
    assert capture.infrared is not None
    np.testing.assert_allclose(capture.infrared[inner], expected[inner], atol=1.0)
    assert capture.info.flags == ("infrared_resampled",)


def test_infrared_page_of_another_aspect_is_refused_with_both_sizes(tmp_path):
    narrow = Page(np.ascontiguousarray(INFRARED[:, :40]), mark=4)
    path = write_pages(tmp_path / "frame.tif", Page(RGB), narrow)
    with pytest.raises(PlaneMismatchError, match=r"frame\.tif: expected .* 48 x 70 .* found 48 x 40 grey"):
        read_capture(path)


SPOILT = {
    "constant": (np.full_like(INFRARED, 65535), "infrared_constant"),
    "copy_of_green": (np.ascontiguousarray(RGB[..., 1]), "infrared_equals_green"),
    "dark": (np.where(np.arange(COLS) == 9, 60000, 3000) * np.ones((ROWS, 1)), "infrared_dark"),
}


@pytest.mark.parametrize("plane, flag", SPOILT.values(), ids=SPOILT)
def test_doubtful_infrared_is_kept_and_flagged(tmp_path, plane, flag):
    samples = np.dstack([RGB, plane.astype(np.uint16)])
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(samples, rgbi_page().options)))
    assert_planes(capture, infrared=plane)
    assert flag in capture.info.flags


def test_correlation_of_infrared_and_red_is_recorded(tmp_path):
    mirror = np.dstack([RGB, RGB[..., 0] // 2 + 20000])
    info = read_capture(write_pages(tmp_path / "frame.tif", Page(mirror, rgbi_page().options))).info
    assert info.infrared_red_correlation == pytest.approx(1.0, abs=1e-3)
