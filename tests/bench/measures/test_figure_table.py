"""A table of figures, as text on the terminal, as Markdown and as JSON."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console

from bench.measures.figure_table import FigureTable, columns, plain, target_table

TABLE = FigureTable(
    title="means",
    columns=columns("cleaner", ("F1", 3), "frames"),
    rows=(("ours", 0.98, 37), ("a|b", math.nan, 2)),
)
CELLS = st.one_of(st.text(max_size=5), st.integers(-9, 9), st.floats(), st.none())


def test_markdown_has_the_digits_of_each_column_and_numbers_to_the_right():
    assert TABLE.as_markdown().splitlines() == [
        "**means**",
        "",
        "| cleaner | F1 | frames |",
        "| --- | ---: | ---: |",
        "| ours | 0.980 | 37 |",
        "| a\\|b | - | 2 |",
    ]


def test_the_terminal_shows_the_same_cells():
    console = Console(width=80, file=io.StringIO())
    console.print(TABLE.for_terminal())
    text = console.file.getvalue()
    assert all(word in text for word in ("means", "ours", "0.980", "a|b", "-"))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_a_table_comes_back_from_json_as_it_was(rows):
    table = FigureTable(title="", columns=columns("a", "b"), rows=tuple(rows))
    assert FigureTable.model_validate_json(table.model_dump_json()) == table


def test_a_row_with_a_cell_too_few_is_refused():
    with pytest.raises(ValidationError, match="expected 2 cells in each row, found 1"):
        FigureTable(title="", columns=columns("a", "b"), rows=(("x",),))
    with pytest.raises(ValidationError):
        FigureTable(title="", columns=columns("a"), rows=(), colour="red")


def test_targets_say_whether_they_are_met():
    table = target_table("targets", [("F1", "0.98", "0.95", True), ("worse", "2", "0", False)])
    assert [row[-1] for row in table.rows] == ["yes", "no"]


def test_plain_data_has_no_nan_and_no_infinity():
    assert plain({"a": math.nan, "b": {"c": math.inf, "d": 1.5}, "e": "x"}) == {
        "a": None,
        "b": {"c": None, "d": 1.5},
        "e": "x",
    }
