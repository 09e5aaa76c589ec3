"""A sure region that stands out of rough background is dust: of gravel and rocks hardly anything else stands out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.fields import smooth_field
from filmscand.film.frame import Damage, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.decision.rough_background import regions_on_rough_background
from filmscand.ir.decision.sure_regions import sure_regions
from filmscand.ir.network.detector import find_probability, find_regions
from filmscand.ir.network.model_file import load_detector
from support.ir_frames import compiled, simulated

pytestmark = compiled

SHAPE = (300, 400)
SPECK = (slice(140, 152), slice(190, 202))
HAIR = (slice(150, 154), slice(20, 380))


def rough_density(deviation, size_px=4.0, seed=1):
    """Densities around 0.6 with structures of a size."""
    field = smooth_field(np.random.default_rng(seed), SHAPE, size_px, octaves=1)
    return np.float32(0.6) + np.float32(deviation) * (field / field.std())


def scanned(density):
    return np.repeat((60000 * 10**-density).astype(np.uint16)[..., None], 3, 2)


def found(density, model, place=SPECK, darker=0.8, sensitivity=0.5, doubtful=0):
    """Regions that stand out, on a frame with one certain region and some that are nearly sure."""
    density, probability = density.copy(), np.zeros(SHAPE, np.uint8)
    for index in range(doubtful):
        probability[10:14, 10 + 20 * index : 14 + 20 * index] = 200
    density[place] += darker
    probability[place] = 253
    # The frame itself does not count as dusty.
    assert not len(sure_regions(probability, model.card, 0.5))
    return len(regions_on_rough_background(scanned(density), probability, model.card, sensitivity))


@pytest.mark.parametrize("place", [SPECK, HAIR], ids=["speck", "hair"])
@pytest.mark.parametrize("darker", [0.8, -0.5], ids=["dark", "bright"])
def test_a_certain_region_stands_out_of_a_rough_background(place, darker, model):
    assert found(rough_density(0.12), model, place, darker) == 1


def test_in_a_smooth_sky_nothing_does_because_twigs_and_cables_look_like_hairs(model):
    assert found(rough_density(0.02), model) == 0


def test_grain_does_not_make_a_sky_rough(model):
    grain = np.random.default_rng(2).normal(0, 0.07, SHAPE).astype(np.float32)
    assert found(rough_density(0.01) + grain, model) == 0


def test_neither_does_shading(model):
    assert found(rough_density(0.15, size_px=90), model) == 0


def test_a_region_as_dark_as_parts_of_its_background_belongs_to_the_picture(model):
    density = rough_density(0.12)
    rocks = np.random.default_rng(3).uniform(size=SHAPE) < 0.12
    assert found(density, model) == 1
    assert found(density + np.float32(0.9) * rocks, model) == 0


def test_a_region_that_stands_out_little_is_dropped(model):
    assert found(rough_density(0.12), model, darker=0.2) == 0


def test_a_small_region_is_dropped_unless_the_sensitivity_is_higher(model):
    small = (slice(140, 149), slice(190, 199))
    assert found(rough_density(0.12), model, small) == 0
    assert found(rough_density(0.12), model, small, sensitivity=0.7) == 1
    assert found(rough_density(0.12), model, sensitivity=0.2) == 0


@pytest.mark.parametrize(("rim", "stands_out"), [(195, 1), (180, 0)])
def test_a_region_with_a_doubtful_rim_is_dropped_because_cracks_in_rocks_have_one(rim, stands_out, model):
    """Three quarters of the region are certain: its mean probability is 0.94 or 0.93."""
    density, probability = rough_density(0.12), np.zeros(SHAPE, np.uint8)
    density[SPECK] += 0.8
    probability[SPECK] = rim
    probability[140:152, 190:199] = 255
    assert len(regions_on_rough_background(scanned(density), probability, model.card, 0.5)) == stands_out


def test_where_many_regions_are_nearly_sure_the_detector_sees_the_picture(model):
    assert found(rough_density(0.12), model, doubtful=3) == 1
    assert found(rough_density(0.12), model, doubtful=5) == 0


def test_at_the_border_of_a_frame_the_background_is_cut_off(model):
    assert found(rough_density(0.12), model, (slice(0, 12), slice(388, 400))) == 1


def test_a_region_without_background_is_dropped(model):
    assert found(rough_density(0.12), model, (slice(0, 300), slice(0, 400))) == 0


def test_a_hair_longer_than_the_measured_window_is_judged_by_its_middle(model):
    density = np.tile(rough_density(0.12), (1, 8))
    probability = np.zeros(density.shape, np.uint8)
    density[150:154, 20:3180] += 0.8
    probability[150:154, 20:3180] = 253
    # At its ends the background is as smooth as a sky.
    density[:, :900] = np.where(probability[:, :900] > 0, 1.4, 0.6)
    density[:, 2300:] = np.where(probability[:, 2300:] > 0, 1.4, 0.6)
    assert len(regions_on_rough_background(scanned(density), probability, model.card, 0.5)) == 1


def test_a_hair_on_gravel_is_healed_though_the_frame_does_not_count_as_dusty():
    structures = smooth_field(np.random.default_rng(6), (400, 600), 6, octaves=2)
    gravel = (0.6 + 0.15 * structures / structures.std())[..., None] * np.array([1, 1.05, 1.15])
    picture = np.rint(255 * 10 ** (-gravel / 2.2)).clip(0, 255).astype(np.uint8)
    hairs = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=3, scratches=0)
    frame = simulate_frame(picture, replace(KINDS["leaky_slide"], damage=hairs), seed=6)
    detector = load_detector(None, threads=1)
    assert not len(sure_regions(find_probability(frame.rgb, detector), detector.card, 0.5))
    cleaned = clean_frame(frame.rgb, None, CleanOptions())
    outside = ~cleaned.defect_mask
    assert np.array_equal(cleaned.rgb[outside], frame.rgb[outside])
    before, after = (np.abs(np.log1p(rgb) - np.log1p(frame.clean_rgb)).sum() for rgb in (frame.rgb, cleaned.rgb))
    assert after < 0.6 * before


def test_where_tints_find_nothing_rough_backgrounds_are_not_searched(monkeypatch):
    """Grain is rough, and tints are the better evidence."""

    def ask(*_):
        raise AssertionError("expected only frames with colour, found one without")

    monkeypatch.setattr("filmscand.ir.methods.colours.regions_on_rough_background", ask)
    monkeypatch.setattr(
        "filmscand.ir.methods.colours.tinted_regions", lambda seen, *_: (find_regions(seen * 0, 0.5, 0.5), seen)
    )
    frame = simulated("silver", "portrait", (700, 1000), 5)
    assert not clean_frame(frame.rgb, None, CleanOptions()).defect_mask.any()
