"""Each kind of defect absorbs light as its real model does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.damage import draw_damage
from filmscand.film.frame import Damage, DefectKind, FrameRecipe, Outline, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.specks import Patch, Spot, draw_patch

ALONE = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)


SHAPE = (1200, 1800)


@pytest.fixture(scope="module")
def sky():
    return np.full((300, 450, 3), 0.5, np.float32)


def test_most_dust_is_faint_and_little_is_opaque():
    strengths = np.array([patch.strength for patch in draw_damage(SHAPE, FrameRecipe(), 3)])
    assert 0.25 < np.median(strengths) < 0.6
    assert (strengths < 0.2).mean() > 0.1
    assert 0.01 < (strengths > 0.85).mean() < 0.3


def test_faint_dust_takes_five_to_twenty_percent():
    strengths = [patch.strength for patch in draw_damage(SHAPE, KINDS["faint_dust"], 3)]
    assert 0.05 < np.median(strengths) < 0.2 and np.percentile(strengths, 95) < 0.4


def test_dust_darkens_both_planes_in_nearly_equal_measure_in_each_channel(sky):
    frame = simulate_frame(sky, replace(KINDS["clear_slide"], damage=replace(ALONE, dirt=4.0)), seed=4)
    assert frame.visible_mask.sum() > 200
    lost = 1 - frame.rgb[frame.visible_mask] / frame.clean_rgb[frame.visible_mask]
    lost_infrared = 1 - frame.infrared[frame.visible_mask] / frame.clean_infrared[frame.visible_mask].astype(float)
    assert lost.min() > -0.01
    assert np.corrcoef(lost[:, 0], lost[:, 2])[0, 1] > 0.98
    assert np.corrcoef(lost[:, 1], lost_infrared)[0, 1] > 0.95


def test_a_stripped_scratch_is_brighter_than_the_slide_and_darker_in_infrared(sky):
    recipe = replace(KINDS["clear_slide"], damage=replace(ALONE, stripped_scratches=40.0))
    frame = simulate_frame(sky * np.float32(0.2), recipe, seed=4)
    change = frame.rgb.astype(int) - frame.clean_rgb
    infrared_change = frame.infrared.astype(int) - frame.clean_infrared
    core = frame.defect_labels > 0
    assert core.sum() > 100
    assert np.median(change[core]) > 1000
    assert np.median(infrared_change[core]) < -1000
    assert {defect.kind for defect in frame.defects} == {DefectKind.STRIPPED_SCRATCH}


def test_dust_that_infrared_alone_saw_leaves_the_picture_as_it_is(sky):
    damage = replace(ALONE, dust=5.0, infrared_only_share=1.0)
    frame = simulate_frame(sky, replace(KINDS["clear_slide"], damage=damage), seed=4)
    assert frame.defects and all(defect.infrared_only for defect in frame.defects)
    assert np.array_equal(frame.rgb, frame.clean_rgb)
    assert not frame.visible_mask.any() and frame.any_mask.any()
    assert (frame.infrared < frame.clean_infrared).any()


def test_a_fingerprint_is_large_and_of_low_contrast(sky):
    recipe = replace(KINDS["clear_slide"], damage=replace(ALONE, fingerprints=1))
    frame = simulate_frame(sky, recipe, seed=4)
    (defect,) = frame.defects
    assert defect.rows[1] - defect.rows[0] > 150
    change = 1 - frame.rgb[frame.any_mask] / frame.clean_rgb[frame.any_mask]
    assert 0.005 < change.mean() < 0.15 and change.max() < 0.25


def test_drawn_outlines_are_used_for_their_kind(sky):
    square = Outline(DefectKind.DUST, np.array([[0, 0], [0, 40], [40, 40], [40, 0]], float))
    recipe = FrameRecipe(damage=replace(ALONE, dust=3.0, dirt=3.0, outlines=(square,)))
    areas = {kind: [] for kind in (DefectKind.DUST, DefectKind.DIRT)}
    for patch in draw_damage((800, 800), recipe, 2):
        areas[patch.kind].append(float((patch.coverage > 0.05).sum()))
    assert 1400 < np.median(areas[DefectKind.DUST]) < 2000
    assert np.median(areas[DefectKind.DIRT]) < 500


@pytest.mark.parametrize("kind", DefectKind)
def test_a_defect_of_any_kind_covers_each_pixel_by_0_to_1_and_absorbs_some_light(kind):
    spot = Spot((100.0, 120.0), 300.0, (200, 240))
    patch = draw_patch(np.random.default_rng(5), kind, spot, FrameRecipe())
    assert patch.kind is kind
    assert patch.coverage.dtype == np.float32
    assert 0.0 <= patch.coverage.min() <= patch.coverage.max() <= 1.0
    assert 0.0 < patch.strength < 1.0
    assert patch.infrared_density > 0.0
    assert (max(patch.stripped_rgb) > 0) == (kind is DefectKind.STRIPPED_SCRATCH)


def test_a_defect_of_the_infrared_pass_has_the_strength_of_its_infrared():
    patch = Patch(DefectKind.DUST, 0, 0, np.ones((2, 2), np.float32), (0, 0, 0), (0, 0, 0), 1.0)
    assert patch.infrared_only
    assert patch.strength == pytest.approx(0.9)
