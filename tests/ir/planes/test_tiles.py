from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.planes.holder import Holder, find_holder
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.planes.tiles import take_tiles
from support.ir_frames import flat_planes, photometry_and_tiles, simulated


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 500), st.integers(2, 700))
def test_tiles_lie_inside_the_frame_and_hold_its_pixels(rows, cols):
    rng = np.random.default_rng(1)
    rgb = rng.integers(2000, 60000, (rows, cols, 3)).astype(np.uint16)
    infrared = rng.integers(30000, 50000, (rows, cols)).astype(np.uint16)
    photometry, tiles = photometry_and_tiles(rgb, infrared)
    size = tiles.film.shape[1]
    assert 1 <= len(tiles) <= 48
    assert size == min(128, rows, cols)
    assert len({tuple(corner) for corner in tiles.corners.tolist()}) == len(tiles)
    for corner, picture, plane, logs in zip(tiles.corners, tiles.rgb, tiles.infrared, tiles.log_infrared, strict=True):
        cut = tuple(slice(at, at + size) for at in corner)
        assert np.array_equal(rgb[cut], picture)
        assert np.array_equal(infrared[cut], plane)
        assert np.array_equal(photometry.log_tables[3][plane], logs)


def test_tiles_are_spread_over_all_of_a_large_frame():
    rgb, infrared = flat_planes((1300, 1900), noise=0.01)
    _, tiles = photometry_and_tiles(rgb, infrared)
    assert len(tiles) == 48
    counts, _, _ = np.histogram2d(*tiles.corners.T, bins=(3, 3), range=((0, 1172), (0, 1772)))
    assert (counts > 0).all()


def test_tiles_avoid_a_mount():
    frame = simulated("mounted", "landscape", (700, 900))
    _, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    size = tiles.film.shape[1]
    covered = [frame.holder_mask[row : row + size, col : col + size].mean() for row, col in tiles.corners]
    assert len(tiles) >= 8
    assert max(covered) < 0.11
    truth = np.array([frame.holder_mask[row : row + size, col : col + size] for row, col in tiles.corners])
    assert not (tiles.film & truth).any()


@pytest.mark.parametrize(("share", "taken"), [(0.07, 2), (0.15, 1), (0.5, 1)])
def test_a_tile_with_much_holder_is_left_out_where_there_is_a_better_one(share, taken):
    rgb, infrared = flat_planes((128, 256), noise=0.01)
    blocks = np.zeros((16, 32), np.bool_)
    blocks[:, :16] = (np.arange(256) < round(share * 256)).reshape(16, 16)
    tiles = take_tiles(rgb, infrared, measure_photometry(rgb, infrared), Holder(blocks, share))
    assert len(tiles) == taken


@pytest.mark.parametrize(("share", "taken"), [(0.4, 1), (0.95, 0)])
def test_on_a_small_frame_with_a_mount_the_tile_with_the_most_film_is_taken(share, taken):
    rgb, infrared = flat_planes((128, 128), noise=0.01)
    blocks = np.zeros((16, 16), np.bool_)
    blocks.ravel()[: round(share * blocks.size)] = True
    tiles = take_tiles(rgb, infrared, measure_photometry(rgb, infrared), Holder(blocks, share))
    assert len(tiles) == taken


def test_a_frame_that_is_all_holder_gives_no_tiles():
    rgb, infrared = flat_planes((300, 300), noise=0.01)
    holder = Holder(np.ones((38, 38), np.bool_), 1.0)
    assert len(take_tiles(rgb, infrared, measure_photometry(rgb, infrared), holder)) == 0


def test_clipped_infrared_does_not_count_as_film():
    frame = simulated("clipped_infrared", "landscape")
    photometry = measure_photometry(frame.rgb, frame.infrared)
    tiles = take_tiles(frame.rgb, frame.infrared, photometry, find_holder(frame.infrared, photometry.black[3]))
    assert photometry.infrared_clip == 65535
    assert np.array_equal(tiles.film, tiles.infrared < 65535)


def test_selected_tiles_come_in_the_given_order():
    rgb, infrared = flat_planes((300, 500), noise=0.01)
    _, tiles = photometry_and_tiles(rgb, infrared)
    selected = tiles.select(np.array([2, 0]))
    assert np.array_equal(selected.corners, tiles.corners[[2, 0]])
    assert np.array_equal(selected.log_rgb, tiles.log_rgb[[2, 0]])
    assert selected.shape == tiles.shape
