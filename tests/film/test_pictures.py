"""Procedural pictures are linear light and always the same."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film import pictures


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_procedural_pictures_are_linear_light_and_repeat_themselves(name):
    draw = pictures.PICTURES[name]
    picture = draw(90, 130, 4)
    assert picture.shape == (90, 130, 3) and picture.dtype == np.float32
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.01
    assert np.array_equal(picture, draw(90, 130, 4))
