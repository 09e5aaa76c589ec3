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


def test_an_infrared_that_is_not_to_be_believed_leaks_or_is_weak_or_clipped():
    drawn = {kind: [draw_infrared_pass(rng(seed), exposed(kind)) for seed in range(60)] for kind in FILMS}
    for some in drawn.values():
        strong = sum(sum(each.leakage.slopes_rgb) > 0.3 for each in some)
        weak = sum(each.optics.contrast < 0.45 for each in some)
        clipped = sum(each.optics.clear_level > 1 for each in some)
        assert strong + weak + clipped == len(some)
        assert min(strong, weak, clipped) > 0


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
