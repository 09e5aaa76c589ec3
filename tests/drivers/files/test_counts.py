"""How many bits counts use, and which infrared planes are doubtful."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.files.reader import read_capture
from support.film_pages import (
    COLS,
    INFRARED,
    RGB,
    RGBI,
    ROWS,
    Page,
    assert_planes,
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
