from __future__ import annotations

import io
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from filmscand.daemon.archive.frames.encode import linear_profile, srgb_profile, write_access_jpeg, write_mask_png
from filmscand.daemon.cleaning.access_image import LONG_SIDE_PX, access_image, reduce_area
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.drivers.files.writer import TiffTags


def area_weights(length, out_length):
    edges = np.linspace(0, length, out_length + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) / (length / out_length)


def naive_reduce(rgb, out_shape):
    down, right = area_weights(rgb.shape[0], out_shape[0]), area_weights(rgb.shape[1], out_shape[1])
    return np.einsum("ir,rck,jc->ijk", down, rgb.astype(np.float64), right, optimize=True)


def counts(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 65536, (*shape, 3), dtype=np.uint16)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 90), st.integers(2, 90), st.integers(2, 60))
def test_reducing_takes_the_mean_of_the_area(rows, cols, long_side_px):
    rgb = counts((rows, cols), rows)
    reduced = reduce_area(rgb, long_side_px)
    assert max(reduced.shape[:2]) == min(long_side_px, max(rows, cols))
    if reduced.shape != rgb.shape:
        assert np.abs(reduced - naive_reduce(rgb, reduced.shape)).max() <= 1.5
    else:
        assert (reduced == rgb).all()


@pytest.mark.parametrize("shape", [(2, 6500), (6500, 2)])
def test_a_large_frame_has_3000_samples_on_its_long_side(shape):
    assert max(access_image(counts(shape), PictureProperties(False)).shape) == LONG_SIDE_PX


def test_a_frame_in_another_memory_order_is_reduced_alike():
    rgb = counts((80, 60))
    assert (reduce_area(np.asfortranarray(rgb), 33) == reduce_area(rgb, 33)).all()


def test_a_small_frame_is_never_enlarged():
    assert access_image(counts((40, 60)), PictureProperties(False)).shape == (40, 60, 3)


def test_encoded_counts_stay_as_they_are():
    rgb = counts((50, 50))
    assert (access_image(rgb, PictureProperties(False)) == np.floor(rgb / 257 + 0.5)).all()


def linear_ramp(rows=100, cols=256):
    light = np.linspace(0, 1, cols)[None, :, None] * np.ones((rows, 1, 3))
    return light, np.round(light * 20000 + 600).astype(np.uint16)


def srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055) * 255


def test_linear_counts_are_stretched_to_black_and_white_and_encoded():
    light, rgb = linear_ramp()
    shown = access_image(rgb, PictureProperties(True))
    # Percentiles come from the inner 80 %, which hold the light from 0.1 to 0.9.
    expected = srgb(np.clip((light - 0.1) / 0.8, 0, 1))
    assert np.abs(shown - expected).max() < 12
    assert (np.diff(shown[50, :, 1].astype(int)) >= 0).all()


def test_colours_of_linear_counts_keep_their_proportions():
    rgb = np.full((60, 60, 3), (4000, 2000, 1000), np.uint16)
    rgb[20:24, 20:24], rgb[40:44, 40:44] = 8000, 0
    red, green, blue = access_image(rgb, PictureProperties(True))[30, 30]
    assert np.allclose((red, green, blue), srgb(np.array([0.5, 0.25, 0.125])), atol=1.5)


@pytest.mark.parametrize(("level", "linear"), [(300, True), (30000, False)])
def test_unknown_counts_are_linear_only_where_they_are_too_dark_to_be_anything_else(level, linear):
    rgb = (counts((60, 60)) / 65535 * level).astype(np.uint16)
    assert (access_image(rgb, PictureProperties(None)) == access_image(rgb, PictureProperties(linear))).all()


def test_unknown_dark_counts_with_a_profile_are_encoded():
    rgb = (counts((60, 60)) / 200).astype(np.uint16)
    properties = PictureProperties(None, icc_profile=srgb_profile())
    assert access_image(rgb, properties).max() <= 2


def masked_negative(density):
    base = np.array([0.9, 0.45, 0.25])
    return np.round(60000 * base * 10**-density).astype(np.uint16)


def test_a_masked_negative_is_shown_as_a_positive_without_its_mask():
    scene = np.logspace(-2, 0, 200)[None, :, None] * np.ones((100, 1, 3))
    density = 0.6 * (np.log10(scene) + 2)
    shown = access_image(masked_negative(density), PictureProperties(True, FilmKind.NEGATIVE)).astype(int)
    assert (np.diff(shown[50].mean(axis=1)) >= 0).all()
    assert shown[50, 5].max() < 25
    assert shown[50, 195].min() > 230
    assert np.abs(shown - shown.mean(axis=2, keepdims=True)).max() < 4


