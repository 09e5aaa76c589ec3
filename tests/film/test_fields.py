"""Random streams do not depend on each other, and fields are smooth and bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.film.fields import smooth_field, stream


def test_a_stream_depends_on_its_seed_and_its_name_alone():
    first = stream(3, "grain").uniform(size=4)
    assert np.array_equal(first, stream(3, "grain").uniform(size=4))
    assert not np.array_equal(first, stream(4, "grain").uniform(size=4))
    assert not np.array_equal(first, stream(3, "dust").uniform(size=4))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 100.0), st.integers(1, 5))
def test_a_field_of_any_size_has_its_shape_and_stays_within_its_range(seed, rows, cols, period_px, octaves):
    field = smooth_field(np.random.default_rng(seed), (rows, cols), period_px, octaves=octaves)
    assert field.shape == (rows, cols)
    assert field.dtype == np.float32
    assert np.abs(field).max() <= 1.0


@pytest.mark.parametrize("period_px", [10.0, 40.0])
def test_neighbours_differ_at_most_by_the_slope_of_one_period(period_px):
    field = smooth_field(np.random.default_rng(1), (80, 80), period_px)
    # 3 t^2 - 2 t^3 has the slope 1.5 at most, and grid values differ by 2 at most.
    assert np.abs(np.diff(field, axis=0)).max() <= 2 * 1.5 / period_px
    assert np.abs(np.diff(field, axis=1)).max() <= 2 * 1.5 / period_px


def test_more_octaves_add_finer_detail():
    def roughness(octaves):
        field = smooth_field(np.random.default_rng(1), (200, 200), 50.0, octaves=octaves)
        return np.abs(np.diff(field, n=2)).mean() / field.std()

    assert roughness(1) < roughness(3) < roughness(5)
