"""PNG and JPEG files, known by their content."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from filmscand.drivers.files.reader import FileTruncatedError, read_capture

RGB = np.random.default_rng(3).integers(0, 65535, (24, 32, 3)).astype(np.uint16)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_png_of_16_bits_is_read_as_it_is(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(imagecodecs.png_encode(RGB))
    capture = read_capture(path)
    assert (capture.rgb == RGB).all()
    assert (capture.info.layout, capture.info.flags) == ("png_rgb", ("no_infrared",))


def test_a_grey_png_fills_three_equal_planes(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(RGB[..., 0])))
    capture = read_capture(path)
    assert all((capture.rgb[..., index] == RGB[..., 0]).all() for index in range(3))
    assert capture.info.flags == ("grey", "no_infrared")


def test_a_jpeg_is_flagged_as_lossy(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode((RGB >> 8).astype(np.uint8)))
    assert read_capture(path).info.flags == ("lossy", "eight_bit", "no_infrared")


def test_a_picture_without_its_end_is_not_complete(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(RGB)[:-20])
    with pytest.raises(FileTruncatedError):
        read_capture(path)
