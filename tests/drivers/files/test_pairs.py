"""A picture and the file of its infrared are one capture."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.files.pairs import name_key
from filmscand.drivers.files.reader import (
    AmbiguousLayoutError,
    NotAFilmScanError,
    PlaneMismatchError,
    check_whole,
    find_infrared_partner,
    infrared_stem,
    read_capture,
)
from support.film_pages import INFRARED, RGB, Page, assert_planes, rgbi_page, write_pages


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
        ("a_ir.jpg", "a"),
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


@pytest.mark.parametrize("picture, partner", [("NFC", "NFD"), ("NFD", "NFC")])
def test_partner_is_found_whichever_system_wrote_the_accents(tmp_path, picture, partner):
    names = unicodedata.normalize(picture, "Übung.tif"), unicodedata.normalize(partner, "übung_ir.tif")
    for name in names:
        (tmp_path / name).touch()
    assert find_infrared_partner(tmp_path / names[0]) == tmp_path / names[1]


@given(st.text(max_size=8))
def test_a_name_has_one_key_in_whatever_case_and_form_it_is_written(name):
    key = name_key(name)
    assert name_key(key) == key
    for form in ("NFC", "NFD"):
        assert name_key(unicodedata.normalize(form, name)) == key
        assert name_key(unicodedata.normalize(form, name.casefold())) == key


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
    assert capture.sources == (picture, partner)
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
