"""Light becomes counts of the scanner's depth, black level and encoding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.frame import Scanner, simulate_frame
from filmscand.film.kinds import KINDS

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
