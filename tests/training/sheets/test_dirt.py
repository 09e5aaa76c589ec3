"""Damage of sheets: defocused, drawn, brown."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.recipe import DefectKind
from filmscand.film.specks import Patch
from training.sheets.dirt import any_dirt, coloured, usual_dirt
from training.sheets.sources import Drawn, Sources

NO_SOURCES = Sources()


def rng(seed=1):
    return np.random.default_rng(seed)


def test_dust_out_of_focus_lies_where_it_lay_and_covers_as_much_less_sharply(monkeypatch):
    sharp, soft = (out_of_focus(monkeypatch, share) for share in (0.0, 1.0))
    assert len(sharp) == len(soft) > 100
    totals, places = ([measure(patch) for patch in soft] for measure in (covered, middle_px))
    assert totals == pytest.approx([covered(patch) for patch in sharp], rel=0.02, abs=0.1)
    assert np.abs(np.subtract(places, [middle_px(patch) for patch in sharp])).max() < 0.2
    assert all(after <= before for before, after in zip(map(steepness, sharp), map(steepness, soft), strict=True))


def out_of_focus(monkeypatch, share):
    monkeypatch.setattr("training.sheets.dirt.OUT_OF_FOCUS_SHARE", share)
    return [patch for seed in range(4) for patch in any_dirt(rng(seed), 512, 1.0, NO_SOURCES)]


def covered(patch):
    return float(patch.coverage.sum())


def middle_px(patch):
    rows, cols = np.indices(patch.coverage.shape)
    total = max(covered(patch), 1e-6)
    return (
        patch.top_px + float((rows * patch.coverage).sum()) / total,
        patch.left_px + float((cols * patch.coverage).sum()) / total,
    )


def steepness(patch):
    padded = np.pad(patch.coverage, 1)
    return float(max(np.abs(np.diff(padded, axis=axis)).max() for axis in (0, 1)))


def test_drawn_artefacts_of_every_kind_fit_on_a_sheet():
    opacity = np.zeros((60, 80), np.float32)
    opacity[20:40, 10:70] = 1
    names = ("dots", "smut", "hair", "lint", "stain", "sprink")
    sources = Sources(drawn=tuple(Drawn(name, opacity) for name in names))
    patches = [patch for seed in range(12) for patch in any_dirt(rng(seed), 512, 1.0, sources)]
    assert len(patches) > 100
    assert all(np.isfinite(patch.coverage).all() for patch in patches)


@pytest.mark.parametrize("dirt", [usual_dirt, any_dirt])
def test_some_dirt_is_brown_and_none_is_blue(dirt):
    patches = [patch for seed in range(20) for patch in dirt(rng(seed), 512, 1.0, NO_SOURCES)]
    taken = np.array([patch.density_rgb for patch in patches if min(patch.density_rgb) > 0])
    browner = np.log(taken[:, 2] / taken[:, 0])
    assert 0.1 < (browner > 0.2).mean() < 0.35
    assert (browner < -0.2).mean() < 0.05


def test_coloured_dust_lets_red_pass_and_stops_blue():
    grey = Patch(DefectKind.DUST, 0, 0, np.ones((3, 3), np.float32), (0.2, 0.2, 0.2), (0, 0, 0), 0.0)
    red, green, blue = coloured(grey, 5.0).density_rgb
    assert green == 0.2
    # Measured on inverted negatives: red 0.5 to 0.7 of green, blue 1.8 to 4 times green.
    assert 0.5 < red / green < 0.7
    assert 1.8 < blue / green < 4
