from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.frame import Damage, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.decision.smooth_background import without_picture_objects
from filmscand.ir.decision.sure_regions import sure_regions
from support.ir_frames import compiled

pytestmark = compiled

# A frame of this size has few sure regions up to 20, and many from 30 on.
SHAPE = (1000, 1500)


def sure_specks(number, shape=SHAPE):
    """Probabilities with so many specks of 144 pixels that are certain all over."""
    probability = np.zeros(shape, np.uint8)
    for index in range(number):
        top, left = 300 + 40 * (index // 20), 20 + 40 * (index % 20)
        probability[top : top + 12, left : left + 12] = 253
    return probability


def with_region(probability, rows, cols, certain_px, level=225):
    """Put a region in the upper left, of which so many pixels are certain."""
    region = np.full(rows * cols, level, np.uint8)
    region[:certain_px] = 253
    probability[20 : 20 + rows, 20 : 20 + cols] = region.reshape(rows, cols)
    return probability


def stays(density_around, *, darker=0.3, certain_px=170, size_px=16, others=0, model, sensitivity=0.5):
    """Whether a region on a background of some density stays a defect, among so many others."""
    probability, density = np.zeros(SHAPE, np.uint8), np.broadcast_to(density_around, SHAPE).astype(np.float32)
    with_region(probability, size_px, size_px, certain_px)
    density[20 : 20 + size_px, 20 : 20 + size_px] += darker
    probability += sure_specks(others)
    rgb = np.repeat((60000 * 10**-density).astype(np.uint16)[..., None], 3, 2)
    # At full sensitivity the rules for few sure regions do not count.
    regions = sure_regions(probability, model.card, 1.0)
    kept = without_picture_objects(rgb, probability, regions, model.card, sensitivity)
    assert len(regions) == 1 + others
    return len(kept) == len(regions)


def grainy(deviation):
    return np.random.default_rng(1).normal(0.5, deviation, SHAPE)


def test_a_large_region_that_is_plain_on_a_smooth_background_and_not_certain_belongs_to_the_picture(model):
    assert not stays(grainy(0.01), model=model)


@pytest.mark.parametrize(
    "but",
    [{"darker": 0.06}, {"certain_px": 200}, {"size_px": 12}, {"others": 30}, {"sensitivity": 0.9}],
    ids=["faint", "certain", "smaller", "on a dusty frame", "at more sensitivity"],
)
def test_with_one_of_these_different_it_is_dust(but, model):
    assert stays(grainy(0.01), **but, model=model)


@pytest.mark.parametrize(("certain_px", "is_dust"), [(700, False), (740, True)])
def test_a_larger_region_has_to_be_more_certain(certain_px, is_dust, model):
    assert stays(grainy(0.01), size_px=30, certain_px=certain_px, model=model) == is_dust


def test_on_a_rough_background_a_region_that_is_not_certain_stays(model):
    waves = [np.sin(np.arange(length) / 3) for length in SHAPE]
    cobbles = 0.5 + 0.08 * np.sign(np.outer(*waves))
    assert stays(cobbles, darker=2.4, model=model)


def test_a_frame_without_a_region_keeps_none(model):
    rgb, probability = np.zeros((*SHAPE, 3), np.uint16), np.zeros(SHAPE, np.uint8)
    none = sure_regions(probability, model.card, 0.5)
    assert len(without_picture_objects(rgb, probability, none, model.card, 0.5)) == 0


@pytest.mark.parametrize("kind", ["dark_slide", "leaky_slide"])
def test_girders_and_twigs_with_few_specks_gain_by_cleaning(kind):
    """A rig of twigs was taken for dirt here, at a loss of 7 dB."""
    specks = Damage(dust=0.1, dirt=0.1, short_hairs=0.1, long_hairs=0, scratches=0)
    frame = simulate_frame(girders(1000, 1500, 312001), replace(KINDS[kind], damage=specks), seed=312351)
    cleaned = clean_frame(frame.rgb, None, CleanOptions())
    outside = ~cleaned.defect_mask
    assert np.array_equal(cleaned.rgb[outside], frame.rgb[outside])
    before_error, after_error = (
        np.square(np.sqrt(rgb / 65535) - np.sqrt(frame.clean_rgb / 65535)).mean() for rgb in (frame.rgb, cleaned.rgb)
    )
    assert after_error < 0.7 * before_error
