"""Which page is the picture and where its infrared is, decided by the structure of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from filmscand.drivers.files.layout import same_aspect, software_of
from filmscand.drivers.files.reader import (
    AmbiguousLayoutError,
    NotAFilmScanError,
    PlaneMismatchError,
    check_whole,
    read_capture,
)
from filmscand.drivers.files.tiff_pages import open_film
from support.film_pages import (
    DNG_TAGS,
    INFRARED,
    RGB,
    RGBI,
    VUESCAN,
    Page,
    assert_planes,
    dng_pages,
    hdri_pages,
    rgbi_page,
    write_pages,
)

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
        [Page(RGB), Page(65535 - INFRARED, {"photometric": "miniswhite"})],
        "tiff_rgb_infrared_page",
        ("infrared_weak_evidence", "infrared_white_is_zero"),
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


def test_infrared_page_of_another_aspect_is_refused_with_both_sizes(tmp_path):
    narrow = Page(np.ascontiguousarray(INFRARED[:, :40]), mark=4)
    path = write_pages(tmp_path / "frame.tif", Page(RGB), narrow)
    with pytest.raises(PlaneMismatchError, match=r"frame\.tif: expected .* 48 x 70 .* found 48 x 40 grey"):
        read_capture(path)


@pytest.mark.parametrize(
    ("other", "same"), [((3600, 2400), True), ((1800, 1200), True), ((3630, 2400), True), ((3700, 2400), False)]
)
def test_aspect_ratios_are_the_same_within_one_percent(other, same):
    assert same_aspect((3600, 2400), other) is same


@pytest.mark.parametrize("reduced", [False, True])
def test_a_small_colour_page_is_a_preview_marked_or_not(tmp_path, reduced):
    preview = Page(np.ascontiguousarray(RGB[::2, ::2]), {"subfiletype": int(reduced)})
    path = write_pages(tmp_path / "frame.tif", preview, Page(RGB), Page(INFRARED, mark=4))
    assert_planes(read_capture(path))


def test_a_marked_page_of_the_pictures_size_goes_before_a_smaller_one(tmp_path):
    small = Page(np.ascontiguousarray(INFRARED[::2, ::2]), mark=4)
    capture = read_capture(write_pages(tmp_path / "frame.tif", Page(RGB), small, Page(INFRARED, mark=4)))
    assert_planes(capture)
    assert capture.info.flags == ("extra_page_unused",)


def test_the_first_page_that_names_a_program_names_it_for_the_file(tmp_path):
    path = write_pages(tmp_path / "frame.tif", Page(RGB, {"software": ""}), Page(INFRARED, {"software": VUESCAN}))
    with open_film(path) as film:
        assert software_of(film) == VUESCAN


@pytest.mark.parametrize("marked", [0, 1])
def test_a_second_preview_in_colours_is_flagged(tmp_path, marked):
    previews = [Page(np.ascontiguousarray(RGB[::step, ::step]), {"subfiletype": marked}) for step in (2, 4)]
    one = read_capture(write_pages(tmp_path / "one.tif", previews[0], Page(RGB), Page(INFRARED, mark=4)))
    two = read_capture(write_pages(tmp_path / "two.tif", *previews, Page(RGB), Page(INFRARED, mark=4)))
    assert one.info.flags == ()
    assert two.info.flags == ("extra_page_unused",)
    inside = read_capture(write_pages(tmp_path / "inside.tif", *previews, rgbi_page()))
    assert inside.info.flags == ("extra_page_unused",)


def test_samples_of_half_precision_are_called_what_they_are(tmp_path):
    path = write_pages(tmp_path / "frame.tif", Page((RGB / 65535.0).astype(np.float16)))
    with pytest.raises(NotAFilmScanError, match=r"found 48 x 70 RGB of 3 x 16 bit float"):
        read_capture(path)
