"""Shapes enclose the area that was asked for, and depth is the distance to their edge."""

from __future__ import annotations

import math

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


def test_rotating_keeps_lengths_and_a_quarter_turn_swaps_the_axes():
    points = np.array([[3.0, 4.0], [0.0, 1.0]])
    rotated = points @ shapes.rotation_matrix(0.7)
    assert np.linalg.norm(rotated, axis=1) == pytest.approx(np.linalg.norm(points, axis=1))
    assert points @ shapes.rotation_matrix(math.pi / 2) == pytest.approx(np.array([[-4.0, 3.0], [-1.0, 0.0]]))


def test_the_area_of_a_polygon_is_that_of_the_shoelace_formula():
    triangle = np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0]])
    assert shapes.polygon_area(triangle) == 6.0
    assert shapes.polygon_area(shapes.scaled_to_area(triangle, 24.0)) == pytest.approx(24.0)


@pytest.mark.parametrize("length_px", [1.0, 30.0, 500.0])
def test_a_path_has_its_length_and_lies_about_the_origin(length_px):
    path = shapes.curved_path(np.random.default_rng(2), length_px, shapes.Curl(0.3, 0.01, 20.0, kinks=1.0))
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps == pytest.approx(length_px / (len(path) - 1))
    assert path.min(0) == pytest.approx(-path.max(0))


def test_a_straight_path_follows_its_heading():
    path = shapes.curved_path(np.random.default_rng(2), 40.0, shapes.Curl(0.0, 0.0, 20.0))
    assert np.ptp(path[:, 0]) == pytest.approx(0.0)
    assert np.all(np.diff(path[:, 1]) > 0)


def test_a_wandering_sequence_has_unit_variance_and_forgets_over_its_memory():
    values = shapes.wandering(np.random.default_rng(4), 20_000, 10)
    assert values.std() == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(values[:-10], values[10:])[0, 1] == pytest.approx(1 / math.e, abs=0.1)
