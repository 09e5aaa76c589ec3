"""Pixels inside outlines: by their centres, whatever the outline's shape and wherever it lies."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.planes.outlines import pixels_inside

SHAPE = (20, 30)
CORNERS = st.lists(st.tuples(st.integers(-5, 25), st.integers(-5, 35)), min_size=3, max_size=6)


def test_a_rectangle_encloses_the_pixels_between_its_edges():
    expected = np.zeros(SHAPE, np.bool_)
    expected[2:5, 3:7] = True
    assert np.array_equal(pixels_inside([((2, 3), (2, 7), (5, 7), (5, 3))], SHAPE), expected)


def test_the_direction_in_which_it_was_drawn_does_not_matter():
    outline = ((2.2, 3.9), (14, 7), (9, 22), (3, 15))
    assert np.array_equal(pixels_inside([outline], SHAPE), pixels_inside([outline[::-1]], SHAPE))


def test_what_lies_beyond_the_frame_encloses_nothing_and_does_no_harm():
    around = ((-9, -9), (-9, 99), (99, 99), (99, -9))
    assert pixels_inside([around], SHAPE).all()
    assert not pixels_inside([((30, 3), (30, 7), (35, 7))], SHAPE).any()
    assert not pixels_inside([((2, -9), (2, -3), (9, -3))], SHAPE).any()


def test_areas_add_up():
    one, other = ((1, 1), (1, 9), (6, 9), (6, 1)), ((3, 5), (3, 20), (9, 20), (9, 5))
    both = pixels_inside([one], SHAPE) | pixels_inside([other], SHAPE)
    assert np.array_equal(pixels_inside([one, other], SHAPE), both)


@settings(max_examples=200, deadline=None)
@given(CORNERS)
def test_it_is_what_the_crossings_of_each_centre_say(corners):
    found = pixels_inside([tuple(corners)], SHAPE)
    contour = np.array([(col, row) for row, col in corners], np.float32).reshape(-1, 1, 2)
    for row in range(SHAPE[0]):
        for col in range(SHAPE[1]):
            distance = cv2.pointPolygonTest(contour, (col + 0.5, row + 0.5), True)
            # OpenCV counts crossings too; a centre on the outline itself may fall either way.
            if abs(distance) > 1e-6:
                assert found[row, col] == (distance > 0)
