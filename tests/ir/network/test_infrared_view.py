from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.leakage._residual_kernels import CLIPPED
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.noise import Noise
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.methods.measure import view_infrared
from filmscand.ir.network.infrared_view import VIEW_LIMIT, InfraredView
from support import ir_twins
from support.ir_frames import compiled, simulated

BLOCK_PX = 16


def any_view(seed, shape=(70, 90)):
    """A view of noise: some of it clipped, some of it the holder's, with a base and a noise that vary."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-3000, 800, shape).astype(np.int16)
    grades = rng.integers(0, 16, shape).astype(np.uint8)
    grades[rng.random(shape) < 0.05] |= CLIPPED
    grid = tuple(-(-length // BLOCK_PX) for length in shape)
    flat = np.zeros(grid, np.float32)
    level = rng.normal(0, 0.1, grid).astype(np.float32)
    base = Base(**{each.name: flat for each in fields(Base)} | {"block_px": BLOCK_PX, "level": level})
    deviation = rng.uniform(0.002, 0.05, (2, 16)).astype(np.float32)
    factor = rng.uniform(0.6, 4, grid).astype(np.float32)
    nothing = np.zeros((2, 16), np.float32)
    holder = rng.random(tuple(-(-length // 8) for length in shape)) < 0.1
    return InfraredView(Residual(values, grades), base, Noise(deviation, nothing, nothing, factor), holder, 1.7)


def twin(view):
    """All planes of a view at once."""
    shape = view.residual.values.shape
    seen = (view.residual.grades & CLIPPED) == 0
    seen &= ~np.kron(view.holder_blocks, np.ones((8, 8), np.bool_))[: shape[0], : shape[1]]
    density = ir_twins.laid_out(view.base.level, BLOCK_PX, shape) - view.residual.values / 4096
    deviation = view.noise.deviation[0][view.residual.grades & 15]
    factor = ir_twins.laid_out(view.noise.factor, BLOCK_PX, shape)
    planes = np.stack([density / (deviation * factor), density * view.defect_gain, np.ones(shape)]) * seen
    return np.clip(planes, -VIEW_LIMIT, VIEW_LIMIT)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_planes_are_the_missing_light_in_deviations_and_nepers_where_film_is_seen(seed):
    view = any_view(seed)
    assert view.planes((0, 0), (70, 90)) == pytest.approx(twin(view), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(("value", "sign"), [(-32_000, 1), (32_000, -1)])
def test_however_deep_a_speck_is_the_planes_stay_within_their_limit(value, sign):
    view = any_view(4)
    view.residual.values[10:30, 10:30] = value
    strength, _, seen = view.planes((0, 0), (70, 90))
    speck = strength[10:30, 10:30][seen[10:30, 10:30] > 0]
    assert set(speck.tolist()) == {sign * VIEW_LIMIT}
    assert np.abs(strength).max() == VIEW_LIMIT


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 69), st.integers(0, 89), st.integers(1, 100), st.integers(1, 100))
def test_the_planes_of_a_part_are_that_part_of_the_whole_frames_planes(row, col, rows, cols):
    view = any_view(3)
    whole = view.planes((0, 0), (70, 90))
    assert np.array_equal(view.planes((row, col), (rows, cols)), whole[:, row : row + rows, col : col + cols])


@compiled
def test_on_film_that_leaks_strongly_dust_stands_out_of_the_view_and_the_picture_does_not():
    frame = simulated("kodachrome", "landscape")
    strength, density, seen = view_infrared(frame.rgb, frame.infrared).planes((0, 0), (400, 600))
    cores = frame.visible_mask & (frame.defect_labels > 0)
    assert np.median(strength[cores]) > 6
    assert np.median(density[cores]) > 0.1
    assert abs(np.median(strength[~frame.any_mask])) < 0.5
    assert np.abs(strength[~frame.any_mask]).mean() < 3
    assert seen.all()


@compiled
def test_where_the_infrared_is_clipped_or_shows_the_holder_nothing_is_seen():
    frame = simulated("mounted", "landscape")
    planes = view_infrared(frame.rgb, frame.infrared).planes((0, 0), (400, 600))
    deep = frame.holder_mask & (planes[2] == 0)
    assert deep[frame.holder_mask].mean() > 0.9
    assert not planes[:, planes[2] == 0].any()


def test_a_larger_defect_gain_gives_a_denser_view():
    view = any_view(1)
    assert replace(view, defect_gain=3.4).planes((0, 0), (9, 9))[1] == pytest.approx(
        2 * view.planes((0, 0), (9, 9))[1], abs=1e-5
    )
