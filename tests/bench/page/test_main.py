"""The tables of the bench of the page, and what is wanted of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.page.__main__ import Batch, Load, Sheet, load_table, queries_table, sheet_table, slower, targets

LOAD = Load(
    alone=(Batch((10.0, 12.0), 0.1), Batch((11.0, 40.0), 0.3)),
    watched=(Batch((11.5, 12.0), 0.5), Batch((11.0, 13.0), 0.7)),
    status_s=(0.01,) * 99 + (0.4,),
    growth_bytes=40_000_000,
    events=100,
    readings=60,
)
SHEET = Sheet(300.0, (16.0, 17.0, 18.0, 45.0))
QUERIES = {"all rolls": 12.0, "one roll": 0.1}


def met(**changes):
    return [row[3] for row in targets(replace(LOAD, **changes), SHEET, QUERIES)]


def test_batches_are_compared_by_their_medians():
    assert slower(LOAD) == pytest.approx(11.75 / 11.5 - 1)


def test_what_the_service_did_alone_stands_beside_what_it_did_watched():
    rows = {row[0]: row[1:] for row in load_table("load", LOAD).rows}
    assert rows["frames"] == (4, 4)
    assert rows["seconds a frame, median"] == (11.5, 11.75)
    assert rows["the service's own processor seconds a frame"] == pytest.approx((0.2, 0.6))
    assert rows["status, median, ms"] == (None, pytest.approx(10.0))
    assert rows["growth of the service, MB"] == (None, 40.0)


def test_a_scroll_is_told_by_its_longest_frame():
    assert sheet_table("roll", SHEET).rows == ((300.0, 4, 17.5, 45.0),)


def test_queries_stand_in_a_row_each():
    assert queries_table("queries", QUERIES).rows == (("all rolls", 12.0), ("one roll", 0.1))


def test_every_target_is_met_or_named():
    assert met() == [True] * 5
    assert met(status_s=(0.3,)) == [False, True, True, True, True]
    assert met(watched=(Batch((13.0,), 0.1),)) == [True, False, True, True, True]
    assert met(growth_bytes=200_000_000) == [True, True, False, True, True]
    assert [row[3] for row in targets(LOAD, Sheet(1.0, (60.0,)), {"all rolls": 21.0})][3:] == [False, False]
