from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.registration.whole_planes import detail, highest_peak, reduced, reduction, spread, surface


def test_a_plane_is_reduced_to_means_of_blocks_of_all_colours():
    plane = np.random.default_rng(1).integers(0, 65535, (11, 16, 3)).astype(np.uint16)
    means = plane[:9, :15].reshape(3, 3, 5, 3, 3).mean(axis=(1, 3, 4))
    assert reduced(plane, 3) == pytest.approx(means, rel=1e-6)


@pytest.mark.parametrize(("shape", "step"), [((700, 1000, 3), 1), ((1025, 100), 2), ((4000, 6000), 6)])
def test_planes_are_reduced_to_1024_pixels(shape, step):
    assert reduction(shape) == step


def test_detail_is_what_blurring_removes_in_nepers():
    light = np.full((60, 60), 20_000, np.float32)
    light[30, 30] *= np.exp(-0.2)
    values = detail(light)
    assert values[30, 30] == pytest.approx(-0.2, abs=0.01)
    assert abs(values[5, 5]) < 1e-4
    assert spread(values) == pytest.approx(0.001)


def test_the_correlation_equals_the_sum_of_products_at_each_shift():
    first, second = np.random.default_rng(2).standard_normal((2, 50, 70)).astype(np.float32)
    heights = surface(first, second, whitened=False)
    assert heights.shape == (11, 15)
    for row, col in ((0, 0), (3, -2), (-5, 7)):
        cut = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip((row, col), first.shape, strict=True))
        back = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip((row, col), first.shape, strict=True))
        assert heights[5 + row, 7 + col] == pytest.approx((first[cut] * second[back]).sum(), abs=1e-2)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_peak_has_the_shift_and_the_sign_of_the_shared_detail(sign):
    shared, own = 0.05 * np.random.default_rng(4).standard_normal((2, 200, 300)).astype(np.float32)
    moved, peak = highest_peak(shared, np.roll(sign * shared + own, (4, -9), (0, 1)))
    assert moved == (-4, 9)
    assert sign * peak > 40


def test_planes_that_share_nothing_have_no_high_peak():
    first, second = 0.05 * np.random.default_rng(5).standard_normal((2, 200, 300)).astype(np.float32)
    assert abs(highest_peak(first, second)[1]) < 6
