"""Tables of the engine's speed and memory."""

from __future__ import annotations

import pytest

from bench.measures.process import Peak
from bench.speed import BY_COLOURS, KindMeasured, Measured, OursMeasured, kinds_table, peaks_table, steps_table

MB = 1_000_000
OURS = OursMeasured(0.9, {"leakage": 0.3, "heal": 0.6}, Peak(100 * MB, 300 * MB, 700 * MB))


@pytest.mark.parametrize(("sanei_s", "names", "ratio"), [(1.8, 1, 0.5), (None, 0, None)], ids=["sanei", "none"])
def test_each_step_is_compared_with_a_copy_and_with_sanei_ir_if_there_is_one(sanei_s, names, ratio):
    rows = {row[0]: row[1:] for row in steps_table(Measured(24, 200 * MB, 0.01, OURS, sanei_s)).rows}
    assert list(rows) == ["leakage", "heal", "ours", *["sanei_ir (C)"] * names, "one copy"]
    assert rows["ours"][:2] == (0.9, pytest.approx(90))
    assert rows["ours"][2] == ratio


def test_the_peak_is_told_in_megabytes_and_frames():
    table = peaks_table([Measured(24, 200 * MB, 0.01, OURS, None)])
    assert table.rows == (("24", 700.0, 3.0, 2.0),)


def test_each_kind_is_compared_with_sanei_ir_and_the_mean_counts_those_that_it_can_clean():
    kinds = [
        KindMeasured("clear_slide", 1.0, 0.5, 2.0),
        KindMeasured(BY_COLOURS, 9.0, 8.0, None),
        KindMeasured("spotless", 2.0, 0.0, 2.0),
    ]
    rows = {row[0]: row[1:] for row in kinds_table(kinds, 24).rows}
    assert rows["clear_slide"] == (1.0, 0.5, 2.0, 0.5)
    assert rows[BY_COLOURS] == (9.0, 8.0, None, None)
    assert rows["mean of the 2 with infrared"] == (1.5, 0.25, 2.0, 0.75)


def test_without_sanei_ir_there_is_no_mean_to_compare():
    assert [row[0] for row in kinds_table([KindMeasured("silver", 1.0, 0.5, None)], 24).rows] == ["silver"]
