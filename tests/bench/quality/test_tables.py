"""Tables of the quality bench: frame by frame, means of every cleaner, targets."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from bench.frames.suite import Case
from bench.measures.metrics import Score
from bench.peers.cleaners import OURS, PERFECT_TELEA, RAW, SANEI
from bench.quality.tables import Result, dye, kinds_table, peers_table, targets_table

GOOD = Score(0.99, 0.99, 0.99, 39.0, 56.0, 0.0001, 0, 0.01, False, 1.0)
BAD = replace(GOOD, f1=0.5, defects_db=20.0, frame_db=38.0, harmed=0.05, worse=True, outside=9, seconds=2.0)


def a_result(kind="leaky_slide", ours=GOOD, **others):
    scores = {OURS: ours, RAW: replace(BAD, harmed=0.0), PERFECT_TELEA: replace(BAD, defects_db=31.0), **others}
    return Result(Case(kind, "coffee", lambda *_: None, 1), scores)


def cells(table, row):
    return {column.name: row[index] for index, column in enumerate(table.columns)}


def test_each_frame_has_a_row_and_what_sanei_ir_did_not_do_is_unknown():
    table = kinds_table([a_result(), a_result(**{SANEI: BAD})])
    first, second = (cells(table, row) for row in table.rows)
    assert (first["F1"], first["F1 sanei"], first["x sanei"]) == (0.99, None, None)
    assert (second["F1 sanei"], second["x sanei"]) == (0.5, 0.5)


def test_means_are_those_of_the_frames_that_a_cleaner_did():
    table = peers_table([a_result(), a_result(ours=BAD, **{SANEI: BAD})], "all")
    rows = {row[0]: cells(table, row) for row in table.rows}
    assert rows[OURS]["F1"] == pytest.approx(0.745)
    assert (rows[OURS]["frames left worse"], rows[OURS]["of"]) == (1, 2)
    assert (rows[SANEI]["of"], rows[RAW]["F1"]) == (1, None)


def test_targets_are_met_by_good_frames_and_missed_by_bad_ones():
    for ours, met in ((GOOD, "yes"), (BAD, "no")):
        rows = {row[0]: row[-1] for row in targets_table([a_result(ours=ours)]).rows}
        names = ("F1, mean of the dye films", "harmed, mean", "changed outside the mask", "frames left worse")
        assert {rows[name] for name in names} == {met}


def test_of_a_spotless_frame_hardly_a_pixel_may_change():
    changed = replace(GOOD, changed=0.001)
    rows = {row[0]: row[-1] for row in targets_table([a_result("spotless", ours=changed)]).rows}
    assert rows["spotless: pixels changed"] == "no"
    assert dye([a_result("spotless")]) == []


def test_a_result_is_plain_data_for_json():
    result = a_result(ours=replace(GOOD, f1=math.nan, frame_db=math.inf))
    scores = json.loads(json.dumps(result.as_dict()))["scores"][OURS]
    assert (scores["f1"], scores["frame_db"], scores["precision"]) == (None, None, 0.99)
