from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.leakage.focus import STRIDE, leakage_samples, measure_blur, moved_logs
from filmscand.ir.leakage.model import fit_leakage, no_leakage
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.registration.registration import Registration, same_grid
from support.ir_frames import compiled, photometry_and_tiles, simulated, texture

ON_ONE_GRID = same_grid(400)


def blur_of(kind, picture):
    frame = simulated(kind, picture)
    photometry, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    leakage = fit_leakage(leakage_samples(tiles, ON_ONE_GRID, 0.0), photometry.log_tables)
    return measure_blur(tiles, photometry, leakage, ON_ONE_GRID)


@compiled
@pytest.mark.parametrize("picture", ["girders", "portrait", "lettering"])
def test_a_softer_focus_of_the_infrared_is_measured(picture):
    truth = (2.0**2 - 0.7**2) ** 0.5
    assert blur_of("infrared_blur", picture) == pytest.approx(truth, rel=0.15)


@compiled
def test_the_usual_focus_of_the_infrared_is_measured_too():
    assert blur_of("leaky_slide", "lettering") == pytest.approx((0.85**2 - 0.7**2) ** 0.5, abs=0.2)


@compiled
def test_where_little_leaks_no_large_blur_is_found():
    assert blur_of("clear_slide", "smooth_sky") < 0.7


@compiled
@pytest.mark.parametrize(("noise", "found_blur"), [(0.01, True), (0.03, True), (0.04, True), (0.055, False)])
def test_a_blur_is_found_while_it_explains_a_twentieth_of_the_variance_on_edges(noise, found_blur):
    rng = np.random.default_rng(3)
    picture = 0.5 * texture((400, 600))
    light = np.exp(picture - picture.max())
    rgb = np.repeat((60000 * light).astype(np.uint16)[..., None], 3, -1)
    infrared = 40000 * ndimage.gaussian_filter(light**0.15, 1.0) * np.exp(noise * rng.standard_normal(light.shape))
    photometry, tiles = photometry_and_tiles(rgb, np.rint(infrared).astype(np.uint16))
    leakage = fit_leakage(leakage_samples(tiles, ON_ONE_GRID, 0.0), photometry.log_tables)
    assert measure_blur(tiles, photometry, leakage, ON_ONE_GRID) == pytest.approx(1.0 if found_blur else 0.0, abs=0.1)


