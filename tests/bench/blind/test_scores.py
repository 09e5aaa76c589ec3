"""What the blind bench calls found, false and touched."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.blind.frames import BlindFrame
from bench.blind.scores import Tally, false_marks_per_megapixel, score_mask, strength_name, summed
from bench.frames.drawn_pictures import star_field
from bench.frames.second_film import second_model
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky


@pytest.fixture(scope="module")
def second():
    return second_model(smooth_sky(240, 300, 2), seed=4)


@pytest.fixture(scope="module")
def stars():
    lights = star_field(200, 300, 3)
    return BlindFrame(simulate_frame(lights.picture, KINDS["spotless"], seed=5), lights.labels)


def test_the_true_mask_finds_every_kind_and_strength_and_marks_nothing_falsely(second):
    score = score_mask(BlindFrame(second), second.visible_mask, second.clean_rgb, 1.0)
    assert (score.f1, score.false_marks, score.worse) == (1, 0, False)
    assert {tally.share for tally in score.recall_by_kind.values() if tally.of} == {1.0}
    assert sum(tally.of for tally in score.recall_by_strength.values()) == int(
        (second.visible_mask & (second.defect_labels > 0)).sum()
    )
    assert math.isinf(score.after_db)


def test_a_mark_far_from_damage_is_false_and_one_beside_it_is_not(second):
    mask = np.zeros_like(second.visible_mask)
    row, col = np.argwhere(second.visible_mask)[0]
    mask[row, col] = True
    assert score_mask(BlindFrame(second), mask, None, 1.0).false_marks == 0
    far = np.argwhere(~second.any_mask)
    distance = np.abs(far[:, None] - np.argwhere(second.any_mask)[None, ::7]).max(-1).min(1)
    mask[tuple(far[distance.argmax()])] = True
    score = score_mask(BlindFrame(second), mask, None, 1.0)
    assert (score.false_marks, score.precision) == (1, 0.5)
    assert false_marks_per_megapixel([score]) == pytest.approx(1e6 / mask.size)


def test_a_star_counts_as_touched_where_one_of_its_pixels_is_marked(stars):
    nothing = np.zeros(stars.lights.shape, np.bool_)
    seen = score_mask(stars, nothing, None, 1.0).lights
    assert seen.found == 0 and seen.of > 10
    everything = score_mask(stars, ~nothing, None, 1.0).lights
    assert everything == Tally(seen.of, seen.of)


@pytest.mark.parametrize(
    ("strength", "name"),
    [(0.01, "under 5 %"), (0.05, "5-20 %"), (0.2, "20-60 %"), (0.59, "20-60 %"), (0.6, "over 60 %")],
)
def test_strengths_fall_into_classes(strength, name):
    assert strength_name(strength) == name


def test_tallies_add_up_by_name():
    assert summed([{"dust": Tally(1, 2)}, {"dust": Tally(2, 2), "dirt": Tally(0, 1)}]) == {
        "dust": Tally(3, 4),
        "dirt": Tally(0, 1),
    }
    assert math.isnan(Tally().share)
