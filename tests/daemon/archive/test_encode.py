"""The 8-bit files of a revision, read back by another library's decoder."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from filmscand.daemon.archive.encode import srgb_profile, write_access_jpeg, write_mask_png


def written(write, *arguments):
    file = io.BytesIO()
    write(file, *arguments)
    return file


def test_a_mask_is_grey_with_255_where_the_picture_was_changed():
    mask = np.random.default_rng(1).random((20, 30)) < 0.1
    with Image.open(written(write_mask_png, mask)) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(image), np.where(mask, 255, 0))


@pytest.mark.parametrize(("resolution_dpi", "dpi"), [(4000.4, (4000, 4000)), (None, None)])
def test_an_access_image_carries_its_profile_and_resolution(resolution_dpi, dpi):
    picture = np.full((16, 24, 3), (200, 100, 50), np.uint8)
    with Image.open(written(write_access_jpeg, picture, resolution_dpi)) as image:
        assert (image.format, image.size, image.info.get("dpi")) == ("JPEG", (24, 16), dpi)
        assert image.info["icc_profile"] == srgb_profile()
        assert np.abs(np.asarray(image).astype(int) - picture).max() <= 3


def test_the_same_picture_gives_the_same_bytes():
    picture = np.random.default_rng(1).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    first, second = (written(write_access_jpeg, picture, 4000.0).getvalue() for _ in range(2))
    assert first == second


def test_the_profile_is_srgb():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
