"""Tables of the third bench."""

from __future__ import annotations

from bench.measures.metrics import Score
from bench.measures.remnants import Remnants
from bench.third.recipe import Group
from bench.third.scores import OURS, RAW, SANEI, FrameScore, Result
from bench.third.tables import make_tables


def result(kind, group, cleaner, f1, *, changed=0.01, warnings=()):
    score = Score(f1, f1, f1, 30.0, 40.0, 0.0002, 0, changed, False, 1.0)
    return Result(kind, group, cleaner, FrameScore(score, 5.0, 0.02, Remnants(10, 2, 1, 3), warnings))


RESULTS = [
    result("clear", Group.DYE, OURS, 0.9),
    result("clear", Group.DYE, OURS, 1.0, warnings=("unsure",)),
    result("clear", Group.DYE, SANEI, 0.5),
    result("clear", Group.DYE, RAW, 0.0),
    result("grey", Group.SILVER, OURS, 0.6),
    result("road", Group.SPOTLESS, OURS, float("nan"), changed=0.0),
]


def cells(table, row):
    return dict(zip([column.name for column in table.columns], table.rows[row], strict=True))


def test_cleaners_have_the_means_of_each_group_and_sums_over_dye_films():
    cleaners, _, _ = make_tables(RESULTS)
    ours = cells(cleaners, 0)
    assert ours["cleaner"] == OURS
    assert abs(ours["F1 dye"] - 0.95) < 1e-9
    assert ours["F1 silver"] == 0.6
    assert ours["F1 Kodachrome"] is None
    assert (ours["obvious"], ours["missed"], ours["half"], ours["blemishes"]) == (20, 4, 2, 6)
    assert [row[0] for row in cleaners.rows] == [OURS, SANEI, RAW]
    assert cells(cleaners, 2)["F1 dye"] is None


def test_a_kind_has_one_row_with_its_peers_and_warnings():
    _, kinds, _ = make_tables(RESULTS)
    assert [row[0] for row in kinds.rows] == ["clear", "grey"]
    assert cells(kinds, 0)["F1 sanei"] == 0.5
    assert cells(kinds, 0)["warnings"] == "unsure"
    assert cells(kinds, 1)["F1 sanei"] is None


def test_spotless_kinds_say_how_much_was_touched():
    road = cells(make_tables(RESULTS)[2], 0)
    assert (road["frames"], road["touched"], road["changed %"]) == (1, 0, 0.0)


def test_tables_without_rows_are_left_out():
    assert len(make_tables(RESULTS[:1])) == 2
    assert len(make_tables(RESULTS[-1:])) == 2
