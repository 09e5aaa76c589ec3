"""A scanner's own tints are told from dust, however much dust there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision._tint_kernels import TERMS
from filmscand.ir.decision.scanner_tints import fit_scanner_tints

NOISE = 1e-3
SCALES = np.array([0.3, 0.05, *[0.05] * 6, 0.003])


def film(rng, coefficients, squares=20_000):
    """Squares of a picture that is flat at most places, as a scanner with these coefficients draws it."""
    terms = rng.standard_t(2, (squares, TERMS)) * SCALES
    terms[rng.uniform(size=squares) < 0.5, 1:] *= 0.02
    return np.concatenate([terms @ coefficients.T + rng.normal(0, NOISE, (squares, 2)), terms], axis=1).astype(
        np.float32
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_scanners_tints_are_found_in_spite_of_dust(seed):
    rng = np.random.default_rng(seed)
    coefficients = rng.uniform(-1, 1, (2, TERMS)) * np.array([0.05, 0.1, *[0.3] * 6, 0.2])
    found = film(rng, coefficients)
    dusty = rng.uniform(size=len(found)) < 0.05
    found[dusty, :2] += rng.normal(0.02, 0.05, (dusty.sum(), 2)).astype(np.float32)
    error = (fit_scanner_tints(found) - coefficients) * SCALES
    assert np.abs(error).max() < NOISE / 4


def test_on_blank_film_all_coefficients_are_zero():
    rng = np.random.default_rng(1)
    found = film(rng, np.zeros((2, TERMS)))
    found[:, 2:] *= 1e-4
    assert np.abs(found[:, 2:] @ fit_scanner_tints(found).T).mean() < NOISE / 100
    assert not fit_scanner_tints(np.zeros((500, 2 + TERMS), np.float32)).any()


@pytest.mark.parametrize("squares", [300, 400_000])
def test_few_and_many_squares_give_the_same_coefficients(squares):
    coefficients = np.zeros((2, TERMS))
    coefficients[:, 2] = 0.15, -0.15
    fitted = fit_scanner_tints(film(np.random.default_rng(2), coefficients, squares))
    assert fitted == pytest.approx(coefficients, abs=0.02 if squares < 1000 else 2e-3)