STRIPES = (np.arange(128) // 8 % 2)[None] * np.ones((128, 1))
EDGES = {"plain": 0 * STRIPES, "soft": 0.4 * STRIPES, "sharp": 0.8 * STRIPES, "sharp along": 0.8 * STRIPES.T}


def blur_of_tiles(kinds, dark_noise, fall=2.0, first_px=128):
    """Blur measured on tiles side by side, each darker than the one before.

    A tile is plain, or has edges that leak softly (by one pixel) or sharply. Of the first tile only a square in the
    middle is film.
    """
    below = np.arange(128)[:, None] / 256
    logs = [-fall * index - below - EDGES[kind] for index, kind in enumerate(kinds)]
    softness = [kind == "soft" for kind in kinds]
    leaks = [ndimage.gaussian_filter(np.exp(0.15 * log), soft) for log, soft in zip(logs, softness, strict=True)]
    noise = 0.003 * np.random.default_rng(1).standard_normal((128, 128 * len(kinds)))
    infrared = np.rint(40000 * np.concatenate(leaks, 1) * np.exp(noise)).astype(np.uint16)
    rgb = np.rint(60000 * np.exp(np.concatenate(logs, 1))).astype(np.uint16)[..., None].repeat(3, -1)
    photometry, tiles = photometry_and_tiles(rgb, infrared)
    middle = slice(64 - first_px // 2, 64 + first_px // 2)
    film = np.ones_like(tiles.film)
    film[0] = False
    film[0, middle, middle] = True
    tables = np.zeros((3, 65536), np.float32)
    tables[0] = 0.15 * photometry.log_tables[0]
    leakage = replace(no_leakage(), tables=tables, slopes=(0.15, 0.0, 0.0))
    photometry = replace(photometry, dark_noise=(dark_noise,) * 4)
    return measure_blur(replace(tiles, film=film), photometry, leakage, same_grid(128))


@compiled
@pytest.mark.parametrize(("lit_px", "found_blur"), [(40, True), (55, False)])
def test_the_focus_is_measured_on_the_brighter_film_where_fewer_than_two_thousand_pixels_are_lit(lit_px, found_blur):
    found = blur_of_tiles(("plain", "soft", "soft", "soft"), 0.01, first_px=lit_px)
    assert found == pytest.approx(1.0 if found_blur else 0.0, abs=0.15)


@compiled
@pytest.mark.parametrize(("plain", "found_blur"), [(1, True), (2, False)], ids=["a quarter", "half"])
def test_the_brighter_film_is_two_fifths_of_all_film(plain, found_blur):
    kinds = ("plain",) * plain + ("soft",) * (4 - plain)
    assert blur_of_tiles(kinds, 1.0) == pytest.approx(1.0 if found_blur else 0.0, abs=0.15)


@compiled
@pytest.mark.parametrize(("busy", "found_blur"), [(12, True), (6, False)])
def test_the_focus_is_measured_on_the_dozen_tiles_that_change_most_from_column_to_column(busy, found_blur):
    found = blur_of_tiles(("soft",) * busy + ("sharp along",) * 12, 1e-5, fall=0.05)
    assert found == pytest.approx(1.0 if found_blur else 0.0, abs=0.15)


@pytest.fixture(scope="module")
def tiles():
    frame = simulated("leaky_slide", "landscape", (300, 400))
    return photometry_and_tiles(frame.rgb, frame.infrared)[1]


def test_logs_are_returned_unchanged_without_shift_and_blur(tiles):
    logs, margin = moved_logs(tiles, same_grid(300), 0.0)
    assert logs is tiles.log_rgb
    assert margin == 0


def test_moved_logs_lie_where_the_infrared_shows_them(tiles):
    registration = Registration(np.full(300, 3.0, np.float32), np.full(300, -2.0, np.float32), 0.0, 0.0, 1.0)
    logs, margin = moved_logs(tiles, registration, 0.0)
    inner = slice(margin, -margin)
    expected = np.roll(tiles.log_rgb, (3, -2), axis=(1, 2))
    assert np.abs(logs - expected)[:, inner, inner].max() < 1e-5


def test_blurred_logs_are_those_of_a_gaussian(tiles):
    logs, margin = moved_logs(tiles, same_grid(300), 1.5)
    inner = slice(margin, -margin)
    expected = ndimage.gaussian_filter(tiles.log_rgb, (0, 1.5, 1.5, 0))
    assert np.abs(logs - expected)[:, inner, inner].max() < 0.02


def test_samples_leave_out_hard_edges_and_lie_within_the_frame(tiles):
    samples = leakage_samples(tiles, same_grid(300), 0.0)
    assert samples.log_rgb.shape == (*samples.log_infrared.shape, 3)
    assert np.abs(samples.centres).max() <= 1
    assert 0.4 < samples.valid.mean() <= 1
    lettering = simulated("leaky_slide", "lettering")
    edges = leakage_samples(photometry_and_tiles(lettering.rgb, lettering.infrared)[1], ON_ONE_GRID, 0.0)
    assert 0.1 < edges.valid.mean() < 0.9


def tiles_of_red(red):
    """Tiles with the given natural logs of red light, (tiles, size, size), and empty other planes."""
    count, size = red.shape[:2]
    logs = np.repeat(red[..., None], 3, -1).astype(np.float32)
    counts, film = np.zeros(red.shape, np.uint16), np.ones(red.shape, np.bool_)
    corners = np.stack([np.zeros(count, int), size * np.arange(count)], -1)
    return Tiles(
        corners, counts[..., None].repeat(3, -1), counts, logs, red.astype(np.float32), film, (size, size * count)
    )


def samples_of_red(red, dark_noise=0.0):
    return leakage_samples(tiles_of_red(red), same_grid(red.shape[1]), 0.0, dark_noise)


@pytest.mark.parametrize(("contrast", "soft"), [(0.5, True), (1.0, False)])
def test_an_edge_that_halves_the_light_is_hard(contrast, soft):
    red = np.zeros((2, 100, 100))
    red[:, :, 41:] = -contrast
    sampled = np.arange(0, 100, STRIDE)
    beside = np.abs(sampled - 40.5) < 2.5
    assert beside.any()
    valid = samples_of_red(red).valid.reshape(2, len(sampled), len(sampled))
    assert valid[..., ~beside].all()
    assert valid[..., beside].all() == valid[..., beside].any() == soft


def test_the_softer_half_is_valid_in_a_picture_of_edges_all_over():
    rng = np.random.default_rng(1)
    valid = samples_of_red(rng.normal(0, 1.0, (2, 100, 100))).valid
    assert valid.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("light", "lit"), [(0.06, False), (0.12, True)])
def test_samples_are_lit_from_eight_deviations_of_the_dark_noise_on(light, lit):
    red = np.zeros((2, 100, 100))
    red[:, 50:] = np.log(light)
    samples = samples_of_red(red, 0.01)
    sampled = np.arange(0, 100, STRIDE)
    found = samples.lit.reshape(2, len(sampled), len(sampled))
    assert found[:, sampled < 45].all()
    assert (found[:, sampled > 55] == lit).all()


@pytest.mark.parametrize(("part", "alone"), [(0.07, False), (0.16, True)])
def test_only_lit_samples_are_fitted_where_they_are_a_tenth_or_more(part, alone):
    red = np.full((2, 200, 200), np.log(0.03))
    red[:, : round(200 * part)] = -0.1
    samples = samples_of_red(red, 0.01)
    assert (samples.lit.sum() < samples.valid.sum()) == alone
