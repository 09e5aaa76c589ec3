"""What lies in the scanner passes light through film and holes, and blocks the rest."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.developed import DevelopedFilm
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import FrameRecipe

SHAPE = (2, 3)


def film_in(mount):
    return DevelopedFilm(np.zeros((3, *SHAPE), np.float32), (), mount, FrameRecipe(), seed=1)


def test_the_shape_is_that_of_its_channels():
    assert film_in(None).shape == SHAPE


def test_without_a_mount_the_light_is_that_behind_the_film():
    light = np.full(SHAPE, 0.3, np.float32)
    assert film_in(None).through_mount(light) is light


def test_film_dims_the_light_holes_pass_it_and_the_holder_blocks_it():
    film = np.array([[1, 0.5, 0], [0, 0, 0]], np.float32)
    bare = np.array([[0, 0, 0], [1, 0.5, 0]], np.float32)
    mount = MountPlanes(film, bare, np.ones(SHAPE, np.bool_))
    passed = film_in(mount).through_mount(np.full(SHAPE, 0.2, np.float32))
    assert passed == pytest.approx(np.array([[0.2, 0.1, 0], [1, 0.5, 0]]))
