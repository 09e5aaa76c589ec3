"""Tables of the blind bench: means by group, the best top-hat, targets."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bench.blind.finders import DETECTOR, OURS, TOP_HAT_LEVELS, top_hat_name
from bench.blind.frames import BlindFrame, Group
from bench.blind.scores import Tally, score_mask
from bench.blind.tables import (
    BlindResult,
    best_top_hat,
    frames_table,
    groups_table,
    recall_table,
    shown_names,
    targets_table,
)
from bench.frames.second_film import second_model
from filmscand.film.pictures import smooth_sky


@pytest.fixture(scope="module")
def second():
    return BlindFrame(second_model(smooth_sky(240, 300, 2), seed=4))


def test_the_means_say_how_much_of_strong_damage_is_found_in_each_group(second):
    score = score_mask(second, second.frame.visible_mask, None, 1.0)
    half = dataclasses.replace(score, recall_by_strength={"over 60 %": Tally(1, 2), "5-20 %": Tally(3, 3)})
    results = [
        BlindResult(name, group, {OURS: each, top_hat_name(TOP_HAT_LEVELS[0]): each})
        for name, group, each in (("coffee", Group.COLOUR, half), ("camera", Group.SILVER, score))
    ]
    columns = {str(column.header): next(iter(column.cells)) for column in groups_table(results).for_terminal().columns}
    assert (columns["60 % colour"], columns["60 % silver"], columns["60 % hard"]) == ("0.500", "1.000", "-")


def test_a_result_is_plain_data_for_json(second):
    result = BlindResult("coffee", Group.COLOUR, {OURS: score_mask(second, second.frame.visible_mask, None, 1.0)})
    plain = json.loads(json.dumps(result.as_dict()))
    assert plain["scores"][OURS]["f1"] == 1
    assert plain["scores"][OURS]["after_db"] is None


def test_of_the_top_hats_the_best_is_shown_after_filmscand_and_its_detector(second):
    good, bad = (score_mask(second, mask, None, 1.0) for mask in (second.frame.visible_mask, ~second.frame.any_mask))
    names = [top_hat_name(level) for level in TOP_HAT_LEVELS]
    scores = {OURS: good, DETECTOR: good, **{name: good if name == names[2] else bad for name in names}}
    results = [BlindResult("coffee", Group.COLOUR, scores)]
    assert best_top_hat(results) == names[2]
    assert shown_names(results) == [OURS, DETECTOR, names[2]]
    assert [str(column.header) for column in frames_table(results).columns][-3:] == [
        f"F1 {DETECTOR}",
        f"F1 {names[2]}",
        "warnings",
    ]


def test_targets_are_met_by_the_true_mask_and_missed_by_a_false_one(second):
    for mask, met in ((second.frame.visible_mask, "yes"), (~second.frame.any_mask, "no")):
        score = score_mask(second, mask, None, 1.0)
        results = [
            BlindResult(str(group), group, {OURS: score, top_hat_name(TOP_HAT_LEVELS[0]): score})
            for group in (Group.COLOUR, Group.SILVER, Group.KODACHROME)
        ]
        rows = {row[0]: row[-1] for row in targets_table(results).rows}
        assert {rows[f"F1, mean of {group}"] for group in ("colour", "silver", "kodachrome")} == {met}
        assert rows["precision over all pixels"] == met


def test_recall_is_told_by_strength_and_by_kind(second):
    score = score_mask(second, second.frame.visible_mask, None, 1.0)
    results = [BlindResult("coffee", Group.COLOUR, {OURS: score, top_hat_name(TOP_HAT_LEVELS[0]): score})]
    rows = {row[0]: row for row in recall_table(results).rows}
    assert set(rows) >= {"under 5 %", "over 60 %", "dust", "scratch"}
    assert rows["dust"][2] == 1.0
