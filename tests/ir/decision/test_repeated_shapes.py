"""Regions of one shape are a flock or lettering: dust never repeats a shape that is neither round nor straight."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision.repeated_shapes import Shapes, find_repeated, measure_shapes
from filmscand.ir.decision.sure_regions import sure_regions, tinted_regions
from filmscand.ir.decision.tint import Tints
from filmscand.ir.network.detector import find_regions
from support.ir_frames import compiled

pytestmark = compiled

SHAPE = (600, 800)
WING = np.array([[-12.0, 5.0], [0.0, 0.0], [12.0, 5.0]])


def drawn(*lines, shape=SHAPE, level=253):
    """Draw lines as regions: corners in x and y, pixels."""
    probability = np.zeros(shape, np.uint8)
    for corners in lines:
        cv2.polylines(probability, [np.rint(corners).astype(np.int32)], False, level, 4)
    return probability


def gull(x, y, size=1.0, turned_degrees=0.0, bent=1.0):
    """Corners of two wings."""
    turned = np.radians(turned_degrees)
    turn = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return WING * (1, bent) * size @ turn.T + (x, y)


def repeats(*lines, sensitivity=0.5):
    probability = drawn(*lines)
    regions = find_regions(probability, 0.5, 0.4)
    assert len(regions) == len(lines)
    return find_repeated(probability, regions, sensitivity).tolist()


FLOCK = (gull(100, 100), gull(250, 180, 1.3), gull(420, 90, 0.8))


def test_three_of_one_shape_are_a_flock():
    assert repeats(*FLOCK) == [True] * 3


def test_another_region_of_the_frame_is_none_of_them():
    hair = np.array([[500.0, 400.0], [540.0, 420.0], [560.0, 470.0]])
    assert sorted(repeats(*FLOCK, hair)) == [False, True, True, True]


@pytest.mark.parametrize(
    "third",
    [
        gull(420, 90, turned_degrees=180),
        gull(420, 90, turned_degrees=25),
        gull(420, 300, 8.0),
        gull(420, 90, bent=0.0),
        gull(420, 90, bent=3.0),
    ],
    ids=["upside down", "turned", "much larger", "straight", "bent more"],
)
def test_two_may_be_alike_by_chance(third):
    assert repeats(*FLOCK[:2], third) == [False] * 3


GULL = {"areas_px": 100, "elongations": 2.0, "bends": 0.3, "directions_rad": 0.05}


def shapes_of(*marks):
    return Shapes(**{name: np.array([mark[name] for mark in marks]) for name in GULL})


@pytest.mark.parametrize(
    ("but", "alike"),
    [
        ({}, True),
        ({"directions_rad": 2 * np.pi - 0.05}, True),
        ({"directions_rad": 0.25}, False),
        ({"bends": 0.5}, True),
        ({"bends": 0.6}, False),
        ({"elongations": 3.2}, True),
        ({"elongations": 3.4}, False),
        ({"elongations": 1.1}, False),
        ({"areas_px": 390}, True),
        ({"areas_px": 410}, False),
        ({"areas_px": 24}, False),
    ],
)
def test_shapes_are_alike_if_they_differ_little_in_direction_bend_length_and_size(but, alike):
    assert shapes_of(GULL, GULL | but).like(0).tolist() == [True, alike]


@pytest.mark.parametrize(
    ("but", "tells"),
    [
        ({"elongations": 1.4}, True),
        ({"elongations": 1.3}, False),
        ({"bends": 0.11}, True),
        ({"bends": 0.09}, False),
        ({"areas_px": 21}, True),
        ({"areas_px": 20}, False),
    ],
)
def test_only_a_long_bent_region_that_is_not_a_speck_has_a_shape_that_counts(but, tells):
    assert shapes_of(GULL | but).curved.tolist() == [tells]


def test_specks_are_round_and_scratches_straight_and_both_stay():
    specks = [np.array([[100.0 * index, 100.0], [100.0 * index + 1, 100.0]]) for index in range(1, 6)]
    scratches = [np.array([[100.0 * index, 300.0], [100.0 * index + 10, 500.0]]) for index in range(1, 6)]
    assert repeats(*specks, *scratches) == [False] * 10


def test_the_higher_the_sensitivity_the_more_regions_have_to_be_alike_and_at_one_none_is():
    five = (*FLOCK, gull(600, 300), gull(200, 450))
    assert repeats(*FLOCK, sensitivity=0.6) == [False] * 3
    assert repeats(*five, sensitivity=0.6) == [True] * 5
    assert repeats(*five, sensitivity=1.0) == [False] * 5


def test_among_many_regions_some_are_alike_by_chance():
    specks = [np.array([[20.0 + 36 * (i % 20), 300 + 40 * (i // 20)]] * 2) for i in range(60)]
    assert repeats(*FLOCK, *specks[:30])[:3] == [True] * 3
    assert repeats(*FLOCK, *specks[:50]) == [False] * 53


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 359), st.floats(0.7, 2.0), st.integers(100, 300), st.integers(100, 400))
def test_a_shape_is_the_same_wherever_it_lies_and_turns_with_its_region(turned_degrees, size, x, y):
    """Compared with moments computed by plain numpy."""
    probability = drawn(gull(x, y, size, turned_degrees), gull(600, 300, size))
    regions = find_regions(probability, 0.5, 0.4)
    shapes = measure_shapes(probability, regions)
    for mark, (first, end) in enumerate(zip(regions.starts[:-1], regions.starts[1:], strict=True)):
        places = np.stack([regions.cols[first:end], regions.rows[first:end]], 1).astype(float)
        places -= places.mean(0)
        spread, axes = np.linalg.eigh(places.T @ places / len(places))
        across, along = (places @ axes).T
        length, width = np.sqrt(spread[1] + 1 / 12), np.sqrt(spread[0] + 1 / 12)
        bend = (along**2 * across).mean() / (length**2 * width)
        side = axes[:, 0] * np.sign(bend)
        assert shapes.elongations[mark] == pytest.approx(length / width)
        assert shapes.bends[mark] == pytest.approx(abs(bend))
        assert np.cos(shapes.directions_rad[mark] - np.arctan2(side[1], side[0])) == pytest.approx(1)


def test_a_flock_in_the_sky_is_dropped_and_the_specks_beside_it_are_kept(model):
    specks = [np.array([[60.0 * index, 400.0], [60.0 * index + 9, 404.0]]) for index in range(1, 9)]
    found = sure_regions(drawn(*FLOCK, *specks), model.card, 0.5)
    assert len(found) == 8
    assert found.rows.min() > 350


def test_on_a_dusty_frame_hairs_of_one_shape_are_dust(model):
    places = [(60 + 55 * (index % 12), 300 + 60 * (index // 12)) for index in range(24)]
    specks = [np.array([(x, y), (x + 9, y + 4)]) for x, y in places]
    assert len(sure_regions(drawn(*FLOCK, *specks), model.card, 0.5)) == 27


def test_on_film_without_colour_a_flock_is_dropped_though_it_has_tints(model):
    specks = [np.array([[60.0 * index, 400.0], [60.0 * index + 9, 404.0]]) for index in range(1, 9)]
    probability = drawn(*FLOCK, level=30) | drawn(*specks)
    tints = Tints((drawn(*FLOCK, *specks)[::2, ::2] > 0).astype(np.uint8), np.array([0.0] + [6.0] * 11))
    alone = sure_regions(probability, model.card, 0.5)
    found, combined = tinted_regions(probability, alone, tints, model.card, 0.5)
    assert combined[:200].max() > 240
    assert len(found) == 8
    assert found.rows.min() > 350
