from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_frames import compiled

from ir.detection import connected_regions, find_defects
from ir.fusion import (
    STRENGTHS,
    TYPICAL,
    agreed,
    fuse,
    infrared_evidence,
    infrared_strength,
    log_odds,
)
from ir.noise import Base, Noise
from ir.residual import Residual

SHAPE = (200, 300)
LEVELS = len(STRENGTHS) + 1


def planes(rng, agreement):
    """A detector's probabilities, and strengths of an infrared that sees a share of its defects and a few others."""
    probability = rng.integers(0, 12, SHAPE).astype(np.uint8)
    strength = np.where(rng.random(SHAPE) < 0.05, rng.integers(1, 4, SHAPE), 0).astype(np.uint8)
    defects = np.zeros(SHAPE, np.bool_)
    defects[20:180:20, 20:280:10] = True
    defects |= np.roll(defects, 1, 0) | np.roll(defects, 1, 1)
    probability[defects] = rng.integers(80, 255, defects.sum())
    seen = defects & (rng.random(SHAPE) < agreement)
    strength[seen] = rng.integers(5, LEVELS, seen.sum())
    return probability, strength, defects


def test_what_both_doubt_is_sure_together_where_infrared_agrees_with_the_detector_on_this_frame():
    probability, strength, _ = planes(np.random.default_rng(1), 0.9)
    probability[100:104, 5:9], strength[100:104, 5:9] = 100, 7
    probability[150:154, 5:9], strength[150:154, 5:9] = 100, 0
    fused = fuse(probability, strength)
    assert fused[101, 6] > 200
    assert fused[151, 6] < 60


def test_an_infrared_that_shows_the_picture_everywhere_says_little():
    rng = np.random.default_rng(2)
    probability, _, _ = planes(rng, 0.0)
    strength = rng.choice(LEVELS, SHAPE, p=np.array(TYPICAL) / sum(TYPICAL)).astype(np.uint8)
    assert np.abs(infrared_evidence(strength)).max() < 0.3
    assert np.abs(fuse(probability, strength).astype(int) - probability).max() < 24


def leaking(shape, deepest_px):
    """Strengths of an infrared that shows the picture as often as defects, but for the deepest."""
    shares = np.array(TYPICAL[:-1]) / sum(TYPICAL[:-1])
    strength = np.random.default_rng(6).choice(LEVELS - 1, shape, p=shares).astype(np.uint8)
    strength.ravel()[:deepest_px] = LEVELS - 1
    return strength


def test_a_strength_counts_for_a_defect_by_how_much_more_often_defects_show_it_once_and_a_half():
    assert infrared_evidence(leaking(SHAPE, 900))[-1] == pytest.approx(1.5 * np.log(TYPICAL[-1] / 0.015), abs=0.05)
    assert infrared_evidence(leaking(SHAPE, 0))[-1] == 6
    silent = np.zeros(SHAPE, np.uint8)
    assert infrared_evidence(silent)[0] == pytest.approx(1.5 * np.log(TYPICAL[0]), abs=0.01)


def test_a_strength_that_ten_pixels_show_is_believed_by_half():
    found = infrared_evidence(leaking((40, 50), 10))[-1]
    assert found == pytest.approx(1.5 * np.log(TYPICAL[-1] / (20 / 2090)), abs=0.01)


def kept(areas_px, against):
    """Which regions stay that the detector denies so many times as strongly as each pixel of the infrared affirms."""
    strength = np.random.default_rng(5).choice(LEVELS, SHAPE, p=np.array(TYPICAL) / sum(TYPICAL)).astype(np.uint8)
    strength[strength == 6] = np.where(np.arange((strength == 6).sum()) % 3 > 0, 5, 6)
    mask = np.zeros(SHAPE, np.uint8)
    for index, area in enumerate(areas_px):
        mask[20 + 10 * index, :area] = 2
    strength[mask > 0] = 6
    evidence = infrared_evidence(strength)[6]
    probability = np.full(SHAPE, round(255 / (1 + np.exp(against * evidence))), np.uint8)
    regions = agreed(connected_regions(mask), probability, strength)
    return np.diff(regions.starts).tolist()


def test_ten_neighbours_have_one_voice():
    assert kept([12, 20, 40], against=1.5) == [20, 40]


def test_no_region_has_more_than_four_voices():
    assert kept([20, 60], against=3) == [60]
    assert kept([60, 100], against=6) == []


def test_a_region_is_kept_where_all_of_its_pixels_together_speak_for_it():
    probability, strength, defects = planes(np.random.default_rng(3), 1.0)
    probability[defects], strength[defects] = 160, 0
    strength[20:22, 20:22] = 6
    # A dozen pixels of the detector's alone, of both, and of the infrared's alone.
    spots = [np.s_[5:8, 100:104], np.s_[5:8, 120:124], np.s_[5:8, 140:144]]
    for spot, levels in zip(spots, [(180, 0), (180, 6), (60, 8)], strict=True):
        probability[spot], strength[spot] = levels
    mask = np.zeros(SHAPE, np.uint8)
    for spot in spots:
        mask[spot] = 2
    regions = agreed(connected_regions(mask), probability, strength)
    assert sorted(set(regions.cols)) == [*range(120, 124), *range(140, 144)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_evidence_rises_with_strength_within_its_bounds_and_more_of_either_never_makes_a_defect_less_likely(
    seed, agreement
):
    probability, strength, _ = planes(np.random.default_rng(seed), agreement)
    evidence = infrared_evidence(strength)
    assert evidence.shape == (LEVELS,)
    assert (np.diff(evidence) >= 0).all()
    assert 1.5 * np.log(TYPICAL[0]) <= evidence[0] <= evidence[-1] <= 6
    probability[0], strength[0] = 100, np.arange(SHAPE[1]) % LEVELS
    probability[1], strength[1] = np.minimum(np.arange(SHAPE[1]), 255), 3
    fused = fuse(probability, strength)
    assert (np.diff(fused[0, :LEVELS].astype(int)) >= 0).all()
    assert (np.diff(fused[1, :256].astype(int)) >= 0).all()


def test_log_odds_are_those_of_the_probability_and_finite_at_its_ends():
    assert log_odds(np.array([51]))[0] == pytest.approx(np.log(0.2 / 0.8))
    assert np.isfinite(log_odds(np.array([0, 255]))).all()


@compiled
def test_strength_tells_how_many_thresholds_a_pixel_passes():
    rng = np.random.default_rng(4)
    values = np.rint(rng.normal(0, 20, SHAPE)).astype(np.int16)
    for index, depth in enumerate((0.02, 0.06, 0.12, 0.35)):
        values[50:70, 30 + 60 * index : 50 + 60 * index] -= np.int16(depth * 4096)
    holder = np.zeros((25, 38), np.bool_)
    residual = Residual(values, np.zeros(SHAPE, np.uint8))
    flat = np.zeros((-(-SHAPE[0] // 16), -(-SHAPE[1] // 16)), np.float32)
    # Of the base only its level counts here.
    base = Base(**{each.name: flat for each in fields(Base)} | {"block_px": 16})
    noise = Noise(*(np.ones((2, n), np.float32) for n in (16, 16, 2)), np.ones_like(flat))
    limits = np.full((3, 16), 0.1, np.float32)
    strength = infrared_strength(residual, base, noise, limits, holder)
    assert [strength[60, 40 + 60 * index] for index in range(4)] == [0, 3, 5, 8]
    assert not strength[:40].any()
    seeds = find_defects(residual, base, noise, limits, holder)
    assert (strength[seeds.rows, seeds.cols] >= 5).all()
