"""Which sRGB value a count gets: what is linear, what is film, and how a negative loses its mask."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.daemon.archive.frames.encode import linear_profile, srgb_profile
from filmscand.daemon.cleaning.access_tones import PictureProperties, Samples, in_8_bits, in_16_bits, tones_of
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.film.density import dye_densities, linear_picture
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, night, portrait

NEGATIVES = (FilmKind.NEGATIVE, FilmKind.SILVER_NEGATIVE)


def samples(kind, picture=landscape, *, gamma=1.0):
    rgb = simulate_frame(picture(120, 180, 3), KINDS[kind], seed=2).clean_rgb.reshape(-1, 3)
    return Samples(np.round((rgb / 65535) ** (1 / gamma) * 65535).astype(np.uint16))


def shown(film, properties):
    tones = in_8_bits(tones_of(film, properties)[0])
    return np.stack([tones[channel][film.rgb[:, channel]] for channel in range(3)], axis=1).astype(int)


def scene_of(picture):
    """Return the light of the film's picture, as one grey per sample."""
    return linear_picture(picture(120, 180, 3)).mean(axis=-1).reshape(-1)


@pytest.mark.parametrize("picture", [landscape, girders])
@pytest.mark.parametrize(("kind", "film"), [("negative", FilmKind.NEGATIVE), ("silver", FilmKind.SILVER_NEGATIVE)])
@pytest.mark.parametrize("gamma", [1.0, 2.2], ids=["linear", "encoded"])
def test_a_negative_of_unknown_encoding_looks_as_if_it_were_known(picture, kind, film, gamma):
    negative = samples(kind, picture, gamma=gamma)
    known = shown(negative, PictureProperties(gamma == 1.0, film))
    assert np.array_equal(shown(negative, PictureProperties(None, film)), known)


@pytest.mark.parametrize("gamma", [1.0, 2.2], ids=["linear", "encoded"])
def test_a_negative_reaches_from_black_to_white_and_follows_the_scene(gamma):
    result = shown(samples("negative", gamma=gamma), PictureProperties(gamma == 1.0, FilmKind.NEGATIVE))
    assert (np.percentile(result, 1, axis=0) < 35).all()
    assert (np.percentile(result, 99, axis=0) > 210).all()
    assert np.corrcoef(result.mean(axis=1), scene_of(landscape))[0, 1] > 0.8


def test_the_orange_mask_of_an_encoded_negative_is_gone():
    grey = np.repeat(np.linspace(0, 1, 60, dtype=np.float32)[None, :, None], 3, axis=2)
    density = dye_densities(np.repeat(grey, 20, axis=0), KINDS["negative"].stock, seed=1).reshape(3, -1).T
    light = 10.0 ** -(density + np.array([0.2, 0.55, 0.8]))
    encoded = np.round(np.clip(light, 0, 1) ** (1 / 2.2) * 65535).astype(np.uint16)
    result = shown(Samples(encoded), PictureProperties(False, FilmKind.NEGATIVE))
    means = result.mean(axis=0)
    assert np.ptp(means) < 12
    assert np.ptp(65535 - encoded.mean(axis=0)) / 257 > 30


@pytest.mark.parametrize("film", NEGATIVES)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_negative_with_a_profile_is_decoded_by_its_curve(film, bits):
    negative = samples("negative", gamma=2.2)
    by_profile = shown(negative, PictureProperties(None, film, srgb_profile(), bits))
    by_srgb = shown(negative, PictureProperties(False, film))
    assert np.abs(by_profile - by_srgb).mean() < 2


def test_a_profile_of_linear_light_makes_counts_linear_however_bright_they_are():
    bright = Samples(np.random.default_rng(1).integers(20000, 60000, (500, 3), dtype=np.uint16))
    with_profile = tones_of(bright, PictureProperties(None, icc_profile=linear_profile()))
    known = tones_of(bright, PictureProperties(True))
    assert with_profile[1]
    assert np.array_equal(with_profile[0], known[0])


