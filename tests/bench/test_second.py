"""Figures of a make of infrared on the second film."""

from __future__ import annotations

import pytest

from bench import second
from bench.frames.second_infrared import SecondInfrared
from filmscand.film.pictures import landscape
from filmscand.ir import CleanOptions
from support.ir_frames import compiled


@compiled
def test_a_row_has_scores_gain_and_what_was_changed_of_spotless_frames(monkeypatch):
    monkeypatch.setattr(second, "FRAME_PX", (300, 450))
    row = second.second_row(SecondInfrared(), 0, [lambda rows, cols: landscape(rows, cols, 5)], CleanOptions())
    table = second.second_table([("good", *row)], 1)
    cells = dict(zip([column.name for column in table.columns], table.rows[0], strict=True))
    assert cells["F1"] == cells["weakest F1"] > 0.5
    assert cells["dB gained"] > 5
    assert cells["frames left worse"] == 0
    assert cells["spotless: changed %"] == pytest.approx(0)
