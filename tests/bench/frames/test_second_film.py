"""The second film model tells the truth about its damage."""

from __future__ import annotations

import numpy as np
import pytest

from bench.frames.second_film import VISIBLE_SHARE, second_model
from filmscand.film.pictures import smooth_sky


@pytest.fixture(scope="module")
def second():
    return second_model(smooth_sky(240, 300, 2), seed=4)


def test_damage_of_the_second_model_is_visible_where_it_is_said_to_be(second):
    light, clean = second.rgb.astype(float), second.clean_rgb.astype(float)
    change = (np.abs(light - clean) / clean).max(-1)
    assert change[second.visible_mask].min() > 0.8 * VISIBLE_SHARE
    assert np.percentile(change[~second.visible_mask], 99.9) < 1.6 * VISIBLE_SHARE
    assert set(np.unique(second.defect_labels)) <= set(range(len(second.defects) + 1))


def test_a_spotless_frame_of_the_second_model_is_clean():
    frame = second_model(smooth_sky(60, 80, 2), seed=4, spotless=True)
    assert np.array_equal(frame.rgb, frame.clean_rgb) and not frame.any_mask.any() and not frame.defects
