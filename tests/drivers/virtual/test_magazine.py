"""Slides of one size, each with a drift of its own."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from filmscand.drivers.virtual.magazine import STILL, Drift, Magazine, Slide, drift_of
from support.scanner_station import COLS, ROWS, make_slide


def test_no_two_slides_drift_alike_and_each_drifts_alike_again():
    assert len({drift_of(number) for number in range(1, 20)}) == 19
    assert drift_of(3) == drift_of(3)


def test_planes_that_are_no_slide_and_a_magazine_without_slides_are_refused():
    with pytest.raises(ValueError, match="uint16"):
        Slide(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="at least one"):
        Magazine.of([])


def test_a_slide_is_loaded_when_it_enters_the_gate_and_kept_while_it_is_there():
    loaded = []

    def load(number):
        loaded.append(number)
        return make_slide(number)

    magazine = Magazine((ROWS, COLS), [functools.partial(load, number) for number in (1, 2)])
    for number in (1, 1, 2, 1):
        magazine.slide(number)
    assert loaded == [1, 2, 1]
    assert len(magazine) == 2


@pytest.mark.parametrize("number", [0, 3])
def test_a_gate_without_a_slide_shows_bare_light_that_does_not_drift(number):
    magazine = Magazine.of([make_slide(1), make_slide(2)])
    empty = magazine.slide(number)
    assert (empty.rgb == 65535).all()
    assert (empty.infrared == 65535).all()
    assert magazine.drift(number) == STILL


def test_a_slide_of_another_size_is_refused_with_its_number():
    magazine = Magazine((ROWS, COLS + 1), [functools.partial(make_slide, 1)])
    with pytest.raises(ValueError, match=rf"slide 1: expected \({ROWS}, {COLS + 1}\) pixels, found \({ROWS}, {COLS}\)"):
        magazine.slide(1)


def test_a_slide_without_a_drift_of_its_own_gets_the_one_of_its_number():
    slide = make_slide(1)
    magazine = Magazine.of([Slide(slide.rgb, slide.infrared), Slide(slide.rgb, slide.infrared, Drift(1.0))])
    assert magazine.drift(1) == drift_of(1)
    assert magazine.drift(2) == Drift(1.0)


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_the_rows_of_a_drifting_pass_stay_on_the_slide(rows):
    positions = Drift(rows_px=-3.0, wander_px=0.5).row_positions(rows)
    assert positions.shape == (rows,)
    assert positions.min() >= 0.0
    assert positions.max() <= rows - 1
    assert np.array_equal(STILL.row_positions(rows), np.arange(rows))
