from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.film import pictures
from filmscand.film.density import PictureError
from filmscand.film.frame import FilmStock, FrameRecipe, Mount, MountStyle, Scanner, simulate_frame
from filmscand.film.kinds import KINDS

ROWS, COLS = 160, 240
ASKED_FOR = [
    "clear_slide",
    "leaky_slide",
    "strong_leak",
    "curved_leak",
    "bright_slide",
    "dark_slide",
    "negative",
    "negative_dense",
    "mounted",
    "mounted_turned",
    "sprocket_holder",
    "weak_infrared",
    "two_pass_shift",
    "two_pass_drift",
    "scale_error",
    "infrared_blur",
    "uneven_lamp",
    "regional_leak",
    "faint_dust",
    "heavy_dirt",
    "long_hairs",
    "scratches",
    "stripped_scratches",
    "infrared_only_dust",
    "fingerprint",
    "clipped_infrared",
    "twelve_bit",
    "fourteen_bit_unshifted",
    "eight_bit",
    "gamma_encoded",
    "black_level",
    "kodachrome",
    "silver",
    "spotless",
    "unexposed",
    "fully_dark",
]


@pytest.fixture(scope="module")
def picture():
    return pictures.landscape(ROWS, COLS, 1)


def assert_untouched_pixels_are_equal(frame):
    untouched = ~frame.any_mask
    assert np.array_equal(frame.rgb[untouched], frame.clean_rgb[untouched])
    assert np.array_equal(frame.infrared[untouched], frame.clean_infrared[untouched])


def test_every_kind_asked_for_is_there():
    assert set(ASKED_FOR) <= set(KINDS)


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
    finally:
        numba.set_num_threads(before)
    together = simulate_frame(picture, KINDS["two_pass_drift"], seed=3)
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


@pytest.mark.parametrize(("name", "step", "top"), [("twelve_bit", 16, 65520), ("eight_bit", 256, 65280)])
def test_shallow_converters_fill_sixteen_bits_in_coarse_steps(name, step, top, picture):
    frame = simulate_frame(picture, KINDS[name], seed=2)
    assert not (frame.rgb % step).any() and not (frame.infrared % step).any()
    assert frame.rgb.max() <= top


def test_unshifted_fourteen_bits_stay_under_16384(picture):
    frame = simulate_frame(picture, KINDS["fourteen_bit_unshifted"], seed=2)
    assert 1000 < frame.infrared.max() < 16384
    assert frame.rgb.max() < 16384


def test_gamma_encoding_is_undone_by_its_power(picture):
    recipe = KINDS["gamma_encoded"]
    encoded = simulate_frame(picture, recipe, seed=2).clean_rgb / 65535.0
    linear = simulate_frame(picture, replace(recipe, scanner=Scanner()), seed=2).clean_rgb / 65535.0
    assert np.allclose(encoded**2.2, linear, atol=1e-4)


def test_black_level_lifts_a_fully_dark_frame_by_its_share(picture):
    recipe = replace(KINDS["fully_dark"], scanner=Scanner(black_level=0.02))
    assert np.median(simulate_frame(picture, recipe, seed=2).rgb) == pytest.approx(0.02 * 65535, rel=0.1)


@pytest.mark.parametrize("name", ["mounted", "mounted_turned", "sprocket_holder"])
def test_a_holder_is_dark_in_both_planes_but_for_stray_light(name, picture):
    frame = simulate_frame(picture, KINDS[name], seed=2)
    opaque = np.zeros((ROWS, COLS), np.bool_)
    opaque[:3, :30] = opaque[-3:, -30:] = True
    assert frame.holder_mask[opaque].all() and 0.02 < frame.holder_mask.mean() < 0.4
    assert frame.rgb[opaque].max() < 0.02 * 65535
    assert 0.02 * 65535 < frame.infrared[opaque].mean() < 0.08 * 65535


def test_a_turned_mounts_edge_runs_askew(picture):
    straight = simulate_frame(picture, replace(KINDS["mounted"], mount=Mount(MountStyle.SLIDE)), seed=2)
    turned = simulate_frame(picture, KINDS["mounted_turned"], seed=2)
    assert straight.holder_mask[10, COLS // 3] == straight.holder_mask[10, -COLS // 3]
    left, right = (turned.holder_mask[: ROWS // 2, col].sum() for col in (COLS // 4, -COLS // 4))
    assert abs(int(left) - int(right)) >= 2


def test_sprocket_holes_are_brighter_than_clear_film_in_both_planes(picture):
    frame = simulate_frame(picture, KINDS["sprocket_holder"], seed=2)
    rows = slice(ROWS // 8, ROWS // 6)
    holes = frame.clean_rgb[rows, :, 2].min(0) > 60000
    film = ~frame.holder_mask[rows].any(0)
    assert holes.sum() > 10 and film.sum() > 10
    assert frame.clean_infrared[rows][:, holes].mean() > 1.02 * frame.clean_infrared[rows][:, film].mean()


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


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_procedural_pictures_are_linear_light_and_repeat_themselves(name):
    draw = pictures.PICTURES[name]
    picture = draw(90, 130, 4)
    assert picture.shape == (90, 130, 3) and picture.dtype == np.float32
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.01
    assert np.array_equal(picture, draw(90, 130, 4))
