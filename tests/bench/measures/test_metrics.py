"""What the benches call decibel, harm and worse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.measures.metrics import Answer, Judge, decibel
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky
from filmscand.film.scanner import display_curve


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(smooth_sky(160, 240, 3), KINDS["leaky_slide"], seed=11)


def answer(frame, rgb, mask) -> Answer:
    return Answer(rgb, mask, 0.5)


def test_the_clean_frame_with_the_true_mask_is_perfect(frame):
    score = Judge(frame).score(answer(frame, frame.clean_rgb, frame.any_mask))
    assert (score.recall, score.harmed, score.outside, score.worse) == (1.0, 0.0, 0, False)
    assert math.isinf(score.frame_db)


def test_the_raw_frame_is_neither_worse_nor_harmed_and_finds_nothing(frame):
    score = Judge(frame).score(answer(frame, frame.rgb, np.zeros_like(frame.any_mask)))
    assert (score.f1, score.harmed, score.outside, score.changed, score.worse) == (0.0, 0.0, 0, 0.0, False)
    assert score.defects_db < score.frame_db


def test_a_changed_sound_pixel_outside_the_mask_is_harm_and_makes_the_frame_worse(frame):
    row, col = np.argwhere(~frame.any_mask)[0]
    rgb = frame.rgb.copy()
    rgb[row, col] = 0
    score = Judge(frame).score(answer(frame, rgb, np.zeros_like(frame.any_mask)))
    assert score.harmed == pytest.approx(1 / (~frame.any_mask).sum())
    assert (score.outside, score.worse) == (1, True)


def test_a_change_below_one_percent_of_white_is_no_harm(frame):
    curve = display_curve(frame.recipe.scanner)
    row, col = np.argwhere(~frame.any_mask & (frame.rgb.min(-1) > 20_000))[0]
    rgb = frame.rgb.copy()
    rgb[row, col] += 200
    assert abs(curve[rgb[row, col]] - curve[frame.rgb[row, col]]).max() < 0.01
    assert not Judge(frame).harm(rgb).any()


def test_a_frame_without_damage_is_judged_by_harm_alone():
    clean = simulate_frame(smooth_sky(64, 96, 3), KINDS["spotless"], seed=11)
    judge = Judge(clean)
    score = judge.score(answer(clean, clean.rgb, np.zeros_like(clean.any_mask)))
    assert math.isnan(score.f1) and math.isnan(score.defects_db) and math.isnan(score.frame_db)
    changed = clean.rgb.copy()
    changed[3, 3] //= 2
    assert judge.score(answer(clean, changed, (changed != clean.rgb).any(-1))).worse


def test_an_error_of_a_tenth_is_twenty_decibel():
    assert decibel(np.full((3, 3), 0.01, np.float32)) == pytest.approx(20, abs=1e-4)
    assert math.isnan(decibel(np.empty(0, np.float32)))
