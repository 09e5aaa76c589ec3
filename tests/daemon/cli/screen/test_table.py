"""Tables stay readable however narrow the terminal is."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from filmscand.daemon.cli.screen.table import Column, Kind, show_table, table_lines

FRAMES = (
    Column("frame", Kind.NAME),
    Column("outcome"),
    Column("leakage", Kind.NUMBER),
    Column("threshold", Kind.NUMBER),
    Column("defects", Kind.NUMBER),
    Column("s", Kind.NUMBER),
    Column("remarks", Kind.TEXT),
)
ROWS = [
    (f"unsorted/unsorted/holiday-at-the-sea-1974_{number:04d}", "archived", "0.042", "0.100", "12", "2.50", remark)
    for number, remark in enumerate(["", "no infrared came within 180 s, found by colours"])
]
CELLS = st.text(alphabet="ab日 _/\x1b\u202e1", max_size=90)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_no_heading_is_cut(width):
    lines = table_lines(FRAMES, ROWS, width)
    assert max(map(cell_len, lines)) <= width
    shown = " ".join(lines)
    assert [column.title for column in FRAMES[2:6] if column.title not in shown] == []
    assert "remarks" in shown
    assert "_0000" in shown and "_0001" in shown


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5), st.integers(10, 150))
def test_whatever_the_cells_hold_every_line_fits(rows, width):
    columns = [Column("name", Kind.NAME), Column("state"), Column("n", Kind.NUMBER), Column("why", Kind.TEXT)]
    lines = table_lines(columns, rows, width)
    assert max(map(cell_len, lines)) <= width
    assert not any(char in line for line in lines for char in "\x1b\u202e")


def test_where_there_is_no_terminal_nothing_is_shortened():
    assert ROWS[1][0] in table_lines(FRAMES, ROWS, None)[2]
    assert table_lines(FRAMES, ROWS, None)[2].endswith("found by colours")


def test_a_text_that_has_no_room_goes_below_its_row_and_names_are_shortened_in_the_middle():
    heading, first, second, remark = table_lines(FRAMES, ROWS, 80)
    assert heading.split() == ["frame", "outcome", "leakage", "threshold", "defects", "s"]
    assert "…" in first
    assert second.split()[0].endswith("1974_0001")
    assert remark == "  remarks: no infrared came within 180 s, found by colours"


def test_two_names_that_would_look_the_same_are_shown_in_full():
    rows = [(f"/{middle}/{'x' * 60}", "archived") for middle in ("a" * 40 + "1" + "b" * 40, "a" * 40 + "2" + "b" * 40)]
    lines = table_lines((Column("name", Kind.NAME), Column("outcome")), rows, 80)
    assert "".join(lines).replace(" ", "").count("1bbb") == 1
    assert "…" not in "".join(lines)


def test_a_column_of_texts_without_any_text_is_left_out():
    assert table_lines((Column("a"), Column("remarks", Kind.TEXT)), [("x", "")], 80) == ["a", "x"]
    assert table_lines((Column("a"),), [], 80) == []


def test_a_table_goes_to_the_stream(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    show_table((Column("a", colours={"x": "green"}),), [("x",)], stream)
    assert stream.getvalue() == "a\nx\n"
