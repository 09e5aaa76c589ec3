"""Mounts and holders block the light, holes let it pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.frame import Mount, MountStyle, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.mount import mount_planes

ROWS, COLS = 160, 240


@pytest.fixture(scope="module")
def picture():
    return pictures.landscape(ROWS, COLS, 1)


@pytest.mark.parametrize("name", ["mounted", "mounted_turned", "sprocket_holder"])
def test_a_holder_is_dark_in_both_planes_but_for_stray_light(name, picture):
    frame = simulate_frame(picture, KINDS[name], seed=2)
    opaque = np.zeros((ROWS, COLS), np.bool_)
    opaque[:3, :30] = opaque[-3:, -30:] = True
    assert frame.holder_mask[opaque].all() and 0.02 < frame.holder_mask.mean() < 0.4
    assert frame.rgb[opaque].max() < 0.02 * 65535
    assert 0.02 * 65535 < frame.infrared[opaque].mean() < 0.08 * 65535


def test_a_turned_mounts_edge_runs_askew(picture):
    straight = simulate_frame(picture, replace(KINDS["mounted"], mount=Mount(MountStyle.SLIDE)), seed=2)
    turned = simulate_frame(picture, KINDS["mounted_turned"], seed=2)
    assert straight.holder_mask[10, COLS // 3] == straight.holder_mask[10, -COLS // 3]
    left, right = (turned.holder_mask[: ROWS // 2, col].sum() for col in (COLS // 4, -COLS // 4))
    assert abs(int(left) - int(right)) >= 2


def test_sprocket_holes_are_brighter_than_clear_film_in_both_planes(picture):
    frame = simulate_frame(picture, KINDS["sprocket_holder"], seed=2)
    rows = slice(ROWS // 8, ROWS // 6)
    holes = frame.clean_rgb[rows, :, 2].min(0) > 60000
    film = ~frame.holder_mask[rows].any(0)
    assert holes.sum() > 10 and film.sum() > 10
    assert frame.clean_infrared[rows][:, holes].mean() > 1.02 * frame.clean_infrared[rows][:, film].mean()


SHAPE = (200, 300)


def test_film_that_fills_the_frame_has_no_mount():
    assert mount_planes(SHAPE, Mount(MountStyle.NONE)) is None


def test_a_slide_mount_lets_light_through_the_film_alone():
    planes = mount_planes(SHAPE, Mount(MountStyle.SLIDE, border_share=0.1))
    assert planes.film_share[100, 150] == 1.0
    assert planes.film_share[0, 0] == 0.0
    assert not planes.bare_share.any()
    assert planes.exposed.all()
    assert np.array_equal(planes.holder, planes.film_share < 0.98)


@pytest.mark.parametrize("style", [MountStyle.SLIDE, MountStyle.SPROCKETS])
def test_no_pixel_passes_more_light_than_it_gets(style):
    planes = mount_planes(SHAPE, Mount(style, turn_degrees=2.0))
    passed = planes.film_share + planes.bare_share
    assert planes.film_share.min() >= 0.0
    assert planes.bare_share.min() >= 0.0
    assert passed.max() <= 1.0 + 1e-6


def test_only_the_middle_of_a_strip_is_exposed_and_its_holes_lie_outside():
    planes = mount_planes(SHAPE, Mount(MountStyle.SPROCKETS))
    assert planes.bare_share.max() == pytest.approx(1.0)
    assert not (planes.bare_share[planes.exposed] > 0.5).any()
    assert planes.exposed[100, 150]
    assert not planes.exposed[5].any()
