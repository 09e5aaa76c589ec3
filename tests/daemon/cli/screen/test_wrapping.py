from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from filmscand.daemon.cli.screen.wrapping import pad, shorten, wrap

TEXTS = st.text(alphabet="ab 日é/_7", max_size=120)
WIDTHS = st.integers(2, 60)


@given(TEXTS, WIDTHS)
def test_no_line_is_wider_than_allowed_and_no_character_is_lost(text, width):
    lines = wrap(text, width)
    assert max(map(cell_len, lines), default=0) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_a_text_is_broken_at_spaces_and_a_long_word_inside():
    assert wrap("the archive is /very/long/path", 12) == ["the archive", "is", "/very/long/", "path"]
    assert wrap("as long as it is", None) == ["as long as it is"]


@given(TEXTS, st.integers(1, 60))
def test_a_shortened_name_fits_and_a_short_one_stays(name, width):
    short = shorten(name, width)
    assert cell_len(short) <= width
    assert short == name or "…" in short


def test_the_end_of_a_name_which_tells_frames_apart_is_kept():
    assert shorten("unsorted/unsorted/holiday-1974_0001", 24) == "unsorte…oliday-1974_0001"


def test_a_wide_character_takes_two_cells_of_a_column():
    assert pad("日本", 6) == "日本  "
    assert pad("7", 3, right=True) == "  7"
