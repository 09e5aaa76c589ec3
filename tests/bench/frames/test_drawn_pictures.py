"""Drawn pictures are linear light, and lights lie where their labels are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.frames.drawn_pictures import foliage, motorcycle, night_lamps, rocks, star_field, texture, wires


@pytest.mark.parametrize("make", [rocks, foliage, wires])
def test_a_drawn_picture_is_linear_light_and_the_same_for_a_seed(make):
    picture = make(80, 120, 7)
    assert picture.shape == (80, 120, 3)
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.02
    assert np.array_equal(picture, make(80, 120, 7))
    assert not np.array_equal(picture, make(80, 120, 8))


@pytest.mark.parametrize("make", [star_field, night_lamps])
def test_lights_lie_where_their_labels_say(make):
    lights = make(200, 300, 7)
    on, off = lights.labels > 0, lights.labels == 0
    assert np.median(lights.picture[on].max(-1)) > 5 * np.median(lights.picture[off].max(-1))


def test_photographs_of_scikit_image_cover_a_frame_and_take_a_tint():
    tinted = texture("gravel", (1.0, 0.5, 0.25))(60, 90)
    assert tinted.shape == (60, 90, 3)
    assert tinted[..., 1].mean() == pytest.approx(tinted[..., 0].mean() / 2, rel=0.02)
    assert motorcycle(60, 90).shape == (60, 90, 3)
