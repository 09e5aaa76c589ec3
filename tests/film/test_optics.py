"""Blur and resampling agree with independent implementations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from filmscand.film import optics

planes = st.builds(
    lambda seed, rows, cols: np.random.default_rng(seed).uniform(0, 1, (rows, cols)).astype(np.float32),
    st.integers(0, 1000),
    st.integers(5, 40),
    st.integers(5, 40),
)


@settings(max_examples=15, deadline=None)
@given(planes, st.floats(0.4, 2.5))
def test_blur_agrees_with_scipy(plane, sigma_px):
    expected = ndimage.gaussian_filter(
        plane.astype(np.float64), sigma_px, mode="nearest", radius=max(1, math.ceil(4 * sigma_px))
    )
    assert np.allclose(optics.gaussian_blur(plane, sigma_px), expected, atol=2e-6)


@settings(max_examples=15, deadline=None)
@given(planes, st.floats(-3, 3), st.floats(-3, 3))
def test_resampling_agrees_with_a_plain_catmull_rom(plane, row_shift, col_shift):
    rows, cols = plane.shape
    found = optics.resample(plane, np.arange(rows) + row_shift, np.arange(cols) + col_shift, np.zeros(rows))
    assert np.allclose(found, np.maximum(catmull_rom(catmull_rom(plane, row_shift).T, col_shift).T, 0), atol=2e-6)


def catmull_rom(plane, shift):
    whole, share = math.floor(shift), shift - math.floor(shift)
    matrix = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    weights = np.array([1, share, share**2, share**3]) @ matrix
    taken = [np.clip(np.arange(len(plane)) + whole + tap, 0, len(plane) - 1) for tap in (-1, 0, 1, 2)]
    return sum(weight * plane[rows].astype(np.float64) for weight, rows in zip(weights, taken, strict=True))


@pytest.mark.parametrize("sigma_px", [0.0, -1.0])
def test_no_blur_gives_the_plane_itself(sigma_px):
    plane = np.ones((4, 5), np.float32)
    assert optics.gaussian_blur(plane, sigma_px) is plane
