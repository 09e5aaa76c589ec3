"""Infrared of a sheet: it misleads by itself, and still shows the damage."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.infrared_plane import Leakage
from filmscand.film.kinds import KINDS
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import DefectKind, InfraredOptics
from filmscand.film.specks import Patch
from training.sheets.emulsion import Exposed
from training.sheets.infrared import InfraredPass, draw_infrared_pass, infrared_planes, scan_infrared, seen_by_infrared

FILMS = ("clear_slide", "negative")


def rng(seed=1):
    return np.random.default_rng(seed)


def exposed(stock):
    """A grey film that leaks, or not."""
    clear = np.full((3, 200, 300), 0.5, np.float32)
    return Exposed(clear, np.zeros_like(clear), KINDS[stock].stock)


@pytest.mark.parametrize("film", FILMS)
def test_infrared_of_every_kind_is_drawn_the_good_one_included(film):
    drawn = [draw_infrared_pass(rng(seed), exposed(film)) for seed in range(150)]
    strong = [sum(each.leakage.slopes_rgb) > 0.3 for each in drawn]
    weak = [each.optics.contrast < 0.45 for each in drawn]
    clipped = [each.optics.clear_level > 1 for each in drawn]
    soft = [each.optics.blur_px > 1.3 for each in drawn]
    displaced = [each.optics.shift_rows_px != 0 for each in drawn]
    assert all(any(some) for some in (strong, weak, clipped, soft, displaced))
    good = ~np.any([strong, weak, clipped, soft, displaced], axis=0)
    assert 0.1 < good.mean() < 0.5


def test_silver_stops_nearly_as_much_infrared_as_light():
    slopes = [sum(draw_infrared_pass(rng(seed), exposed("silver")).leakage.slopes_rgb) for seed in range(10)]
    assert 0.8 < min(slopes) < max(slopes) < 1


def test_the_plane_of_a_second_pass_lies_beside_the_picture():
    speck = Patch(DefectKind.DUST, 90, 140, np.ones((20, 20), np.float32), (0.5, 0.5, 0.5), (0, 0, 0), 0.5)
    how = InfraredPass(Leakage((0.1, 0, 0)), InfraredOptics(shift_rows_px=5.0, shift_cols_px=-2.0))
    light = scan_infrared(rng(), exposed("clear_slide"), (speck,), how, None)
    rows, cols = np.nonzero(light < 0.7 * np.median(light))
    assert (rows.mean(), cols.mean()) == pytest.approx((99.5 + 5, 149.5 - 2), abs=0.3)


def test_what_damage_takes_of_the_infrared_follows_what_it_takes_of_the_light():
    speck = Patch(DefectKind.DUST, 5, 5, np.ones((9, 9), np.float32), (0.3, 0.3, 0.3), (0, 0, 0), 0.0)
    optics = InfraredOptics(contrast=0.5, contrast_scatter=0.0)
    seen = [seen_by_infrared(rng(seed), (speck,) * 4, optics) for seed in range(40)]
    patches = [patch for each in seen for patch in each]
    assert {round(patch.infrared_density, 6) for patch in patches} == {0.15}
    hidden = sum(max(patch.density_rgb) == 0 for patch in patches)
    assert 0 < hidden < len(patches) / 4


def test_dust_darkens_the_infrared_of_a_sheet_and_a_mount_lets_none_of_it_through():
    speck = Patch(DefectKind.DUST, 90, 140, np.ones((20, 20), np.float32), (0.5, 0.5, 0.5), (0, 0, 0), 0.5)
    how = InfraredPass(Leakage((0.4, 0.1, 0.0)), InfraredOptics(stray_share=0.0))
    share = np.ones((200, 300), np.float32)
    share[:, :50] = 0
    mount = MountPlanes(share, np.zeros_like(share), share > 0)
    light = scan_infrared(rng(), exposed("clear_slide"), (speck,), how, mount)
    assert light[100, 150] / light[20, 150] == pytest.approx(10**-0.5, rel=0.1)
    assert light[100, 20] < 0.01


def test_without_infrared_its_planes_are_zero():
    rgb = rng().integers(20_000, 22_000, (200, 300, 3)).astype(np.uint16)
    assert infrared_planes(rgb, None).shape == (3, 200, 300)
    assert not infrared_planes(rgb, None).any()
