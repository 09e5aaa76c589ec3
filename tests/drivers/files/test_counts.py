"""How many bits counts use, and which infrared planes are doubtful."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from filmscand.drivers.files.counts import check_infrared, correlation, detect_bits
from filmscand.drivers.files.reader import read_capture
from support.film_pages import (
    COLS,
    INFRARED,
    RGB,
    RGBI,
    ROWS,
    Page,
    assert_planes,
    make_planes,
    rgbi_page,
    write_pages,
)


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


@pytest.mark.parametrize("shape", [(3, 4), (600, 5), (3, 4, 3)])
@pytest.mark.parametrize("bits", [12, 14])
def test_the_largest_declared_value_becomes_the_largest_count(shape, bits):
    plane = np.full(shape, (1 << bits) - 1, np.uint16)
    plane[0] = 0
    assert detect_bits((plane,), (1 << bits) - 1) == (bits, (f"scaled_from_{bits}_bits",))
    assert (plane[1:] == 65535).all()
    assert (plane[0] == 0).all()


@given(arrays(np.uint16, (4, 5), elements=st.integers(1 << 14, 65535)), st.sampled_from([None, 4095, 16383, 65535]))
def test_counts_beyond_14_bits_are_never_changed(plane, declared_max):
    before = plane.copy()
    bits, _ = detect_bits((plane,), declared_max)
    assert bits in (8, 12, 14, 16)
    assert np.array_equal(plane, before)


def test_one_pixel_that_is_not_widened_makes_a_large_plane_of_16_bits():
    plane = np.full((700, 700), 0x4141, np.uint16)
    assert detect_bits((plane,), None) == (8, ("eight_bit",))
    plane[699, 699] = 0x4143
    assert detect_bits((plane,), None) == (16, ())


def test_sound_infrared_has_no_flag():
    rgb, infrared = make_planes(20, 30)
    assert check_infrared(rgb, infrared) == ()


def test_a_constant_plane_correlates_with_nothing():
    plane = np.arange(20, dtype=np.uint16).reshape(4, 5)
    assert correlation(plane, np.full((4, 5), 7, np.uint16)) is None
    assert correlation(plane, plane[::-1, ::-1]) == pytest.approx(-1.0)
