"""Slides of one size, each with a drift of its own."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.virtual.film_slides import film_magazine
from filmscand.drivers.virtual.magazine import Magazine, Slide, drift_of


def test_no_two_slides_drift_alike_and_each_drifts_alike_again():
    assert len({drift_of(number) for number in range(1, 20)}) == 19
    assert drift_of(3) == drift_of(3)


def test_slides_of_another_size_and_kind_are_refused():
    with pytest.raises(ValueError, match="uint16"):
        Slide(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="kinds of slides"):
        film_magazine("coolscan3", ["velvet"], (10, 10))
    with pytest.raises(ValueError, match="at least one"):
        Magazine.of([])
