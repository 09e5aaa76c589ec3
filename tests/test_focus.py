from __future__ import annotations

import numpy as np
import pytest
from ir_frames import compiled, photometry_and_tiles, simulated
from scipy import ndimage

from ir.focus import leakage_samples, measure_blur, moved_logs
from ir.leakage import fit_leakage
from ir.registration import Registration, same_grid

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
def test_a_softer_focus_is_measured_under_the_usual_one_too():
    assert blur_of("leaky_slide", "lettering") == pytest.approx((0.85**2 - 0.7**2) ** 0.5, abs=0.2)


@compiled
def test_where_little_leaks_the_focus_is_not_guessed():
    assert blur_of("clear_slide", "smooth_sky") < 0.7


@pytest.fixture(scope="module")
def tiles():
    frame = simulated("leaky_slide", "landscape", (300, 400))
    return photometry_and_tiles(frame.rgb, frame.infrared)[1]


def test_logs_on_one_grid_in_one_focus_are_taken_as_they_are(tiles):
    logs, margin = moved_logs(tiles, same_grid(300), 0.0)
    assert logs is tiles.log_rgb
    assert margin == 0


def test_moved_logs_are_those_that_the_infrared_shows_there(tiles):
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


def test_samples_to_fit_on_leave_out_hard_edges_and_lie_within_the_frame(tiles):
    samples = leakage_samples(tiles, same_grid(300), 0.0)
    assert samples.log_rgb.shape == (*samples.log_infrared.shape, 3)
    assert np.abs(samples.centres).max() <= 1
    assert 0.4 < samples.valid.mean() <= 1
    lettering = simulated("leaky_slide", "lettering")
    edges = leakage_samples(photometry_and_tiles(lettering.rgb, lettering.infrared)[1], ON_ONE_GRID, 0.0)
    assert 0.1 < edges.valid.mean() < 0.9
