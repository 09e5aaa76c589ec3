"""What the blind bench calls found, false and touched, and that its second damage model tells the truth."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from bench.blind.finders import OURS, TOP_HAT_LEVELS, top_hat_name
from bench.blind.frames import BlindFrame, Group, blind_cases, inverted
from bench.blind.scores import Tally, false_marks_per_megapixel, score_mask, strength_name, summed
from bench.blind.tables import BlindResult, groups_table
from bench.frames.drawn_pictures import foliage, night_lamps, rocks, star_field, wires
from bench.frames.second_film import VISIBLE_SHARE, second_model
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky

CASES = blind_cases()


@pytest.fixture(scope="module")
def second():
    return second_model(smooth_sky(240, 300, 2), seed=4)


@pytest.fixture(scope="module")
def stars():
    lights = star_field(200, 300, 3)
    return BlindFrame(simulate_frame(lights.picture, KINDS["spotless"], seed=5), lights.labels)


def test_there_are_enough_frames_of_every_group_and_no_two_of_one_name():
    groups = [case.group for case in CASES]
    assert len({case.name for case in CASES}) == len(CASES) > 40
    assert {group: groups.count(group) >= 3 for group in Group} == dict.fromkeys(Group, True)
    assert groups.count(Group.COLOUR) >= 18


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_frame_has_damage_unless_it_is_spotless(case):
    frame = case.make(96, 144).frame
    assert frame.rgb.shape == (96, 144, 3)
    assert frame.visible_mask.any() or case.group is Group.SPOTLESS or "faint" in case.name or not frame.defects
    assert not (frame.any_mask.any() and case.group is Group.SPOTLESS)
    assert np.array_equal(frame.rgb[~frame.any_mask], frame.clean_rgb[~frame.any_mask])


@pytest.mark.parametrize("make", [rocks, foliage, wires])
def test_a_drawn_picture_is_linear_light_and_the_same_for_a_seed(make):
    picture = make(80, 120, 7)
    assert picture.shape == (80, 120, 3)
    assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.02
    assert np.array_equal(picture, make(80, 120, 7))
    assert not np.array_equal(picture, make(80, 120, 8))


@pytest.mark.parametrize("make", [star_field, night_lamps])
def test_lights_lie_where_their_labels_say(make):
    lights = make(200, 300, 7)
    on, off = lights.labels > 0, lights.labels == 0
    assert np.median(lights.picture[on].max(-1)) > 5 * np.median(lights.picture[off].max(-1))


def test_damage_of_the_second_model_is_visible_where_it_is_said_to_be(second):
    light, clean = second.rgb.astype(float), second.clean_rgb.astype(float)
    change = (np.abs(light - clean) / clean).max(-1)
    assert change[second.visible_mask].min() > 0.8 * VISIBLE_SHARE
    assert np.percentile(change[~second.visible_mask], 99.9) < 1.6 * VISIBLE_SHARE
    assert set(np.unique(second.defect_labels)) <= set(range(len(second.defects) + 1))


def test_a_spotless_frame_of_the_second_model_is_clean():
    frame = second_model(smooth_sky(60, 80, 2), seed=4, spotless=True)
    assert np.array_equal(frame.rgb, frame.clean_rgb) and not frame.any_mask.any() and not frame.defects


def test_in_an_inverted_negative_dust_is_white():
    frame = inverted(simulate_frame(smooth_sky(160, 240, 3), KINDS["negative"], seed=11))
    core = frame.visible_mask
    assert (frame.rgb[core].mean(-1) > frame.clean_rgb[core].mean(-1)).mean() > 0.95
    assert np.array_equal(frame.rgb[~frame.any_mask], frame.clean_rgb[~frame.any_mask])


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


def test_the_means_say_how_much_of_strong_damage_is_found_in_each_group(second):
    score = score_mask(BlindFrame(second), second.visible_mask, None, 1.0)
    half = dataclasses.replace(score, recall_by_strength={"over 60 %": Tally(1, 2), "5-20 %": Tally(3, 3)})
    results = [
        BlindResult(name, group, {OURS: each, top_hat_name(TOP_HAT_LEVELS[0]): each})
        for name, group, each in (("coffee", Group.COLOUR, half), ("camera", Group.SILVER, score))
    ]
    columns = {str(column.header): next(iter(column.cells)) for column in groups_table(results).columns}
    assert (columns["60 % colour"], columns["60 % silver"], columns["60 % hard"]) == ("0.500", "1.000", "-")
