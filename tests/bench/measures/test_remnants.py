"""What is left of a defect, and what is new."""

from __future__ import annotations

import numpy as np
import pytest

from bench.measures.remnants import Remnants, Shown, count_remnants


@pytest.fixture
def truth():
    grain = np.random.default_rng(1).normal(0, 0.01, (60, 80, 3))
    return (0.6 + grain).astype(np.float32)


@pytest.fixture
def labels():
    plane = np.zeros((60, 80), np.int32)
    plane[10:22, 10:22], plane[40, 10:70] = 1, 2
    plane[41, 10:70] = 2
    return plane


@pytest.fixture
def before(truth, labels):
    return np.where(labels[..., None] > 0, np.float32(0.7) * truth, truth)


def count(before, truth, after, labels):
    return count_remnants(Shown(before, truth, after), labels, labels > 0)


def test_defects_left_whole_are_missed(before, truth, labels):
    assert count(before, truth, before, labels) == Remnants(obvious=2, missed=2)


def test_healed_defects_are_neither_missed_nor_half_healed(before, truth, labels):
    other_grain = truth[::-1, ::-1]
    after = np.where(labels[..., None] > 0, other_grain, truth)
    assert count(before, truth, after, labels) == Remnants(obvious=2)


def test_a_defect_of_which_a_third_stays_is_half_healed(before, truth, labels):
    after = truth.copy()
    after[10:22, 10:14] = before[10:22, 10:14]
    assert count(before, truth, after, labels) == Remnants(obvious=2, half=1)


def test_a_defect_that_was_touched_but_keeps_its_error_is_missed(before, truth, labels):
    after = truth + np.float32(0.9) * (before - truth)
    assert count(before, truth, after, labels) == Remnants(obvious=2, missed=2)


def test_a_tenth_that_stays_is_no_remnant(before, truth, labels):
    after = truth + np.float32(0.1) * (before - truth)
    assert count(before, truth, after, labels) == Remnants(obvious=2)


def test_weak_and_tiny_defects_are_not_obvious(truth, labels):
    weak = np.where(labels[..., None] > 0, np.float32(0.99) * truth, truth)
    assert count(weak, truth, weak, labels) == Remnants()
    tiny = np.zeros_like(labels)
    tiny[30, 30:33] = 1
    dark = np.where(tiny[..., None] > 0, np.float32(0.5) * truth, truth)
    assert count(dark, truth, dark, tiny) == Remnants()


def test_a_bright_defect_counts_as_a_dark_one(truth, labels):
    bright = np.where(labels[..., None] > 0, np.float32(1.3) * truth, truth)
    assert count(bright, truth, bright, labels) == Remnants(obvious=2, missed=2)


def test_a_new_blob_away_from_defects_is_one_blemish(before, truth, labels):
    after = truth.copy()
    after[30:35, 50:55] += 0.1
    assert count(before, truth, after, labels) == Remnants(obvious=2, blemishes=1)
    near = truth.copy()
    near[10:22, 22:24] += 0.1
    assert count(before, truth, near, labels) == Remnants(obvious=2)


def test_counts_add_up():
    assert Remnants(1, 2, 3, 4) + Remnants(10, 20, 30, 40) == Remnants(11, 22, 33, 44)
