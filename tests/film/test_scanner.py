"""Light becomes counts of the scanner's depth, black level and encoding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.frame import Scanner, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.scanner import Sensor, display_curve, noise_stream, read_out, white_level

ROWS, COLS = 160, 240


@pytest.fixture(scope="module")
def picture():
    return pictures.landscape(ROWS, COLS, 1)


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


LIGHT = np.random.default_rng(1).uniform(0.2, 0.8, (30, 40)).astype(np.float32)


def read(damaged, recipe=None):
    noise = noise_stream(3, "infrared")
    return read_out(damaged.copy(), LIGHT.copy(), Sensor(30_000.0, 0.0006), recipe or Scanner(), noise)


def test_untouched_pixels_have_the_same_counts_in_both_planes():
    damaged = LIGHT.copy()
    damaged[5:10] *= 0.5
    pair = read(damaged)
    assert np.array_equal(np.flatnonzero(pair.touched.any(1)), np.arange(5, 10))
    assert np.array_equal(pair.damaged[~pair.touched], pair.clean[~pair.touched])
    assert (pair.damaged[pair.touched] < pair.clean[pair.touched]).all()


@pytest.mark.parametrize(
    ("factor", "touched", "visible"), [(0.9999, False, False), (0.98, True, False), (0.9, True, True)]
)
def test_a_change_is_visible_from_3_percent_on_and_counts_from_a_tenth_of_the_noise_on(factor, touched, visible):
    pair = read(LIGHT * np.float32(factor))
    assert (pair.touched.all(), pair.visible.all()) == (touched, visible)


def test_noise_grows_with_the_root_of_the_light():
    light = np.full((200, 200), 0.5, np.float32)
    pair = read_out(light.copy(), light, Sensor(10_000.0, 0.0), Scanner(black_level=0.0), noise_stream(1, "x"))
    assert pair.clean.std() / 65535 == pytest.approx(np.sqrt(0.5 / 10_000), rel=0.03)


@pytest.mark.parametrize(
    "scanner, count, shown",
    [
        (Scanner(), 65535, 1.0),
        (Scanner(), 32768, 0.5 ** (1 / 2.2)),
        (Scanner(gamma=2.2), 32768, 0.5),
        (Scanner(bits=14, fill_sixteen_bits=False), 16383, 1.0),
        (Scanner(bits=14), 65532, 1.0),
    ],
    ids=["white", "linear", "encoded", "fourteen_bits", "shifted"],
)
def test_counts_become_display_values(scanner, count, shown):
    assert display_curve(scanner)[count] == pytest.approx(shown, abs=1e-4)


def test_white_of_unshifted_counts_is_the_converters():
    assert white_level(replace(Scanner(), bits=12, fill_sixteen_bits=False)) == 4095
