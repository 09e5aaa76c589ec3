from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.leakage.levels import LEVELS, level_steps, with_levels
from filmscand.ir.leakage.model import no_leakage
from support.ir_frames import base_of

SHAPE = (60, 90)
TABLE = np.linspace(-6, 0, 65536, dtype=np.float32)


def black_corner(part=0.3, dark=-4.0):
    """Natural logs of red of the blocks: about -1, and dark in the first part of the columns."""
    rng = np.random.default_rng(1)
    red = np.clip(-1 + 0.1 * ndimage.gaussian_filter(rng.standard_normal(SHAPE), 2), -1.4, -0.6)
    red[:, : round(part * SHAPE[1])] = dark
    return red.astype(np.float32)


def base_with(red, medians):
    rng = np.random.default_rng(2)
    base = base_of(np.zeros(red.shape), 16)
    noisy = (medians + 0.001 * rng.standard_normal(red.shape)).astype(np.float32)
    return replace(base, medians=noisy, red_logs=red.astype(np.float32))


def step_taken(red, medians, **changes):
    """Rise of the correction from log of red -4 to -1; None where the leakage is not corrected."""
    found = with_levels(no_leakage(), replace(base_with(red, medians), **changes), TABLE)
    if found is None:
        return None
    dark, bright = found.tables[0][np.searchsorted(TABLE, [-4.0, -1.0])]
    return float(bright - dark)


def test_the_step_between_a_black_corner_and_the_picture_corrects_the_leakage():
    red = black_corner()
    assert step_taken(red, np.where(red < -3, -0.05, 0.0)) == pytest.approx(0.05, rel=0.2)
    assert step_taken(red, np.where(red < -3, 0.05, 0.0)) == pytest.approx(-0.05, rel=0.2)


@pytest.mark.parametrize(("step", "worth"), [(0.008, False), (0.018, True)])
def test_a_step_below_the_noise_of_detection_corrects_nothing(step, worth):
    red = black_corner()
    assert (step_taken(red, np.where(red < -3, -step, 0.0)) is not None) == worth


@pytest.mark.parametrize(("contrast", "compared"), [(0.18, False), (0.4, True)])
def test_a_picture_of_one_level_has_no_steps(contrast, compared):
    red = np.full(SHAPE, -1.0)
    red[:, :27] -= contrast
    found = with_levels(no_leakage(), base_with(red, np.where(red < -1, -0.016, 0.0)), TABLE)
    assert (found is not None) == compared


def test_frames_without_film_have_no_steps():
    red = black_corner()
    assert step_taken(red, np.where(red < -3, -0.05, 0.0), film=np.zeros(SHAPE, np.bool_)) is None


def test_the_holder_is_no_level_of_the_picture():
    red = black_corner()
    assert step_taken(red, np.where(red < -3, -2.0, 0.0), dark=red < -3) is None


@pytest.mark.parametrize(("dirt_blocks", "known"), [(14, False), (36, True)])
def test_levels_of_few_blocks_are_not_compared(dirt_blocks, known):
    red = np.full(SHAPE, -1.0)
    places = np.random.default_rng(3).permutation(np.arange(0, red.size, 7))[:dirt_blocks]
    red.ravel()[places] = -3.0
    found = with_levels(no_leakage(), base_with(red, np.where(red < -2, -0.1, 0.0)), TABLE)
    assert (found is not None) == known


def bins_of(red):
    low, high = red.min(), red.max()
    return np.clip(((red - low) / (high - low) * LEVELS).astype(int), 0, LEVELS - 1)


def steps_of(red, medians, film=None):
    film = np.ones(red.shape, np.bool_) if film is None else film
    return level_steps(medians.astype(np.float32), red.astype(np.float32), bins_of(red), film)


def test_most_pairs_of_blocks_decide_and_not_the_largest_steps():
    red = black_corner()
    medians = np.where(red < -3, -0.03, 0.0)
    medians[:18, : SHAPE[1] // 2] -= 1.0
    steps = steps_of(red, medians)
    assert steps[-1] - steps[0] == pytest.approx(0.03, abs=0.004)


@pytest.mark.parametrize(("dust_density", "taken"), [(0.35, False), (0.15, True)], ids=["dust", "an object"])
def test_a_dark_figure_that_blocks_as_much_infrared_as_dust_does_is_no_level(dust_density, taken):
    red = black_corner(dark=-4.0)
    assert (step_taken(red, np.where(red < -3, -dust_density, 0.0)) is not None) == taken


def test_few_pairs_of_blocks_lower_the_step():
    def found_part(rows):
        red = np.full((rows, 40), -1.0)
        red[:, :20] = -4.0
        steps = steps_of(red, np.where(red < -3, -0.05, 0.0))
        return (steps[-1] - steps[0]) / 0.05

    # A block is compared with the third one after it: each row has three pairs across the rim.
    assert found_part(5) == pytest.approx(0.83, abs=0.04)
    assert found_part(30) > 0.95


@pytest.mark.parametrize(("rim_blocks", "step"), [(1, 0.05), (2, 0.05), (5, 0.0)])
def test_the_rim_of_a_figure_is_left_out_of_the_comparison(rim_blocks, step):
    red = np.full(SHAPE, -1.0)
    red[:, :40] = -4.0
    medians = np.where(red < -3, -0.05, 0.0)
    # Half-light at the rim of the figure: it belongs to neither level.
    red[:, 40 : 40 + rim_blocks] = -2.5
    medians[:, 40 : 40 + rim_blocks] = 0.4
    film = red != -2.5
    steps = steps_of(red, medians, film)
    assert steps[-1] - steps[0] == pytest.approx(step, abs=0.008)
