"""What a program makes of a scan."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.coding import as_counts, decoded, display_curve_of, encoded, find_levels, processed, reduced
from bench.third.recipe import Coding, Scan

WEDGE = np.repeat(np.linspace(0.001, 1, 256, dtype=np.float32)[None, :, None], 3, -1).repeat(16, 0)


def test_srgb_is_undone_by_its_inverse():
    assert decoded(encoded(WEDGE)) == pytest.approx(WEDGE, abs=1e-5)


def test_an_inverted_negative_is_brightest_where_the_film_is_densest():
    values = processed(WEDGE, Scan(Coding.INVERTED), find_levels(WEDGE))
    assert values[0, 0].min() > values[0, -1].max()
    assert 0 <= values.min() < 0.1 < 0.9 < values.max() <= 1


def test_sharpening_overshoots_an_edge():
    edge = np.full((20, 40, 3), 0.2, np.float32)
    edge[:, 20:] = 0.6
    plain, sharp = (processed(edge, Scan(Coding.SRGB, sharpened=amount), None) for amount in (0.0, 0.9))
    assert sharp[10, 20, 0] > plain[10, 20, 0] + 0.02
    assert sharp[10, 5] == pytest.approx(plain[10, 5], abs=1e-4)


def test_reducing_makes_a_smaller_picture_with_the_same_mean():
    small = reduced(WEDGE, Scan(reduced=0.5))
    assert small.shape == (8, 128, 3)
    assert small.mean() == pytest.approx(WEDGE.mean(), rel=1e-3)


@pytest.mark.parametrize(("bits", "most"), [(16, 65535), (12, 4095), (8, 65535)])
def test_counts_reach_the_white_of_their_depth(bits, most):
    scan = Scan(bits=bits)
    counts = as_counts(WEDGE, scan)
    assert counts.max() == most
    assert len(np.unique(counts)) <= 2**bits
    assert display_curve_of(scan)[most] == 1


def test_a_jpeg_is_near_its_original_but_not_equal():
    grey = np.random.default_rng(1).uniform(0.3, 0.6, (*WEDGE.shape[:2], 1))
    noise = np.repeat(grey.astype(np.float32), 3, -1)
    plain, jpeg = (as_counts(noise, Scan(bits=8, jpeg_quality=quality)).astype(int) for quality in (0, 88))
    assert 0 < np.abs(plain - jpeg).mean() < 12 * 257


def test_linear_counts_are_shown_with_gamma_and_encoded_ones_as_they_are():
    assert display_curve_of(Scan())[32768] == pytest.approx(0.5 ** (1 / 2.2), abs=1e-3)
    assert display_curve_of(Scan(Coding.SRGB))[32768] == pytest.approx(0.5, abs=1e-3)
