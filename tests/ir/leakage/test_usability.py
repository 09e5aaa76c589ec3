from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.leakage.focus import leakage_samples
from filmscand.ir.leakage.model import fit_leakage, no_leakage
from filmscand.ir.leakage.usability import blocking_caution, colour_share, leakage_caution
from filmscand.ir.planes.holder import Holder
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.planes.tiles import take_tiles
from filmscand.ir.registration.registration import same_grid
from filmscand.ir.report import Caution
from support.ir_frames import NO_DAMAGE, compiled, flat_planes, photometry_and_tiles, simulated

SHAPE = (256, 256)


def picture(colour, contrast=1.0, white=50000, seed=1):
    """Counts of a picture of blocks; colour: spread of its colours over that of its brightness."""
    rng = np.random.default_rng(seed)
    bright, red, blue = (np.kron(rng.uniform(-1, 0, (16, 16)), np.ones((16, 16))) for _ in range(3))
    logs = contrast * np.stack([bright + colour * red, bright, bright + colour * blue], axis=-1)
    counts = white * np.exp(logs - logs.max())
    return np.rint(counts).astype(np.uint16)


def infrared_plane(level=40000, spread=300):
    return np.rint(np.random.default_rng(9).normal(level, spread, SHAPE)).astype(np.uint16)


def caution_before_fitting(rgb, infrared):
    photometry, tiles = photometry_and_tiles(rgb, infrared)
    return blocking_caution(tiles, photometry)


def caution_of_leakage(slopes, explained, colour):
    _, tiles = photometry_and_tiles(picture(colour), infrared_plane())
    shares = tuple(slope / sum(slopes) for slope in slopes)
    return leakage_caution(replace(no_leakage(), slopes=slopes, explained=explained, shares=shares), tiles)


@pytest.mark.parametrize(
    ("slopes", "explained", "colour", "caution"),
    [
        ((0.1, 0.0, 0.0), 0.9, 1.0, None),
        ((0.2, 0.05, 0.0), 0.95, 0.0, None),
        ((0.3, 0.05, 0.03), 0.95, 1.0, Caution.STRONG_LEAKAGE),
        ((0.6, 0.1, 0.05), 0.95, 0.6, Caution.STRONG_LEAKAGE),
        ((0.25, 0.2, 0.2), 0.95, 0.03, Caution.SILVER_FILM),
        ((0.25, 0.2, 0.2), 0.95, 0.12, Caution.SILVER_FILM),
        ((0.25, 0.2, 0.2), 0.95, 0.24, Caution.STRONG_LEAKAGE),
        ((0.25, 0.2, 0.2), 0.4, 0.03, Caution.STRONG_LEAKAGE),
        ((0.35, 0.2, 0.1), 0.95, 0.33, Caution.STRONG_LEAKAGE),
        ((0.4, 0.4, 0.3), 0.99, 0.03, Caution.SILVER_FILM),
        ((0.45, 0.1, 0.03), 0.99, 0.055, Caution.STRONG_LEAKAGE),
        ((0.45, 0.1, 0.03), 0.99, 0.025, Caution.SILVER_FILM),
        ((0.9, 0.1, 0.1), 0.99, 1.0, Caution.INFRARED_UNUSABLE),
    ],
    ids=[
        "a usual leak",
        "a usual leak of a grey picture",
        "a strong leak",
        "Kodachrome",
        "silver",
        "silver that aged to a brown",
        "dyes that share a leak under a picture in quiet colours",
        "a grey picture that says little about the infrared",
        "Kodachrome of a picture in quiet colours",
        "silver that stops infrared as light",
        "Kodachrome of a grey picture: it leaks by its red",
        "no colour at all: silver, whatever the fit says of red",
        "a copy of the picture",
    ],
)
def test_the_leakage_tells_the_film(slopes, explained, colour, caution):
    assert caution_of_leakage(slopes, explained, colour) == caution


