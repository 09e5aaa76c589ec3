"""Every layout of formats in use goes in, the planes come out to the bit; everything else gets a named error."""

from __future__ import annotations

import os
import pickle
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.base import Capture, InfraredOrigin
from drivers.film_files import (
    AmbiguousLayoutError,
    FileTruncatedError,
    FilmFileError,
    NotAFilmScanError,
    PlaneMismatchError,
    check_whole,
    find_infrared_partner,
    infrared_stem,
    read_capture,
)

ROWS, COLS = 48, 70
LAWS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
VUESCAN = "VueScan 9 x64 (9.8.26.08)"
SILVERFAST_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:Silverfast="LSI/" Silverfast:Company="LaserSoft Imaging" Silverfast:HDRScan="Yes"
 Silverfast:Gamma="%s" Silverfast:Negative="No"/></rdf:RDF></x:xmpmeta>"""


def make_planes(rows: int = ROWS, cols: int = COLS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    rgb = rng.integers(900, 65536, (rows, cols, 3), dtype=np.uint16)
    infrared = rng.integers(30000, 65536, (rows, cols), dtype=np.uint16)
    return rgb, infrared


RGB, INFRARED = make_planes()
RGBI = np.dstack([RGB, INFRARED])


@dataclass(frozen=True)
class Page:
    """One page as a test file holds it; `mark` becomes its NewSubfileType after writing, as tifffile refuses 4."""

    samples: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    mark: int | None = None


def write_pages(path: Path, *pages: Page, byteorder: Any = "<", bigtiff: bool = False) -> Path:
    with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as tiff:
        for page in pages:
            grey = page.samples.ndim == 2
            options = {"photometric": "minisblack" if grey else "rgb", "software": "a program"} | page.options
            if page.mark is not None:
                options["subfiletype"] = 0
            tiff.write(page.samples, metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        flat = [page for top in tiff.pages for page in (top, *(top.pages or ()))]
        for written, page in zip(flat, pages, strict=True):
            if page.mark is not None:
                written.aspage().tags[254].overwrite(page.mark)
    return path


def rgbi_page(**options: Any) -> Page:
    return Page(RGBI, {"extrasamples": ["unspecified"]} | options)


def hdri_pages(*, mark: int | None = 4, preview: bool = False) -> list[Page]:
    small = Page(np.ascontiguousarray(RGB[::4, ::4]), {"subfiletype": 1})
    return [Page(RGB), *([small] if preview else []), Page(INFRARED, mark=mark)]


def dng_pages(raw: Page, *others: Page) -> list[Page]:
    """A DNG: a small 8-bit preview, below it the linear raw, then other top-level pages."""
    preview = Page(np.zeros((12, 18, 3), np.uint8), {"subfiletype": 1, "subifds": 1, "extratags": DNG_TAGS})
    linear = Page(raw.samples, {"photometric": 34892, "subfiletype": 0, "rowsperstrip": 1} | raw.options, raw.mark)
    return [preview, linear, *others]


DNG_TAGS = [
    (50706, 1, 4, b"\1\1\0\0", True),
    (50708, 2, 0, "Epson Perfection4490", True),
    (271, 2, 0, "Epson", True),
]

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
    assert capture.info.sources == (path,)


def assert_planes(capture: Capture, rgb: np.ndarray = RGB, infrared: np.ndarray | None = INFRARED) -> None:
    planes = [(capture.rgb, rgb)]
    assert (capture.infrared is None) == (infrared is None)
    if capture.infrared is not None:
        planes.append((capture.infrared, infrared))
    for read, expected in planes:
        np.testing.assert_array_equal(read, expected)
        assert read.dtype == np.dtype("=u2")
        assert read.flags.c_contiguous


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
    info = read_capture(write_pages(tmp_path / "frame.tif", rgbi_page(**options))).info
    assert (info.make, info.model, info.software) == ("Nikon", "LS-5000 ED", VUESCAN)
    assert info.captured_at == datetime(2024, 5, 6, 7, 8, 9)
    assert info.icc_profile == b"profile bytes"
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


# ---- pairs


@pytest.mark.parametrize(
    "name, stem",
    [
        ("roll1_0007_IR.tif", "roll1_0007"),
        ("a-ir.TIFF", "a"),
        ("a.ir.tiff", "a"),
        ("a ir.tif", "a"),
        ("a_infrared.tif", "a"),
        ("IR_a.tif", "a"),
        ("infrared-a.dng", "a"),
        ("x.dng.ir.tiff", "x.dng"),
        ("a.tif", None),
        ("_ir.tif", None),
        ("fir.tif", None),
        ("irene.tif", None),
        ("a_ir.jpg", None),
        ("a_ir_valid.tif", None),
    ],
)
def test_infrared_names_give_the_name_of_their_picture(name, stem):
    assert infrared_stem(name) == stem


@pytest.mark.parametrize(
    "partner", ["Frame_ir.tif", "frame_IR.TIF", "FRAME-Ir.tiff", "ir_frame.tif", "Frame.tif.ir.tif"]
)
def test_partner_is_found_whatever_its_case(tmp_path, partner):
    for name in ("Frame.tif", partner, "Frame2_ir.tif", "Frame_ir.txt"):
        (tmp_path / name).touch()
    assert find_infrared_partner(tmp_path / "Frame.tif") == tmp_path / partner
    assert find_infrared_partner(tmp_path / "Frame3.tif") is None


def test_partner_in_the_pictures_own_case_and_extension_goes_first(tmp_path):
    for name in ("a_ir.tif", "A_ir.tif", "A_ir.tiff"):
        (tmp_path / name).touch()
    assert find_infrared_partner(tmp_path / "A.tif") == tmp_path / "A_ir.tif"
    assert find_infrared_partner(tmp_path / "A.tiff") == tmp_path / "A_ir.tiff"


def test_two_equally_fitting_partners_are_ambiguous(tmp_path):
    for name in ("a_ir.tif", "a-ir.tif"):
        (tmp_path / name).touch()
    with pytest.raises(AmbiguousLayoutError, match=r"a\.tif: .* a-ir\.tif and a_ir\.tif"):
        find_infrared_partner(tmp_path / "a.tif")


PARTNERS = {
    "grey": (Page(INFRARED), ()),
    "equal_colours": (Page(np.dstack([INFRARED] * 3)), ()),
    "eight_bit": (Page((INFRARED >> 8).astype(np.uint8)), ("infrared_eight_bit",)),
}


@pytest.mark.parametrize("page, flags", PARTNERS.values(), ids=PARTNERS)
def test_picture_and_infrared_file_make_one_capture(tmp_path, page, flags):
    picture = write_pages(tmp_path / "a.tif", Page(RGB))
    partner = write_pages(tmp_path / "a_IR.tif", page)
    check_whole(partner)
    capture = read_capture(picture, partner)
    exact = page.samples.dtype == np.uint16
    assert_planes(capture, infrared=INFRARED if exact else (INFRARED >> 8) * 257)
    assert capture.info.infrared_origin is InfraredOrigin.PAIR
    assert capture.info.layout == "tiff_rgb_pair"
    assert capture.info.sources == (picture, partner)
    assert capture.info.flags == flags


def test_infrared_inside_the_picture_goes_before_a_partner(tmp_path):
    picture = write_pages(tmp_path / "a.tif", rgbi_page())
    partner = write_pages(tmp_path / "a_ir.tif", Page(INFRARED[::-1]))
    capture = read_capture(picture, partner)
    assert_planes(capture)
    assert capture.info.flags == ("infrared_partner_unused",)


def test_partner_of_another_shape_is_refused_with_both_sizes(tmp_path):
    picture = write_pages(tmp_path / "a.tif", Page(RGB))
    partner = write_pages(tmp_path / "a_ir.tif", Page(np.ascontiguousarray(INFRARED[:, :40])))
    with pytest.raises(PlaneMismatchError, match=r"a_ir\.tif: expected 48 x 70 pixels as in a\.tif.* found 48 x 40"):
        read_capture(picture, partner)


def test_coloured_partner_is_refused(tmp_path):
    picture = write_pages(tmp_path / "a.tif", Page(RGB))
    with pytest.raises(NotAFilmScanError, match="colour samples that are equal"):
        read_capture(picture, write_pages(tmp_path / "a_ir.tif", Page(RGB)))


# ---- what is no film scan


def write_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def write_page(samples: np.ndarray, **options: Any) -> Callable[[Path], object]:
    return lambda path: write_pages(path, Page(samples, options))


REFUSED = {
    "jpeg": (write_bytes(b"\xff\xd8\xff\xe0" + bytes(100)), "found a JPEG picture"),
    "text": (write_bytes(b"hello, this is text"), "begins with the bytes 68 65 6c 6c"),
    "grey_alone": (write_page(INFRARED), "a grey plane alone is only the infrared half"),
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


# ---- files that are not whole, or not sound


@pytest.mark.parametrize("data", [b"", b"\0" * 400, b"II*\0", b"II*\0\0\0\0\0" + bytes(50)])
def test_file_that_has_only_begun_is_to_be_waited_for(tmp_path, data):
    path = tmp_path / "frame.tif"
    path.write_bytes(data)
    for attempt in (check_whole, read_capture):
        with pytest.raises(FileTruncatedError):
            attempt(path)


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

    monkeypatch.setattr("drivers.tiff_pages.os.fstat", fstat)


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


def test_directories_that_lead_in_a_circle_are_refused(tmp_path):
    path = write_pages(tmp_path / "frame.tif", *hdri_pages())
    with tifffile.TiffFile(path) as tiff:
        second = tiff.pages[1].aspage()
        end = second.offset + 2 + 12 * len(second.tags)
        first = tiff.pages[0].aspage().offset
    data = bytearray(path.read_bytes())
    data[end : end + 4] = first.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(NotAFilmScanError, match="a chain that comes back"):
        read_capture(path)


def test_errors_survive_the_way_out_of_a_worker_process(tmp_path):
    error = PlaneMismatchError(tmp_path / "a.tif", expected="this", found="that")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.path) == (PlaneMismatchError, str(error), error.path)


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
