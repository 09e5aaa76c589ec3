from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.statistics import bright_scale, median_and_deviation, one_sided_biweight, sample, weighted_median


def test_weights_end_at_four_deviations_on_the_bright_side_and_at_two_and_a_half_on_the_dark():
    weights = one_sided_biweight(np.array([-2.7, -1.6, 0.0, 1.6, 3.5, 4.3]))
    assert weights == pytest.approx([0, 0.35, 1, 0.7, 0.055, 0], abs=0.02)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 9), st.floats(0, 9))
def test_weights_fall_with_the_distance_and_are_lower_on_the_dark_side(first, second):
    near, far = sorted((first, second))
    bright, dark = one_sided_biweight(np.array([near, far])), one_sided_biweight(-np.array([near, far]))
    assert bright[0] >= bright[1]
    assert dark[0] >= dark[1]
    assert (dark <= bright).all()


@pytest.mark.parametrize("size", [400, 200_000])
def test_dust_does_not_widen_the_scale_of_clean_film(size):
    rng = np.random.default_rng(1)
    film = rng.normal(0, 0.01, size)
    dusty = np.where(rng.random(size) < 0.2, film - 0.5, film)
    assert bright_scale(film) == pytest.approx(0.01, rel=0.15)
    assert bright_scale(dusty) < 0.012


def test_the_scale_of_film_of_one_value_is_0():
    assert bright_scale(np.full(10, 0.3)) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_at_most_half_of_the_weight_lies_on_either_side_of_the_weighted_median(seed, count):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=count), rng.uniform(0.1, 3, count)
    median = weighted_median(values, weights)
    assert weights[values < median].sum() <= weights.sum() / 2 + 1e-9
    assert weights[values > median].sum() <= weights.sum() / 2 + 1e-9


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (7, 7), (19_999, 19_999), (20_000, 10_000), (95_000, 10_556)])
def test_a_sample_of_a_large_array_has_ten_to_twenty_thousand_values(size, kept):
    assert len(sample(np.arange(size))) == kept


def test_outliers_change_neither_the_median_nor_the_deviation():
    values = np.random.default_rng(1).normal(5, 0.2, 20_001)
    values[::10] = 1e6
    median, deviation = median_and_deviation(values)
    assert median == pytest.approx(5, abs=0.05)
    assert deviation == pytest.approx(0.2, rel=0.2)
