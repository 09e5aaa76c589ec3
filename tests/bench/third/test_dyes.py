"""Dyes, their densities in four bands, and grain."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.dyes import DyeImage, develop
from bench.third.recipe import Film, Process

WEDGE = np.repeat(np.linspace(0.01, 1, 200, dtype=np.float32)[None, :, None], 3, -1).repeat(80, 0)


def density(film):
    return develop(WEDGE, film, np.random.default_rng(1)).densities().mean(0)


def test_density_falls_with_light_on_a_slide_and_rises_on_a_negative():
    slide, negative = density(Film()), density(Film(Process.NEGATIVE))
    assert slide[0, 0] > slide[-1, 0] + 1
    assert negative[-1, 0] > negative[0, 0] + 0.5


def test_the_picture_leaks_into_infrared_as_far_as_the_dyes_do():
    weak, strong = (np.ptp(density(Film(leak=(leak, 0, 0)))[:, 3]) for leak in (0.05, 0.4))
    assert weak < 0.15
    assert strong > 0.4


def test_silver_absorbs_infrared_as_light():
    silver = density(Film(Process.SILVER))
    assert np.ptp(silver[:, 3]) > 0.85 * np.ptp(silver[:, 0])
    assert silver[:, 0] == pytest.approx(silver[:, 2], abs=1e-5)


def test_grain_is_correlated_between_near_pixels_and_grows_with_density():
    grey = np.full((200, 200, 3), 0.05, np.float32)
    coarse = develop(grey, Film(grain=0.03), np.random.default_rng(1)).densities()[..., 1]
    bright = develop(grey * 20, Film(grain=0.03), np.random.default_rng(1)).densities()[..., 1]
    assert coarse.std() > 1.3 * bright.std()
    assert np.corrcoef(coarse[:, 1:].ravel(), coarse[:, :-1].ravel())[0, 1] > 0.2


def test_lost_dye_absorbs_nothing():
    image = DyeImage(np.ones((2, 2, 3), np.float32), Film())
    bare = image.without(np.ones((2, 2, 3), np.float32)).densities()
    assert bare[0, 0, 0] == pytest.approx(0.14)
    assert image.densities()[0, 0, 0] > 1