@pytest.mark.parametrize("film", [FilmKind.NEGATIVE, FilmKind.SILVER_NEGATIVE])
def test_an_encoded_negative_is_turned_round_from_black_to_white(film):
    rgb = counts((30, 30))
    shown = access_image(rgb, PictureProperties(False, film))
    for channel in range(3):
        by_count = shown[..., channel].reshape(-1)[np.argsort(rgb[..., channel], axis=None)].astype(int)
        assert (np.diff(by_count) <= 0).all()
        assert (by_count[0], by_count[-1]) == (255, 0)


def test_the_holder_does_not_set_the_black_point():
    rgb = np.full((100, 100, 3), 30000, np.uint16)
    rgb[:, 50:] = 60000
    infrared = np.full((100, 100), 50000, np.uint16)
    rgb[:30], infrared[:30] = 0, 100
    with_infrared = access_image(rgb, PictureProperties(True), infrared)
    without = access_image(rgb, PictureProperties(True))
    assert with_infrared[60, 20].max() == 0
    assert without[60, 20].min() > 150


@pytest.mark.parametrize("level", [0, 65535])
@pytest.mark.parametrize("film", [FilmKind.SLIDE, FilmKind.NEGATIVE])
def test_an_even_frame_gives_a_picture(level, film):
    rgb = np.full((20, 20, 3), level, np.uint16)
    assert access_image(rgb, PictureProperties(True, film), np.zeros((20, 20), np.uint16)).shape == rgb.shape


def test_an_embedded_profile_is_converted():
    rgb = counts((40, 40))
    plain = access_image(rgb, PictureProperties(False)).astype(int)
    same = access_image(rgb, PictureProperties(False, icc_profile=srgb_profile())).astype(int)
    assert np.abs(plain - same).max() <= 1
    red_is_blue = srgb_profile().replace(b"rXYZ", b"____", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"____", b"bXYZ", 1)
    turned = access_image(rgb, PictureProperties(False, icc_profile=red_is_blue)).astype(int)
    assert np.abs(turned - plain[..., ::-1]).max() <= 2


def test_a_profile_that_cannot_be_used_does_not_keep_the_preview_away():
    rgb = counts((20, 20))
    assert (
        access_image(rgb, PictureProperties(False, icc_profile=b"no profile"))
        == access_image(rgb, PictureProperties(False))
    ).all()


def test_the_jpeg_says_srgb_and_resolution_and_is_the_same_each_time():
    picture = access_image(counts((30, 40)), PictureProperties(False))
    first, second = io.BytesIO(), io.BytesIO()
    write_access_jpeg(first, picture, TiffTags(resolution_dpi=2820.4))
    write_access_jpeg(second, picture, TiffTags(resolution_dpi=2820.4))
    assert first.getvalue() == second.getvalue()
    with Image.open(first) as image:
        assert image.size == (40, 30)
        assert image.info["dpi"] == (2820, 2820)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert srgb_profile()[24:36] == bytes.fromhex("07d000010001000000000000")


def test_the_mask_is_read_back_as_written():
    mask = np.random.default_rng(1).random((33, 47)) > 0.9
    file = io.BytesIO()
    write_mask_png(file, mask)
    with Image.open(file) as image:
        assert image.mode == "L"
        assert (np.asarray(image) == np.where(mask, 255, 0)).all()


def test_the_jpeg_tells_title_maker_and_time():
    tags = TiffTags(
        document_name="r_0001_r01_access", make="Nikon", captured_at=datetime(2026, 3, 1, 10, 20, 30), xmp=b"<x/>"
    )
    file = io.BytesIO()
    write_access_jpeg(file, np.zeros((8, 8, 3), np.uint8), tags)
    with Image.open(file) as image:
        exif = image.getexif()
        assert exif[ExifTags.Base.DocumentName] == "r_0001_r01_access"
        assert exif[ExifTags.Base.Make] == "Nikon"
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2026:03:01 10:20:30"
        assert image.info["xmp"] == b"<x/>"


def test_the_profile_of_linear_light_turns_half_the_light_into_its_srgb_value():
    grey = Image.fromarray(np.full((2, 2, 3), 128, np.uint8))
    found = ImageCms.ImageCmsProfile(io.BytesIO(linear_profile()))
    shown = ImageCms.profileToProfile(grey, found, ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())))
    assert np.abs(np.asarray(shown).astype(int) - srgb(np.array(128 / 255))).max() <= 1
    assert "Linear light" in ImageCms.getProfileDescription(found)
