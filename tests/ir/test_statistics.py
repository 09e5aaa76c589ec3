from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.statistics import bright_scale, one_sided_biweight, weighted_median


def test_weights_fall_to_nothing_at_four_deviations_on_the_bright_side_and_two_and_a_half_on_the_dark():
    weights = one_sided_biweight(np.array([-2.7, -1.6, 0.0, 1.6, 3.5, 4.3]))
    assert weights == pytest.approx([0, 0.35, 1, 0.7, 0.055, 0], abs=0.02)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 9), st.floats(0, 9))
def test_what_is_darker_weighs_no_more_than_what_is_as_much_brighter_and_what_is_farther_off_no_more(first, second):
    near, far = sorted((first, second))
    bright, dark = one_sided_biweight(np.array([near, far])), one_sided_biweight(-np.array([near, far]))
    assert bright[0] >= bright[1]
    assert dark[0] >= dark[1]
    assert (dark <= bright).all()


@pytest.mark.parametrize("size", [400, 200_000])
def test_the_scale_of_clean_film_is_read_off_its_bright_side(size):
    rng = np.random.default_rng(1)
    film = rng.normal(0, 0.01, size)
    dusty = np.where(rng.random(size) < 0.2, film - 0.5, film)
    assert bright_scale(film) == pytest.approx(0.01, rel=0.15)
    assert bright_scale(dusty) < 0.012


def test_film_of_one_value_has_no_scale():
    assert bright_scale(np.full(10, 0.3)) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_half_of_the_weight_lies_on_either_side_of_the_weighted_median(seed, count):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=count), rng.uniform(0.1, 3, count)
    middle = weighted_median(values, weights)
    assert weights[values < middle].sum() <= weights.sum() / 2 + 1e-9
    assert weights[values > middle].sum() <= weights.sum() / 2 + 1e-9
