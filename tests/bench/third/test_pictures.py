"""Pictures of the third simulator."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench.third.pictures import scene_pictures
from bench.third.recipe import Scene


@pytest.mark.parametrize("scene", Scene)
def test_every_scene_has_pictures_of_the_wanted_size_that_differ(scene):
    first, second = (make(120, 180) for make in scene_pictures(scene, None)[:2])
    assert first.shape == second.shape == (120, 180, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, second)


def test_a_drawing_is_the_same_each_time():
    make = scene_pictures(Scene.ROAD, None)[0]
    assert np.array_equal(make(100, 150), make(100, 150))


def test_photographs_of_a_folder_are_added(tmp_path):
    Image.new("RGB", (90, 60), (10, 200, 30)).save(tmp_path / "green.png")
    makes = scene_pictures(Scene.PHOTOGRAPHS, tmp_path)
    assert len(makes) == len(scene_pictures(Scene.PHOTOGRAPHS, None)) + 1
    assert tuple(makes[-1](40, 60)[20, 30]) == (10, 200, 30)
