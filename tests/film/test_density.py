"""A picture becomes density, with grain, on slides and negatives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.density import PictureError, add_grain, dye_densities, linear_picture
from filmscand.film.frame import FilmStock, FrameRecipe, Scanner, simulate_frame
from filmscand.film.kinds import KINDS

ROWS, COLS = 160, 240


@pytest.fixture(scope="module")
def picture():
    return pictures.landscape(ROWS, COLS, 1)


def test_slides_show_the_picture_and_negatives_its_reverse(picture):
    slide = simulate_frame(picture, KINDS["spotless"], seed=2).rgb[..., 1].ravel()
    negative = simulate_frame(picture, KINDS["negative"], seed=2).clean_rgb[..., 1].ravel()
    light = picture[..., 1].ravel()
    assert np.corrcoef(slide, light)[0, 1] > 0.97
    assert np.corrcoef(negative, light)[0, 1] < -0.7


def test_a_negatives_clear_base_is_orange_in_an_unweighted_scan(picture):
    recipe = replace(KINDS["unexposed"], scanner=Scanner(exposure_rgb=(1.0, 1.0, 1.0)))
    red, green, blue = simulate_frame(picture, recipe, seed=2).clean_rgb.mean((0, 1))
    assert red > 1.5 * green > 2 * blue


def test_grain_is_stronger_where_the_film_is_denser():
    picture = np.full((ROWS, COLS, 3), 0.7, np.float32)
    picture[:, COLS // 2 :] = 0.05
    recipe = replace(KINDS["spotless"], stock=FilmStock(grain_density=0.05))
    counts = simulate_frame(picture, recipe, seed=2).clean_rgb[..., 1].astype(np.float64)
    left, right = counts[:, : COLS // 2 - 8], counts[:, COLS // 2 + 8 :]
    assert right.std() / right.mean() > 1.5 * left.std() / left.mean()


def test_uint8_and_uint16_are_display_values_and_floats_linear():
    grey = np.full((32, 32, 3), 188, np.uint8)
    frames = [
        simulate_frame(picture, KINDS["spotless"], seed=1).rgb.mean()
        for picture in (grey, grey.astype(np.uint16) * 257, np.full((32, 32, 3), 0.503, np.float32))
    ]
    assert frames[1] == pytest.approx(frames[0], rel=1e-3)
    assert frames[2] == pytest.approx(frames[0], rel=5e-3)


@pytest.mark.parametrize(
    "unfit", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3), np.int64)]
)
def test_what_is_no_picture_is_refused_with_what_was_found(unfit):
    with pytest.raises(PictureError, match=r"expected .* found"):
        simulate_frame(unfit, FrameRecipe(), seed=1)


@pytest.mark.parametrize("exposure_stops", [0.0, 1.5, 3.0])
def test_overexposed_film_without_grain_is_clear_and_never_below_its_base(exposure_stops):
    stock = FilmStock(grain_density=0.0, exposure_stops=exposure_stops)
    densities = dye_densities(np.ones((4, 5, 3), np.float32), stock, seed=1)
    assert densities.shape == (3, 4, 5)
    assert 0.0 <= densities.min() <= densities.max() < 0.01


def test_silver_film_has_one_image_in_all_channels(picture):
    red, green, blue = dye_densities(linear_picture(picture), FilmStock(monochrome=True), seed=1)
    assert np.array_equal(red, green)
    assert np.array_equal(red, blue)


def test_layers_of_one_name_get_the_same_grain_and_others_another():
    layers = [np.full((20, 20), 1.0, np.float32) for _ in range(3)]
    for layer, name in zip(layers, ("dye 0", "dye 0", "dye 1"), strict=True):
        add_grain(layer, FilmStock(), 1, name)
    assert np.array_equal(layers[0], layers[1])
    assert not np.array_equal(layers[0], layers[2])
