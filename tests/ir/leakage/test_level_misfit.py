from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.leakage.level_misfit import Levels, level_misfit

NOISE = 0.005
RED_LOGS = np.linspace(-6, 0.5, 65536, dtype=np.float32)


def tiles_of(red, left, seed=1, noise=NOISE):
    """Tiles of natural logs of red and of a misfit, (tiles, pixels), each tile with a base of its own and noise."""
    rng = np.random.default_rng(seed)
    base = rng.normal(0, 0.05, (len(red), 1))
    return Levels(red, base + left + noise * rng.standard_normal(red.shape), np.ones(red.shape))


def black_and_white(tiles=12, pixels=400, black=0.5, texture=0.02, seed=1):
    """Tiles in which a part of the pixels is black."""
    rng = np.random.default_rng(seed)
    dark = rng.random((tiles, pixels)) < black
    return np.where(dark, -4.0, 0.0) + texture * rng.standard_normal(dark.shape), dark


def at(table, *red_logs):
    return table[np.searchsorted(RED_LOGS, red_logs)]


def rise(table):
    """Rise of a table from black to white."""
    dark, bright = at(table, -4.0, 0.0)
    return float(bright - dark)


def test_the_misfit_at_black_is_measured_on_tiles_that_are_half_black():
    red, dark = black_and_white()
    assert rise(level_misfit(tiles_of(red, np.where(dark, -0.06, 0.0)), NOISE, RED_LOGS)) == pytest.approx(
        0.06, rel=0.1
    )


def test_a_curved_misfit_is_measured_at_every_level():
    rng = np.random.default_rng(2)
    red = rng.uniform(-3.5, -0.5, (60, 1)) + rng.uniform(-0.5, 0.5, (60, 800))
    table = level_misfit(tiles_of(red, 0.03 * np.sin(4 * red)), NOISE, RED_LOGS)
    there = np.linspace(-3.7, -0.3, 48)
    found = at(table, *there)
    assert found - found.mean() == pytest.approx(0.03 * (np.sin(4 * there) - np.sin(4 * there).mean()), abs=0.005)


def test_the_misfit_is_constant_beyond_the_darkest_and_brightest_red_of_the_tiles():
    red, dark = black_and_white()
    table = level_misfit(tiles_of(red, np.where(dark, -0.06, 0.0)), NOISE, RED_LOGS)
    assert at(table, -6.0, 0.4) == pytest.approx(at(table, -4.1, 0.1), abs=1e-6)


@pytest.mark.parametrize(("contrast", "followed"), [(0.07, False), (0.15, True)])
def test_a_picture_of_one_red_has_no_misfit(contrast, followed):
    rng = np.random.default_rng(3)
    dark = rng.random((12, 400)) < 0.5
    table = level_misfit(tiles_of(np.where(dark, -contrast, 0.0), np.where(dark, -0.06, 0.0)), NOISE, RED_LOGS)
    assert table.any() == followed


def test_dust_on_a_few_pixels_of_each_tile_is_no_level():
    red, dark = black_and_white(tiles=40, black=0.03)
    assert rise(level_misfit(tiles_of(red, np.where(dark, -0.3, 0.0)), NOISE, RED_LOGS)) < 0.03


def with_black_pixels(part):
    """Rise that is measured where a part of each tile is black."""
    red, dark = black_and_white(tiles=20, pixels=1000, black=part)
    return rise(level_misfit(tiles_of(red, np.where(dark, -0.3, 0.0)), NOISE, RED_LOGS))


@pytest.mark.parametrize(("part", "level"), [(0.035, False), (0.075, True)])
def test_a_level_counts_from_a_twentieth_of_a_tile_on(part, level):
    assert (with_black_pixels(part) > 0.2) == level


@pytest.mark.parametrize(("pixels", "weight"), [(30, 0.1), (120, 0.33), (500, 1.0)])
def test_a_level_of_few_pixels_has_little_weight(pixels, weight):
    red = np.zeros((1, 2 * pixels))
    red[:, :pixels] = -4
    found = rise(level_misfit(tiles_of(red, np.where(red < -1, -0.06, 0.0), noise=1e-4), NOISE, RED_LOGS)) / 0.06
    assert found == pytest.approx(weight, abs=0.07)


def test_pixels_that_are_not_valid_do_not_count():
    red, dark = black_and_white()
    levels = tiles_of(red, np.where(dark, -0.06, 0.0))
    levels.residual[:, ::3] = 5.0
    levels.valid[:, ::3] = 0.0
    assert rise(level_misfit(levels, NOISE, RED_LOGS)) == pytest.approx(0.06, rel=0.1)


def test_dust_over_a_third_of_the_tiles_pixels_does_not_move_the_levels():
    red, dark = black_and_white(tiles=20)
    dust = np.random.default_rng(5).random(red.shape) < 0.3
    left = np.where(dark, -0.06, 0.0) - np.where(dust, 0.4, 0.0)
    assert rise(level_misfit(tiles_of(red, left), NOISE, RED_LOGS)) == pytest.approx(0.06, rel=0.15)