@pytest.mark.parametrize("colour", [0.0, 0.5, 1.5])
def test_the_colour_share_is_the_spread_of_colour_over_that_of_brightness(colour):
    _, tiles = photometry_and_tiles(picture(colour), infrared_plane())
    assert colour_share(tiles) == pytest.approx(colour, rel=0.3, abs=0.01)


def test_tinted_silver_has_no_colour():
    rgb = picture(0.0)
    tinted = np.rint(rgb * np.array([1.0, 0.7, 0.4])).astype(np.uint16)
    _, tiles = photometry_and_tiles(tinted, infrared_plane())
    assert colour_share(tiles) < 0.02


def test_infrared_of_one_value_is_constant_and_one_with_noise_is_not():
    assert caution_before_fitting(picture(1.0), infrared_plane(spread=0)) == Caution.INFRARED_CONSTANT
    assert caution_before_fitting(picture(1.0), infrared_plane(spread=20)) is None


@pytest.mark.parametrize(("contrast", "caution"), [(0.05, Caution.FRAME_UNEXPOSED), (0.14, None)])
def test_film_without_contrast_is_unexposed(contrast, caution):
    assert caution_before_fitting(picture(0.0, contrast), infrared_plane()) == caution


@pytest.mark.parametrize(("white", "caution"), [(500, Caution.FRAME_DARK), (1100, None)])
def test_a_picture_a_fortieth_as_bright_as_the_infrared_is_dark(white, caution):
    assert caution_before_fitting(picture(1.0, white=white), infrared_plane()) == caution


@pytest.mark.parametrize(("noise", "caution"), [(80, Caution.FRAME_DARK), (42, None)])
def test_a_picture_that_hardly_exceeds_its_noise_is_dark(noise, caution):
    rng = np.random.default_rng(3)
    rgb = 800 + picture(1.0, white=1000).astype(float) + noise * rng.standard_normal((*SHAPE, 3))
    assert caution_before_fitting(np.rint(rgb).astype(np.uint16), infrared_plane()) == caution


@pytest.mark.parametrize(("white", "caution"), [(2500, Caution.FRAME_DARK), (4500, None)], ids=["dim", "bright"])
def test_a_picture_that_is_texture_all_over_is_dark_only_under_a_tenth_of_the_infrareds_light(white, caution):
    rough = 0.05 * white * np.random.default_rng(3).standard_normal((*SHAPE, 3))
    rgb = np.maximum(800 + picture(1.0, white=white) + rough, 0)
    assert caution_before_fitting(np.rint(rgb).astype(np.uint16), infrared_plane()) == caution


def test_a_frame_that_is_all_holder_has_no_film():
    rgb, infrared = flat_planes(SHAPE, noise=0.02)
    photometry = measure_photometry(rgb, infrared)
    tiles = take_tiles(rgb, infrared, photometry, Holder(np.ones((32, 32), np.bool_), 1.0))
    assert blocking_caution(tiles, photometry) == Caution.NO_FILM


@compiled
@pytest.mark.parametrize("name", ["landscape", "portrait", "night", "girders", "lettering"])
def test_silver_film_is_recognised(name):
    frame = simulated("silver", name)
    assert film_of(frame) == Caution.SILVER_FILM


@compiled
@pytest.mark.parametrize("name", ["landscape", "portrait", "girders"])
@pytest.mark.parametrize("kind", ["leaky_slide", "negative", "kodachrome"])
def test_dye_film_is_never_taken_for_silver(kind, name):
    frame = simulated(kind, name, (300, 400), damage=NO_DAMAGE)
    assert film_of(frame) in (None, Caution.STRONG_LEAKAGE)


def film_of(frame):
    photometry, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    samples = leakage_samples(tiles, same_grid(frame.infrared.shape[0]), 0.0)
    return leakage_caution(fit_leakage(samples, photometry.log_tables), tiles)
