"""The finders of the blind bench."""

from __future__ import annotations

import numpy as np
import pytest

from bench.blind.finders import DETECTOR, MEDIAN, OURS, RECIPE, make_finders, top_hat_name
from bench.blind.frames import BlindFrame, Group
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from support.onnx_models import save_detector


@pytest.fixture(scope="module")
def dusty():
    grey = np.full((160, 240, 3), 0.5, np.float32)
    return BlindFrame(simulate_frame(grey, KINDS["heavy_dirt"], seed=3))


@pytest.fixture(scope="module")
def finders(tmp_path_factory):
    model = save_detector(tmp_path_factory.mktemp("model") / "tiny.onnx")
    return make_finders(model, model, 0.5, 1)


def test_filmscand_comes_first_and_the_recipe_only_where_there_is_one(finders, tmp_path):
    assert list(finders)[:4] == [OURS, DETECTOR, RECIPE, MEDIAN]
    without = make_finders(save_detector(tmp_path / "tiny.onnx"), None, 0.5, 1)
    assert RECIPE not in without


@pytest.mark.parametrize("name", [DETECTOR, RECIPE, MEDIAN, top_hat_name(0.05)])
def test_dust_on_grey_film_is_found(finders, dusty, name):
    found = finders[name](dusty, Group.COLOUR)
    assert found.mask.shape == (160, 240)
    damaged, sound = (found.mask[where].mean() for where in (dusty.frame.visible_mask, ~dusty.frame.any_mask))
    assert damaged > 3 * sound
    assert (found.rgb is None) == (name != MEDIAN)


def test_a_higher_top_hat_level_finds_less(finders, dusty):
    counts = [finders[top_hat_name(level)](dusty, Group.COLOUR).mask.sum() for level in (0.03, 0.12)]
    assert counts[0] > counts[1] > 0
