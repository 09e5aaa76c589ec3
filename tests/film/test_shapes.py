"""Shapes enclose the area that was asked for, and depth is the distance to their edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from filmscand.film import shapes


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(30, 2000), st.floats(1, 3))
def test_blobs_enclose_the_area_asked_for_and_their_depth_agrees_with_scikit_image(seed, area_px, elongation):
    outline = shapes.blob_outline(np.random.default_rng(seed), area_px, elongation, 0.25) + 60.3
    assert shapes.polygon_area(outline) == pytest.approx(area_px)
    depth = shapes.polygon_depth(outline)
    inside = polygon2mask(depth.depth_px.shape, outline - (depth.top_px, depth.left_px))
    clearly = np.abs(depth.depth_px) > 0.01
    assert np.array_equal((depth.depth_px > 0)[clearly], inside[clearly])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 4))
def test_stroke_depth_is_the_distance_to_its_line(seed, half_width_px):
    rng = np.random.default_rng(seed)
    path = shapes.curved_path(rng, 40, shapes.Curl(rng.uniform(0, 6), 0.02, 20))
    field = shapes.stroke_depth(path, np.full(len(path), half_width_px))
    fine = np.concatenate([np.linspace(path[i], path[i + 1], 40) for i in range(len(path) - 1)])
    row, col = np.indices(field.depth_px.shape)
    distance = np.hypot(row[..., None] + field.top_px - fine[:, 0], col[..., None] + field.left_px - fine[:, 1]).min(-1)
    expected = np.maximum(half_width_px - distance, -4)
    assert np.allclose(np.maximum(field.depth_px, -3), np.maximum(expected, -3), atol=0.05)
