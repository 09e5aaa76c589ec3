from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.film import pictures
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS

ROWS, COLS = 160, 240


@pytest.fixture(scope="module")
def picture():
    return pictures.landscape(ROWS, COLS, 1)


def assert_untouched_pixels_are_equal(frame):
    untouched = ~frame.any_mask
    assert np.array_equal(frame.rgb[untouched], frame.clean_rgb[untouched])
    assert np.array_equal(frame.infrared[untouched], frame.clean_infrared[untouched])


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_gives_planes_of_the_pictures_size_and_masks_that_nest(name, picture):
    frame = simulate_frame(picture, KINDS[name], seed=5)
    assert frame.rgb.shape == frame.clean_rgb.shape == (ROWS, COLS, 3)
    assert frame.infrared.shape == frame.clean_infrared.shape == frame.defect_labels.shape == (ROWS, COLS)
    assert frame.rgb.dtype == frame.infrared.dtype == np.uint16
    assert_untouched_pixels_are_equal(frame)
    assert not (frame.visible_mask & ~frame.any_mask).any()
    assert frame.defect_labels.max() <= len(frame.defects)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**31), st.integers(17, 90), st.integers(17, 90))
def test_untouched_pixels_are_equal_to_the_bit_at_any_size_and_seed(name, seed, rows, cols):
    frame = simulate_frame(pictures.girders(rows, cols, seed), KINDS[name], seed=seed)
    assert_untouched_pixels_are_equal(frame)


def test_same_picture_recipe_and_seed_give_the_same_frame_and_another_seed_another(picture):
    once, again, other = (simulate_frame(picture, KINDS["two_pass_drift"], seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(once.rgb, again.rgb) and np.array_equal(once.infrared, again.infrared)
    assert np.array_equal(once.defect_labels, again.defect_labels) and once.defects == again.defects
    assert not np.array_equal(once.clean_rgb, other.clean_rgb)
    assert not np.array_equal(once.visible_mask, other.visible_mask)


def test_the_number_of_threads_changes_nothing(picture):
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = simulate_frame(picture, KINDS["two_pass_drift"], seed=3)
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
        together = simulate_frame(picture, KINDS["two_pass_drift"], seed=3)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(alone.rgb, together.rgb) and np.array_equal(alone.infrared, together.infrared)


def test_the_picture_given_is_left_as_it_was(picture):
    given_picture = picture.copy()
    simulate_frame(given_picture, KINDS["sprocket_holder"], seed=3)
    assert np.array_equal(given_picture, picture)


def test_spotless_film_is_equal_damaged_and_clean(picture):
    frame = simulate_frame(picture, KINDS["spotless"], seed=2)
    assert np.array_equal(frame.rgb, frame.clean_rgb)
    assert np.array_equal(frame.infrared, frame.clean_infrared)
    assert not frame.any_mask.any() and frame.defects == ()
