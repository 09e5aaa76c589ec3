"""A colour channel is its dye, dimmed by defects and by the base, and brightened where a scratch took the dye."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.developed import DevelopedFilm
from filmscand.film.picture_planes import scan_channel
from filmscand.film.recipe import DefectKind, FilmStock, FrameRecipe, Scanner
from filmscand.film.specks import Patch

ROWS, COLS = 40, 50
QUIET = Scanner(exposure_rgb=(1.0, 1.0, 1.0), blur_px=0.0, full_well_electrons=1e12, read_noise=0.0, black_level=0.0)
RECIPE = FrameRecipe(stock=FilmStock(dmin_rgb=(0.0, 0.1, 0.3)), scanner=QUIET)


def film_with(*patches, density=0.5):
    return DevelopedFilm(np.full((3, ROWS, COLS), density, np.float32), patches, None, RECIPE, seed=1)


def square(**changes):
    patch = Patch(DefectKind.DUST, 10, 20, np.ones((5, 5), np.float32), (0.2, 0.3, 0.4), (0.0, 0.0, 0.0), 0.3)
    return replace(patch, **changes)


@pytest.mark.parametrize(("channel", "density"), [(0, 0.5), (1, 0.6), (2, 0.8)])
def test_clean_film_has_the_density_of_its_dye_and_its_base(channel, density):
    pair = scan_channel(channel, film_with())
    assert pair.clean.astype(float) == pytest.approx(65535 * 10**-density, abs=1.5)
    assert np.array_equal(pair.damaged, pair.clean)
    assert not pair.touched.any()


@pytest.mark.parametrize(("channel", "added"), [(0, 0.2), (1, 0.3), (2, 0.4)])
def test_a_defect_adds_its_density_where_it_lies_and_nowhere_else(channel, added):
    pair = scan_channel(channel, film_with(square()))
    inside = np.zeros((ROWS, COLS), np.bool_)
    inside[10:15, 20:25] = True
    assert pair.damaged[inside] / pair.clean[inside] == pytest.approx(10**-added, rel=1e-3)
    assert np.array_equal(pair.touched, inside)
    assert np.array_equal(pair.visible, inside)


def test_a_stripped_scratch_takes_dye_away_but_never_more_than_there_is():
    scratch = square(density_rgb=(0.0, 0.0, 0.0), stripped_rgb=(0.6, 0.6, 0.6))
    once, twice = (scan_channel(0, film_with(*[scratch] * count)).damaged[12, 22] / 65535 for count in (1, 2))
    assert -np.log10(once) == pytest.approx(0.4 * 0.5, abs=1e-3)
    assert -np.log10(twice) == pytest.approx(0.0, abs=1e-3)
