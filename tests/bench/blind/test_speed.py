"""The table of the detector's speed."""

from __future__ import annotations

from bench.blind.speed import Speed, speed_table
from bench.measures.process import Peak


def test_steps_cleaning_network_and_memory_have_a_row_each_and_targets_where_there_are_some():
    peak = Peak(100_000_000, 300_000_000, 800_000_000)
    rows = {row[0]: row[1:] for row in speed_table(Speed(4.0, 5.5, {"detect": 4.25}, peak)).rows}
    assert rows == {
        "detect": ("4.25 s", ""),
        "cleaning": ("5.50 s", "12 s on two cores"),
        "the network alone": ("4.00 s", ""),
        "memory above the frame": ("500 MB", "1000 MB"),
    }
