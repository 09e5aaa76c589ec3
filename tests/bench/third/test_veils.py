"""Fingerprints, mould and haze."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.veils import fingerprint, haze, mould, smooth_noise

SHAPE = (400, 500)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_a_fingerprint_alternates_between_ridges_and_furrows(rng):
    coverage = fingerprint(rng, SHAPE).coverage
    middle = coverage[coverage.shape[0] // 4 : 3 * coverage.shape[0] // 4, coverage.shape[1] // 3]
    assert 0 <= coverage.min() < 0.05 < 0.6 < coverage.max() <= 1
    assert (np.diff(np.sign(middle - 0.3)) != 0).sum() >= 6


def test_mould_is_thin_threads_around_a_spot(rng):
    coverage = mould(rng, SHAPE).coverage
    assert 0.005 < (coverage > 0.3).mean() < 0.5


def test_haze_has_no_edge(rng):
    coverage = haze(rng, SHAPE).coverage
    assert coverage.max() > 0.5
    assert np.abs(np.diff(coverage, axis=0)).max() < 0.1
    assert coverage[0].max() < 0.05


def test_smooth_noise_is_normal_and_smooth(rng):
    values = smooth_noise(rng, SHAPE, 20)
    assert values.mean() == pytest.approx(0, abs=1e-3)
    assert values.std() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(values)).max() < 0.6
