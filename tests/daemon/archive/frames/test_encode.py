"""The 8-bit files of a revision, read back by another library's decoder."""

import io
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from filmscand.daemon.archive.frames.encode import linear_profile, srgb_profile, write_access_jpeg, write_mask_png
from filmscand.drivers.files.writer import TiffTags

TAGS = TiffTags(
    description="meyer/box-3/r12_0001",
    document_name="r12_0001_r01_access",
    make="Nikon",
    model="LS-5000",
    captured_at=datetime(1999, 12, 31, 23, 59),
    resolution_dpi=4000.0,
    xmp=b"<x/>",
)


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
    with Image.open(written(write_access_jpeg, picture, TiffTags(resolution_dpi=resolution_dpi))) as image:
        # Pillow invents 72 dpi where a JPEG with EXIF names no resolution; the unit of its density tells the truth.
        named = image.info["jfif_density"] if image.info["jfif_unit"] else None
        assert (image.format, image.size, named) == ("JPEG", (24, 16), dpi)
        assert image.info["icc_profile"] == srgb_profile()
        assert np.abs(np.asarray(image).astype(int) - picture).max() <= 3


def test_an_access_image_says_what_it_shows_who_made_the_scanner_and_when_it_was_scanned():
    with Image.open(written(write_access_jpeg, np.zeros((8, 8, 3), np.uint8), TAGS)) as image:
        exif, xmp = image.getexif(), image.info["xmp"]
    assert exif[ExifTags.Base.ImageDescription] == "meyer/box-3/r12_0001"
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Model]) == ("Nikon", "LS-5000")
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1999:12:31 23:59:00"
    assert xmp == b"<x/>"


def test_the_same_picture_gives_the_same_bytes():
    picture = np.random.default_rng(1).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    first, second = (written(write_access_jpeg, picture, TAGS).getvalue() for _ in range(2))
    assert first == second


def test_the_profile_is_srgb():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize(
    ("zone", "offset"), [(None, None), (UTC, "+00:00"), (timezone(timedelta(hours=-3, minutes=-30)), "-03:30")]
)
def test_a_time_with_a_zone_keeps_it_and_one_without_gets_none(zone, offset):
    tags = TiffTags(captured_at=datetime(2026, 3, 1, 23, 30, tzinfo=zone))
    with Image.open(written(write_access_jpeg, np.zeros((8, 8, 3), np.uint8), tags)) as image:
        found = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert found[ExifTags.Base.DateTimeOriginal] == "2026:03:01 23:30:00"
    assert found.get(ExifTags.Base.OffsetTimeOriginal) == found.get(ExifTags.Base.OffsetTime) == offset


def test_an_access_image_says_its_size_and_that_it_is_srgb():
    with Image.open(written(write_access_jpeg, np.zeros((16, 24, 3), np.uint8), TiffTags())) as image:
        found = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert found[ExifTags.Base.ColorSpace] == 1
    assert (found[ExifTags.Base.ExifImageWidth], found[ExifTags.Base.ExifImageHeight]) == (24, 16)
    assert ExifTags.Base.DateTimeOriginal not in found


def test_the_linear_profile_is_the_same_each_time_and_has_no_time_in_it():
    assert linear_profile() is linear_profile()
    profile = ImageCms.ImageCmsProfile(io.BytesIO(linear_profile())).profile
    assert (profile.xcolor_space.strip(), profile.connection_space.strip()) == ("RGB", "XYZ")
    assert linear_profile()[24:36] == srgb_profile()[24:36]
    assert int.from_bytes(linear_profile()[:4], "big") == len(linear_profile())
