"""What marks take of the light, by band."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.dirt import draw_dirt, with_rims
from bench.third.recipe import Dirt

SHAPE = (400, 600)
NOTHING = Dirt(0, 0, 0, 0)


def draw(**numbers):
    return draw_dirt(
        Dirt(**({"specks": 0, "hairs": 0, "fibres": 0, "scratches": 0} | numbers)), SHAPE, np.random.default_rng(4)
    )


def test_nothing_asked_is_nothing_drawn():
    planes = draw()
    assert not any(plane.any() for plane in (planes.density, planes.glow, planes.lost, planes.labels))


def test_specks_are_about_grey_and_show_in_infrared():
    planes = draw(specks=100)
    red, green, blue, infrared = planes.density.max((0, 1))
    assert red == pytest.approx(green, rel=0.3)
    assert blue == pytest.approx(green, rel=0.3)
    assert infrared > 0.5 * green
    assert (planes.labels > 0).sum() > 100


def test_tinted_dust_takes_blue_most_and_red_least():
    planes = draw(specks=100, tinted=True)
    core = planes.density[..., 1] > 0.1
    ratios = planes.density[core] / planes.density[core][:, 1:2]
    assert np.median(ratios[:, 0]) == pytest.approx(0.6, abs=0.15)
    assert 1.5 < np.median(ratios[:, 2]) < 4.2


def test_faint_dirt_keeps_below_its_limit():
    assert draw(specks=100, strongest=0.1).density[..., :3].max() < 0.35  # specks may lie on one another


def test_stray_dust_has_no_number_and_no_colour():
    planes = draw(stray=200)
    assert not planes.labels.any()
    assert not planes.density[..., :3].any()
    assert planes.density[..., 3].any()


def test_stripped_scratches_lose_yellow_before_magenta_before_cyan():
    lost = draw(stripped=20).lost
    cyan, magenta, yellow = (lost[..., dye] for dye in range(3))
    assert yellow.max() > 0.5
    assert (yellow >= magenta - 1e-6).all()
    assert (magenta >= cyan - 1e-6).all()


def test_bright_scratches_glow_in_the_picture_and_darken_the_infrared():
    planes = draw(bright=20)
    assert planes.glow[..., :3].max() > 0.05
    assert not planes.glow[..., 3].any()
    assert planes.density[..., 3].max() > 0.08


def test_haze_shows_in_infrared_more_than_in_the_picture():
    planes = draw(hazes=3)
    assert not planes.labels.any()
    assert planes.density[..., 3].max() > 2 * planes.density[..., 1].max()


def test_prints_moulds_threads_and_losses_are_numbered():
    for numbers in (
        {"prints": 1},
        {"moulds": 2},
        {"hairs": 20.0},
        {"fibres": 20.0},
        {"scratches": 20.0},
        {"losses": 20.0},
    ):
        assert draw(**numbers).labels.any()


def test_rims_grow_labels_into_empty_pixels_only():
    labels = np.zeros((9, 9), np.int32)
    labels[4, 4], labels[4, 5] = 1, 2
    grown = with_rims(labels, 1)
    assert (grown[4, 4], grown[4, 5]) == (1, 2)
    assert (grown > 0).sum() == 12
