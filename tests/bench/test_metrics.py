"""What the bench calls precision, decibel, harm and worse."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.frames.suite import covering, suite
from bench.measures.metrics import Answer, Judge, decibel, display_curve, precision_and_recall, white_level, widened
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky
from filmscand.film.recipe import Scanner


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(smooth_sky(160, 240, 3), KINDS["leaky_slide"], seed=11)


def answer(frame, rgb, mask) -> Answer:
    return Answer(rgb, mask, 0.5)


def one_pixel(row: int, col: int) -> np.ndarray:
    mask = np.zeros((20, 20), np.bool_)
    mask[row, col] = True
    return mask


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


@pytest.mark.parametrize("row, col, near", [(10, 12, True), (11, 11, True), (12, 12, False), (10, 13, False)], ids=str)
def test_a_mask_counts_within_two_pixels_of_the_truth(row, col, near):
    assert precision_and_recall(one_pixel(row, col), one_pixel(10, 10)) == (float(near), float(near))


def test_an_empty_mask_finds_nothing_and_no_truth_cannot_be_found():
    nothing = np.zeros((5, 5), np.bool_)
    assert precision_and_recall(nothing, one_pixel(2, 2)[:5, :5]) == (0.0, 0.0)
    assert all(math.isnan(share) for share in precision_and_recall(nothing, nothing))


def test_widening_by_two_pixels_takes_a_disc():
    assert widened(one_pixel(10, 10)).sum() == 13


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


def test_an_error_of_a_tenth_is_twenty_decibel():
    assert decibel(np.full((3, 3), 0.01, np.float32)) == pytest.approx(20, abs=1e-4)
    assert math.isnan(decibel(np.empty(0, np.float32)))


def test_the_suite_covers_every_kind_and_changes_picture_and_seed_each_round():
    cases = list(suite(KINDS, rounds=2))
    assert {case.kind for case in cases} == set(KINDS)
    assert len({case.seed for case in cases}) == len(cases) == 2 * len(KINDS)
    slides = [case.picture_name for case in cases if case.kind == "leaky_slide"]
    assert slides[0] != slides[1]


def test_a_small_photograph_is_mirrored_to_cover_the_frame():
    from PIL import Image

    photo = Image.fromarray(np.random.default_rng(1).integers(0, 255, (30, 50, 3), dtype=np.uint8))
    covered = covering(photo, 200, 300)
    assert covered.shape == (200, 300, 3)
