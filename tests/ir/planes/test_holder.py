from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.planes.holder import (
    BLOCK_PX,
    Holder,
    block_light,
    blown_blocks,
    find_holder,
    holder_light,
)
from support.ir_frames import simulated

SHAPE = (400, 600)
FILM = 40000


def pixels(holder, shape=SHAPE):
    return holder.blocks.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)[: shape[0], : shape[1]]


def plane_with(dark, light=2000):
    return np.where(dark, light, FILM).astype(np.uint16)


def border(width_px, shape=SHAPE):
    dark = np.ones(shape, np.bool_)
    dark[width_px:-width_px, width_px:-width_px] = False
    return dark


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_the_light_of_a_block_is_the_mean_of_every_second_pixel(seed, rows, cols):
    plane = np.random.default_rng(seed).integers(0, 65536, (rows, cols)).astype(np.uint16)
    light = block_light(plane)
    assert light.shape == (-(-rows // 8), -(-cols // 8))
    whole = light[: rows // 8, : cols // 8]
    for row, col in np.ndindex(whole.shape):
        block = plane[8 * row : 8 * row + 8 : 2, 8 * col : 8 * col + 8 : 2]
        assert whole[row, col] == pytest.approx(block.mean(), rel=1e-5)
    assert light.min() >= plane.min() - 0.01
    assert light.max() <= plane.max() + 0.01


def test_a_border_is_holder_with_a_margin_for_its_blurred_edge():
    dark = border(40)
    holder = find_holder(plane_with(dark), 0.0)
    found = pixels(holder)
    assert found[dark].all()
    assert found[52:54, 200].all()
    assert not found[72:-72, 72:-72].any()
    assert holder.fraction == pytest.approx(dark.mean(), rel=0.02)


def test_an_opaque_speck_inside_the_film_is_no_holder_however_large():
    dark = np.zeros(SHAPE, np.bool_)
    dark[100:300, 100:300] = True
    assert find_holder(plane_with(dark), 0.0).fraction == 0


@pytest.mark.parametrize(("side_px", "found"), [(24, False), (32, True)], ids=["a hair's foot", "a corner of a mount"])
def test_a_dark_area_at_the_border_is_holder_from_a_five_hundredth_of_the_frame_on(side_px, found):
    dark = np.zeros(SHAPE, np.bool_)
    dark[:side_px, : side_px - 8] = True
    assert (find_holder(plane_with(dark), 0.0).fraction > 0) == found


@pytest.mark.parametrize(("share", "found"), [(0.05, True), (0.11, True), (0.24, False), (0.5, False)])
def test_a_border_is_holder_while_it_passes_little_more_than_stray_light(share, found):
    holder = find_holder(plane_with(border(40), round(share * FILM)), 0.0)
    assert (holder.fraction > 0) == found


def test_the_black_level_does_not_count_as_light():
    holder = find_holder(plane_with(border(40) | True, 4000) + (~border(40)) * np.uint16(16000), 3000.0)
    assert holder.fraction > 0


@pytest.mark.parametrize("kind", ["mounted", "mounted_turned"])
def test_the_mount_of_a_simulated_slide_is_found(kind):
    frame = simulated(kind, "landscape")
    found = pixels(find_holder(frame.infrared, frame.infrared.min()))
    assert found[frame.holder_mask].mean() > 0.99
    assert found[~frame.holder_mask].mean() < 0.12


@pytest.mark.parametrize("kind", ["leaky_slide", "dark_slide", "heavy_dirt", "long_hairs"])
def test_a_frame_without_a_holder_has_none(kind):
    frame = simulated(kind, "landscape")
    assert not find_holder(frame.infrared, frame.infrared.min()).blocks.any()


def test_the_light_under_a_mount_is_read_at_its_core():
    rgb = np.full((*SHAPE, 3), 30000, np.uint16)
    rgb[border(80)] = (500, 600, 700)
    assert holder_light(rgb, find_holder(plane_with(border(80)), 0.0)) == (500, 600, 700)
    assert holder_light(rgb, find_holder(plane_with(border(24)), 0.0)) is None


def test_perforations_are_clipped_in_all_colours():
    rgb = np.random.default_rng(2).integers(2000, 40000, (100, 161, 3)).astype(np.uint16)
    rgb[16:40, 80:112] = 65535
    rgb[60:80, 30:50, :2] = 65535
    blown = blown_blocks(rgb)
    assert blown.shape == (13, 21)
    assert blown[2:5, 10:14].all()
    assert not blown[6:].any()
    assert not blown[:, :8].any()


def test_film_that_is_clipped_nearly_everywhere_is_no_perforation():
    assert not blown_blocks(np.full((80, 80, 3), 65535, np.uint16)).any()


@pytest.mark.parametrize(
    ("corner", "size", "part"),
    [((0, 0), (16, 16), 0.75), ((0, 0), (8, 8), 0.0), ((8, 8), (8, 16), 1.0)],
    ids=["four blocks", "the covered block", "film"],
)
def test_the_film_part_of_a_rectangle_is_that_of_its_blocks(corner, size, part):
    blocks = np.zeros((3, 4), np.bool_)
    blocks[0, 0] = True
    assert Holder(blocks, 1 / 12).film_part(corner, size) == part
