"""The sums that absorption is fitted on, and the corrected density, against plain computations of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.slopes import DefectSample
from filmscand.ir.healing.absorption import DEEPEST
from support import ir_twins as twins


@st.composite
def regions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    areas = rng.integers(1, 12, draw(st.integers(1, 7)))
    starts = np.concatenate([[0], np.cumsum(areas)]).astype(np.int64)
    planes = [rng.uniform(low, high, (starts[-1], 3)) for low, high in ((-0.1, 5), (-1, 3), (1e-3, 0.5))]
    return rng, DefectSample(starts, *(plane.astype(np.float32) for plane in planes), np.zeros((len(areas), 8)))


@st.composite
def optics(draw):
    """Stray light, sharpness at two scales, gain, and the deepest density."""
    sharpness = draw(st.sampled_from([(0.0, 0.0), (0.4, 0.0), (0.3, 1.5)]))
    return draw(st.floats(0, 0.08)), sharpness, draw(st.floats(1, 5)), DEEPEST


@settings(max_examples=20, deadline=None)
@given(regions(), st.floats(0, 3), optics())
def test_the_shape_of_a_defect_is_its_density_without_noise_and_stray_light_and_with_its_detail(drawn, noise, seen):
    _, sample = drawn
    shape, lift = np.empty(len(sample.density), np.float32), np.empty(len(sample.areas))
    stray, sharpness, gain, _ = seen
    constants = (np.float32(stray), np.array(sharpness, np.float32), np.float32(gain), np.float32(np.exp(-DEEPEST)))
    kernels.shape_pixels(sample.starts, sample.density, noise, *constants, shape, lift)
    expected, expected_lift = twins.shape(sample.starts, sample.density.astype(float), noise, seen)
    # Near the depth at which nothing comes through, single precision has few digits left.
    np.testing.assert_allclose(shape, expected, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(lift, expected_lift, rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(regions(), st.floats(0.05, 0.3))
def test_sums_over_regions_are_those_of_the_whole_planes_cut_by_region(drawn, usual_misfit):
    rng, sample = drawn
    count = len(sample.areas)
    shape = rng.uniform(0, 3, len(sample.density)).astype(np.float32)
    exponents = rng.uniform(-1, 3, (count, 3))
    parts = (sample.starts, shape, sample.ratio, sample.variance)
    left_out = rng.random(len(shape)) < 0.2
    slopes, checks = np.empty((count, 7)), np.empty((count, 3))
    kernels.sum_slopes(*parts, left_out, usual_misfit, slopes)
    kernels.sum_checks(*parts, left_out, exponents, checks)
    exact = (sample.starts, *(plane.astype(float) for plane in parts[1:]), ~left_out)
    np.testing.assert_allclose(slopes, twins.slope_sums(*exact, usual_misfit), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(checks, twins.check_sums(*exact, exponents), rtol=1e-4, atol=1e-4)