def test_eight_bits_are_never_linear():
    dark = Samples(np.random.default_rng(1).integers(0, 3000, (500, 3), dtype=np.uint16))
    assert not tones_of(dark, PictureProperties(None, bits=8))[1]
    assert tones_of(dark, PictureProperties(None, bits=16))[1]


@pytest.mark.parametrize(
    ("kind", "picture"), [("clear_slide", portrait), ("dark_slide", girders), ("clear_slide", night)]
)
def test_a_linear_slide_of_which_nothing_is_known_is_not_shown_dark(kind, picture):
    slide = samples(kind, picture)
    assert np.array_equal(shown(slide, PictureProperties(None)), shown(slide, PictureProperties(True)))
    assert np.median(shown(slide, PictureProperties(None))) > 1.5 * np.median(slide.rgb / 257)


def test_an_encoded_picture_of_which_nothing_is_known_stays_as_it_is():
    picture = np.round(landscape(120, 180, 3).reshape(-1, 3).astype(float) ** (1 / 2.2) * 65535).astype(np.uint16)
    assert np.abs(shown(Samples(picture), PictureProperties(None)) - picture / 257).max() <= 1


def dense_film_and_holder():
    clear, dense, holder = (60000, 27000, 15000), (3000, 1300, 750), (60, 60, 60)
    return np.repeat(np.array([clear, dense, holder], np.uint16), 100, axis=0)


def test_silver_film_that_stops_infrared_is_still_film():
    # Silver stops infrared as it stops light: the dense half is a bright sky, not a holder.
    rgb = dense_film_and_holder()
    infrared = np.repeat(np.array([50000, 2500, 2000], np.uint16), 100)
    result = shown(Samples(rgb, infrared), PictureProperties(True, FilmKind.SILVER_NEGATIVE))
    assert (result[:100] == 0).all()
    assert (result[100:200] == 255).all()
    half = np.full((1, 3), (13400, 5900, 3350), np.uint16)
    tones = in_8_bits(tones_of(Samples(rgb, infrared), PictureProperties(True, FilmKind.SILVER_NEGATIVE))[0])
    assert all(20 < tones[channel][half[0, channel]] < 200 for channel in range(3))


def test_a_holder_is_not_the_densest_part_of_a_negative():
    rgb = dense_film_and_holder()
    infrared = np.repeat(np.array([50000, 48000, 1000], np.uint16), 100)
    with_infrared = shown(Samples(rgb, infrared), PictureProperties(True, FilmKind.NEGATIVE))
    without = shown(Samples(rgb), PictureProperties(True, FilmKind.NEGATIVE))
    assert (with_infrared[100:200] == 255).all()
    assert without[100:200].max() < 100


@pytest.mark.parametrize("level", [0, 1, 65535])
@pytest.mark.parametrize("film", FilmKind)
@pytest.mark.parametrize("linear", [None, False, True])
def test_an_even_frame_has_tones(level, film, linear):
    even = Samples(np.full((50, 3), level, np.uint16), np.full(50, level, np.uint16))
    tones = in_8_bits(tones_of(even, PictureProperties(linear, film))[0])
    assert (tones.shape, tones.dtype) == ((3, 65536), np.uint8)


def test_a_profile_that_cannot_be_used_counts_as_one_of_encoded_counts():
    negative = samples("negative", gamma=2.2)
    broken = shown(negative, PictureProperties(None, FilmKind.NEGATIVE, b"no profile"))
    assert np.array_equal(broken, shown(negative, PictureProperties(False, FilmKind.NEGATIVE)))


def test_counts_that_stay_as_they_are_stay_so_in_16_bits():
    tones, is_converted = tones_of(Samples(np.full((9, 3), 40000, np.uint16)), PictureProperties(False))
    assert not is_converted
    assert np.array_equal(in_16_bits(tones), [np.arange(65536)] * 3)
