"""Films of sheets: grain of the stock's size, the same in all layers of silver film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.kinds import KINDS
from filmscand.film.recipe import Process
from training.sheets.emulsion import any_stock, expose, usual_stock

GREY = np.full((160, 160, 3), 0.2, np.float32)


def rng(seed=1):
    return np.random.default_rng(seed)


def grain_of(kind, seed=1, **changes):
    film = expose(rng(seed), GREY, replace(KINDS[kind].stock, **changes))
    clean = expose(rng(seed), GREY, replace(KINDS[kind].stock, grain_density=0.0))
    return film, film.densities - clean.densities


@pytest.mark.parametrize("seed", range(4))
def test_grain_has_the_deviation_that_is_told_beside_it(seed):
    film, grain = grain_of("clear_slide", seed, grain_density=0.05)
    assert grain.std((1, 2)) == pytest.approx(film.grain.mean((1, 2)), rel=0.1)


def test_silver_film_has_one_grain_in_all_colours():
    _, grain = grain_of("silver")
    assert grain[1] == pytest.approx(grain[0], abs=1e-5)
    assert grain[2] == pytest.approx(grain[0], abs=1e-5)


def test_layers_of_dye_film_have_grain_of_their_own():
    shared = [np.corrcoef(*grain_of("clear_slide", seed)[1][:2].reshape(2, -1))[0, 1] for seed in range(8)]
    assert min(shared) < 0.3


@pytest.mark.parametrize("draw", [usual_stock, any_stock])
def test_films_are_slides_negatives_and_silver(draw):
    stocks = [draw(rng(seed)) for seed in range(80)]
    assert {stock.process for stock in stocks} == {Process.SLIDE, Process.NEGATIVE}
    assert 0 < sum(stock.monochrome for stock in stocks) < 40
    assert len({stock.grain_density for stock in stocks}) == len(stocks)
