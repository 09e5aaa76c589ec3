"""A mask agrees with the truth within two pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.mask_agreement import harmonic_mean, precision_and_recall, widened

SHARES = st.floats(0, 1)


def one_pixel(row: int, col: int) -> np.ndarray:
    mask = np.zeros((20, 20), np.bool_)
    mask[row, col] = True
    return mask


@pytest.mark.parametrize("row, col, near", [(10, 12, True), (11, 11, True), (12, 12, False), (10, 13, False)], ids=str)
def test_a_mask_counts_within_two_pixels_of_the_truth(row, col, near):
    assert precision_and_recall(one_pixel(row, col), one_pixel(10, 10)) == (float(near), float(near))


def test_an_empty_mask_finds_nothing_and_no_truth_cannot_be_found():
    nothing = np.zeros((5, 5), np.bool_)
    assert precision_and_recall(nothing, one_pixel(2, 2)[:5, :5]) == (0.0, 0.0)
    assert all(math.isnan(share) for share in precision_and_recall(nothing, nothing))


def test_widening_by_two_pixels_takes_a_disc():
    assert widened(one_pixel(10, 10)).sum() == 13


@given(SHARES, SHARES)
def test_a_harmonic_mean_lies_between_both_shares(first, second):
    mean = harmonic_mean(first, second)
    assert min(first, second) - 1e-9 <= mean <= max(first, second) + 1e-9
    assert harmonic_mean(second, first) == mean


def test_a_harmonic_mean_is_zero_of_nothing_and_unknown_of_the_unknown():
    assert harmonic_mean(0.0, 0.0) == 0.0
    assert math.isnan(harmonic_mean(math.nan, 0.5))
