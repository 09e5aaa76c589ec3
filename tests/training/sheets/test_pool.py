"""The pool that training reads sheets from while other processes draw fresh ones."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pytest

from filmscand.ir.methods.measure import view_infrared
from filmscand.ir.network.infrared_view import VIEW_LIMIT
from support.ir_frames import compiled, simulated
from training.sheets.infrared import infrared_planes
from training.sheets.pool import (
    DEFECT_BIT,
    DENSITY_STEP,
    INFRARED_STEP,
    WEIGHT_STEPS,
    Pool,
    PoolPlan,
    WithInfrared,
    filled,
)
from training.sheets.sources import Sources
from training.sheets.synthesizer import Sheet, draw_sheet

SIZE = 96
NO_SOURCES = Sources()


def rng(seed=1):
    return np.random.default_rng(seed)


def sheets(count):
    return [draw_sheet(rng(seed), SIZE, NO_SOURCES) for seed in range(count)]


def lying_at(pool, place):
    """What a pool holds there: densities, defects and weights."""
    density, label = (pool.planes[name][place] for name in ("density", "label"))
    return density * DENSITY_STEP, label >= DEFECT_BIT, (label & WEIGHT_STEPS) / WEIGHT_STEPS


def test_a_pool_gives_back_what_was_put_in_and_replaces_the_oldest(tmp_path):
    pool = Pool(PoolPlan(tmp_path, None, None, sheets=2, size_px=SIZE))
    drawn = sheets(3)
    for sheet in drawn:
        pool.put(sheet)
    for place, sheet in ((0, drawn[2]), (1, drawn[1])):
        density, defect, weight = lying_at(pool, place)
        assert np.abs(density - sheet.density).max() <= DENSITY_STEP
        assert np.array_equal(defect, sheet.defect)
        assert weight == pytest.approx(sheet.weight, abs=0.01)
    assert (pool.sheets, pool.drawn) == (2, 3)


def test_a_pool_keeps_the_infrared_where_there_is_one(tmp_path):
    pool = Pool(PoolPlan(tmp_path, None, None, sheets=1, size_px=SIZE, infrared=WithInfrared.SOME))
    sheet = draw_sheet(rng(5), SIZE, NO_SOURCES, infrared=True)
    pool.put(sheet)
    kept = pool.planes["infrared"][0] * INFRARED_STEP
    assert np.abs(kept - sheet.infrared).max() <= INFRARED_STEP
    assert kept.any()


@compiled
def test_of_the_deepest_dust_a_pool_keeps_the_infrared_that_a_network_gets_to_see_in_use(tmp_path):
    size = 256
    frame = simulated("clear_slide", "landscape")
    rgb, infrared = (np.ascontiguousarray(plane[:size, :size]) for plane in (frame.rgb, frame.infrared))
    rgb[60:90, 60:90] >>= 8
    infrared[60:90, 60:90] >>= 8
    plain = np.zeros((size, size), np.bool_)
    density = np.zeros((3, size, size), np.float32)
    pool = Pool(PoolPlan(tmp_path, None, None, sheets=1, size_px=size, infrared=WithInfrared.SOME))
    pool.put(Sheet(density, plain, plain.astype(np.float32), infrared_planes(rgb, infrared)))
    in_use = view_infrared(rgb, infrared).planes((0, 0), (size, size))
    assert (in_use[0, 65:85, 65:85] == VIEW_LIMIT).all()
    assert np.abs(pool.planes["infrared"][0] * INFRARED_STEP - in_use).max() <= INFRARED_STEP


def test_of_several_drawers_each_has_places_of_its_own_and_only_what_all_have_filled_counts(tmp_path):
    pool = Pool(PoolPlan(tmp_path, None, None, sheets=6, size_px=SIZE, drawers=3))
    numbers = []
    for drawer in (0, 2, 0, 0, 1):
        numbers.append(pool.next_number(drawer))
        pool.put(sheets(1)[0], drawer)
    assert numbers == [0, 2, 3, 6, 1]
    assert (pool.sheets, pool.drawn) == (3, 5)
    seen = np.array([1, 0, 0])
    # Sheet 6 has taken the place of sheet 0.
    assert sorted(pool.places_since(seen)) == [0, 1, 2, 3]
    assert pool.places_since(seen) == []


def test_a_pool_whose_places_two_drawers_would_share_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a multiple of the 3 drawers, found 4"):
        PoolPlan(tmp_path, None, None, sheets=4, drawers=3)


@pytest.mark.parametrize(
    ("infrared", "share"),
    [(WithInfrared.NONE, (0, 0)), (WithInfrared.SOME, (0.2, 0.7)), (WithInfrared.ALL, (0.75, 1))],
    # Of some small sheets, infrared shows nothing usable: their planes are zeros.
)
def test_a_pool_has_infrared_on_none_some_or_all_of_its_sheets(tmp_path, infrared, share):
    plan = PoolPlan(tmp_path, None, None, sheets=16, size_px=SIZE, infrared=infrared)
    with filled(plan, 16) as pool:
        planes = pool.planes.get("infrared", np.zeros((16, 1)))
        seeing = np.mean([plane.any() for plane in planes])
    assert share[0] <= seeing <= share[1]


def fail_to_draw(plan, drawer):
    """Draw the sheets that are waited for, and fail."""
    pool = Pool(plan)
    pool.put(sheets(1)[0], drawer)
    sys.exit(3)


def test_a_training_ends_where_a_process_that_draws_fails_on_the_way(tmp_path):
    plan = PoolPlan(tmp_path, None, None, sheets=2, size_px=SIZE)
    with filled(plan, 1, fail_to_draw) as pool, pytest.raises(RuntimeError, match="has ended with 3"):
        for _ in range(300):
            pool.places_since(np.zeros(1, np.int64))
            time.sleep(0.1)


def test_a_pool_takes_its_room_on_the_disk_before_anything_is_drawn(tmp_path):
    Pool(PoolPlan(tmp_path, None, None, sheets=2, size_px=SIZE))
    for path in tmp_path.iterdir():
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_pool_that_there_is_no_room_for_is_refused_and_leaves_nothing(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"a pool needs 0.00011 GB for this: '.*density\.npy'"):
            Pool(PoolPlan(tmp_path, None, None, sheets=2, size_px=SIZE))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_a_pool_of_another_size_is_refused(tmp_path):
    Pool(PoolPlan(tmp_path, None, None, sheets=2, size_px=SIZE))
    with pytest.raises(ValueError, match="give another folder"):
        Pool(PoolPlan(tmp_path, None, None, sheets=3, size_px=SIZE))
