from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from filmscand.film import pictures, shapes
from filmscand.film.damage import STATISTICS, draw_damage
from filmscand.film.frame import Damage, DefectKind, FrameRecipe, Outline, Scanner, simulate_frame
from filmscand.film.kinds import KINDS

ALONE = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)
SHAPE = (1200, 1800)


@pytest.fixture(scope="module")
def sky():
    return np.full((300, 450, 3), 0.5, np.float32)


def core_area(patch):
    return float((patch.coverage > 0.5 * patch.coverage.max()).sum())


@pytest.mark.parametrize(
    ("kind", "field", "median_px"),
    [
        (DefectKind.DUST, "dust", 56),
        (DefectKind.DIRT, "dirt", 120),
        (DefectKind.SHORT_HAIR, "short_hairs", 273),
        (DefectKind.LONG_HAIR, "long_hairs", 916),
    ],
)
def test_sizes_have_the_medians_of_real_outlines(kind, field, median_px):
    recipe = FrameRecipe(damage=replace(ALONE, **{field: 6.0}))
    areas = [core_area(patch) for patch in draw_damage(SHAPE, recipe, 3)]
    assert len(areas) >= 15
    assert 0.6 * median_px < np.median(areas) < 1.5 * median_px


def test_numbers_follow_the_count_of_real_frames():
    cells = SHAPE[0] * SHAPE[1] / 256**2
    counts = [len(draw_damage(SHAPE, FrameRecipe(damage=replace(ALONE, dust=1.0)), seed)) for seed in range(12)]
    statistics = STATISTICS[DefectKind.DUST]
    expected = cells * statistics.filled_share * statistics.count_shape * statistics.count_scale
    assert np.mean(counts) == pytest.approx(expected, rel=0.25)


def test_half_the_resolution_shows_the_same_film_in_a_quarter_of_the_pixels():
    fine = FrameRecipe(damage=replace(ALONE, dirt=3.0, clustering=0.0))
    coarse = replace(fine, scanner=Scanner(resolution_dpi=1800))
    many = [patch for seed in range(6) for patch in draw_damage(SHAPE, fine, seed)]
    few = [patch for seed in range(6) for patch in draw_damage((SHAPE[0] // 2, SHAPE[1] // 2), coarse, seed)]
    assert len(few) == pytest.approx(len(many), rel=0.2)
    share = np.median([core_area(patch) for patch in few]) / np.median([core_area(patch) for patch in many])
    assert 0.17 < share < 0.36


def test_clustering_makes_cells_differ_more_than_chance():
    def spread(clustering):
        recipe = FrameRecipe(damage=replace(ALONE, dust=1.0, clustering=clustering))
        patches = [draw_damage((2560, 2560), recipe, seed) for seed in range(4)]
        places = [np.array([(patch.top_px, patch.left_px) for patch in frame]) for frame in patches]
        counts = np.stack([np.histogram2d(*place.T, bins=4, range=[[0, 2560]] * 2)[0] for place in places])
        return float((counts.std((1, 2)) / counts.mean((1, 2))).mean())

    assert spread(1.2) > 1.6 * spread(0.0)


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


def test_labels_point_at_defects_within_their_boxes(sky):
    frame = simulate_frame(sky, KINDS["heavy_dirt"], seed=4)
    for number, defect in enumerate(frame.defects, 1):
        rows, cols = np.nonzero(frame.defect_labels == number)
        assert 0 <= defect.strength <= 1
        if rows.size:
            assert defect.rows[0] <= rows.min() and rows.max() < defect.rows[1]
            assert defect.cols[0] <= cols.min() and cols.max() < defect.cols[1]


def test_no_defect_is_listed_that_the_mount_hides():
    frame = simulate_frame(pictures.smooth_sky(300, 450, 1), KINDS["mounted"], seed=4)
    for number in range(1, len(frame.defects) + 1):
        own = frame.defect_labels == number
        assert not own.any() or not frame.holder_mask[own].all() or frame.any_mask[own].any()


def test_drawn_outlines_are_used_for_their_kind(sky):
    square = Outline(DefectKind.DUST, np.array([[0, 0], [0, 40], [40, 40], [40, 0]], float))
    recipe = FrameRecipe(damage=replace(ALONE, dust=3.0, dirt=3.0, outlines=(square,)))
    areas = {kind: [] for kind in (DefectKind.DUST, DefectKind.DIRT)}
    for patch in draw_damage((800, 800), recipe, 2):
        areas[patch.kind].append(float((patch.coverage > 0.05).sum()))
    assert 1400 < np.median(areas[DefectKind.DUST]) < 2000
    assert np.median(areas[DefectKind.DIRT]) < 500


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(30, 2000), st.floats(1, 3))
def test_blobs_enclose_the_area_asked_for_and_their_depth_agrees_with_scikit_image(seed, area_px, elongation):
    outline = shapes.blob_outline(np.random.default_rng(seed), area_px, elongation, 0.25) + 60.3
    assert shapes.polygon_area(outline) == pytest.approx(area_px)
    depth = shapes.polygon_depth(outline)
    inside = polygon2mask(depth.depth_px.shape, outline - (depth.top_px, depth.left_px))
    clearly = np.abs(depth.depth_px) > 0.01
    assert np.array_equal((depth.depth_px > 0)[clearly], inside[clearly])


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 4))
def test_stroke_depth_is_the_distance_to_its_line(seed, half_width_px):
    rng = np.random.default_rng(seed)
    path = shapes.curved_path(rng, 40, shapes.Curl(rng.uniform(0, 6), 0.02, 20))
    field = shapes.stroke_depth(path, np.full(len(path), half_width_px))
    fine = np.concatenate([np.linspace(path[i], path[i + 1], 40) for i in range(len(path) - 1)])
    row, col = np.indices(field.depth_px.shape)
    distance = np.hypot(row[..., None] + field.top_px - fine[:, 0], col[..., None] + field.left_px - fine[:, 1]).min(-1)
    expected = np.maximum(half_width_px - distance, -4)
    assert np.allclose(np.maximum(field.depth_px, -3), np.maximum(expected, -3), atol=0.05)
