from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film import pictures
from filmscand.film.damage import STATISTICS, draw_damage
from filmscand.film.frame import Damage, DefectKind, FrameRecipe, Scanner, simulate_frame
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
