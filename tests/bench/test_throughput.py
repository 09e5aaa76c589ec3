"""The table of a frame's steps from file to sidecar."""

from __future__ import annotations

import pytest

from bench.throughput import Passage, steps_table

STEPS = ("read", "clean", "preview", "store", "write_clean", "write_mask", "write_access", "sidecar", "total")


def test_steps_stand_in_their_order_with_the_engines_below_the_cleaning():
    passage = Passage(0.5, 0.4, {name: float(index) for index, name in enumerate(STEPS)}, {"heal": 0.25})
    table = steps_table("24 MP", passage, 0.5)
    names = [row[0] for row in table.rows]
    assert names[:3] == ["copied into the archive, hashed, synced", "the same file by cp and sync", "read"]
    assert names[3:5] == ["clean", "clean: heal"]
    assert names[-1] == "file read to sidecar"
    assert table.rows[-1][1:] == (8.0, pytest.approx(16.0))
