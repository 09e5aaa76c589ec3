"""Mounts and holders block the light, holes let it pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.frame import Mount, MountStyle, simulate_frame
from filmscand.film.kinds import KINDS

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
