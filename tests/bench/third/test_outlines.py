"""Outlines of dirt: how long, wide and irregular they are."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.outlines import Stamp, fibre, hair, line_stamp, lobe, scratch, speck, walk

SHAPE = (600, 800)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def laid(stamp):
    frame = np.zeros(SHAPE, np.float32)
    if stamp is not None and (met := stamp.window(SHAPE)):
        frame[met[0]] = met[1]
    return frame


def test_a_line_covers_its_length_times_its_width():
    points = np.stack([np.full(400, 100.0), np.linspace(100, 300, 400)], -1)
    for width_px in (1.5, 3.0, 5.0):
        stamp = line_stamp(points, np.full(400, width_px), np.ones(400), SHAPE)
        assert laid(stamp).sum() == pytest.approx(200 * width_px, rel=0.12)


def test_a_line_outside_the_frame_is_not_drawn():
    points = np.full((10, 2), -100.0)
    assert line_stamp(points, np.ones(10), np.ones(10), SHAPE) is None


def test_a_walk_has_its_length_and_bends(rng):
    points = walk(rng, np.zeros(2), length_px=200, angle=0, bend=0.05)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert steps.sum() == pytest.approx(200, rel=0.02)
    assert np.hypot(*(points[-1] - points[0])) < 190


def test_scratches_are_long_nearly_straight_and_thin(rng):
    for _ in range(8):
        rows, cols = np.nonzero(laid(scratch(rng, SHAPE, 0.0)) > 0.2)
        if len(cols) and np.ptp(cols) > 100:
            trend = np.polyval(np.polyfit(cols, rows, 1), cols)
            assert np.abs(rows - trend).max() < 0.12 * np.ptp(cols)
            assert len(cols) < 4 * np.ptp(cols)


@pytest.mark.parametrize("draw", [hair, fibre])
def test_threads_are_longer_than_wide(rng, draw):
    covers = [laid(draw(rng, SHAPE)) for _ in range(8)]
    areas = [(cover > 0.1).sum() for cover in covers if cover.any()]
    lengths = [np.hypot(*map(np.ptp, np.nonzero(cover > 0.1))) for cover in covers if cover.any()]
    assert np.median(lengths) > 12
    assert np.median(areas) < np.median(lengths) ** 2 / 2


def test_specks_have_about_their_radius_and_irregular_outlines(rng):
    areas = [speck(rng, SHAPE, 6).coverage.sum() for _ in range(30)]
    assert 0.5 * np.pi * 36 < np.mean(areas) < 3 * np.pi * 36
    radii = np.hypot(*lobe(rng, 6).T)
    assert radii.std() > 0.05 * radii.mean()


def test_a_stamp_at_the_border_is_cut_and_one_beyond_it_meets_nothing():
    stamp = Stamp(np.ones((10, 10), np.float32), -4, 795)
    place, inside = stamp.window(SHAPE)
    assert (place, inside.shape) == ((slice(0, 6), slice(795, 800)), (6, 5))
    assert Stamp(np.ones((5, 5), np.float32), 700, 0).window(SHAPE) is None


def test_softening_keeps_the_sum():
    stamp = Stamp(np.pad(np.ones((4, 4), np.float32), 8), 0, 0)
    assert stamp.softened(1.0).coverage.sum() == pytest.approx(16, rel=1e-3)
