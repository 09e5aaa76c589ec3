"""Lists of captions as spreadsheets save them: taken whole, or refused with every line that does not fit."""

from __future__ import annotations

import pytest

from filmscand.daemon.database.frames import Roll
from filmscand.daemon.review.caption_list import ListRefusedError, read_list

ROLL = Roll("museum", "box-1", "roll_a")


def read(text):
    return [(one.place, one.number, one.changes.model_dump(exclude_unset=True)) for one in read_list(text, ROLL)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_frame_is_named_by_number_stem_or_whole_name(separator, end):
    rows = [("Frame", "Caption"), ("1", "Ada"), ("roll_a_0002", "Bob"), ("museum/box-1/roll_a_0003", "Cy")]
    text = "\ufeff" + (end or "\n").join(separator.join(row) for row in rows) + end
    assert read(text) == [
        ("line 2", 1, {"caption": "Ada"}),
        ("line 3", 2, {"caption": "Bob"}),
        ("line 4", 3, {"caption": "Cy"}),
    ]


def test_every_field_has_a_column_and_an_empty_cell_changes_nothing():
    text = 'frame,caption,date,mount,turn,mirrored\n7,"Ada, on the pier",1968-07,12A,90,yes\n8,,,,,\n,,,,,\n'
    assert read(text) == [
        (
            "line 2",
            7,
            {"caption": "Ada, on the pier", "date": "1968-07", "mount_number": "12A", "turn": 90, "mirrored": True},
        ),
        ("line 3", 8, {}),
    ]


def test_lines_are_counted_as_an_editor_counts_them():
    text = 'frame,caption,date\n1,"two\nlines",\n\n2,,summer\n'
    with pytest.raises(ListRefusedError) as refused:
        read(text)
    assert [one.partition(":")[0] for one in refused.value.problems] == ["line 2", "line 5"]


def test_every_line_that_does_not_fit_is_named_and_the_others_are_not_taken():
    text = "frame;date;turn\n1;1968;\n2;14.7.1968;45\nroll_b_0003;1968;\n4;1968\n1;1970;\n0;1968;\n"
    with pytest.raises(ListRefusedError) as refused:
        read(text)
    assert len(refused.value.problems) == 5
    two, three, four, zero, again = refused.value.problems
    assert two.startswith("line 3: date: expected a date like 1968")
    assert "turn: Input should be 0, 90, 180 or 270" in two
    assert three == "line 4: expected the number of a frame of roll_a, as 7 or roll_a_0007, found 'roll_b_0003'"
    assert four == "line 5: expected 3 cells, found 2"
    assert zero.startswith("line 7: expected the number of a frame")
    assert again == "line 6: frame 1 was named before, in line 2"
    assert str(refused.value).startswith("nothing was taken: line 3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: there is no column named frame"),
        ("frame,title\n1,x\n", "line 1: there is no column 'title'"),
        ("frame,caption,caption\n1,x,y\n", "line 1: the column caption is there twice"),
        ("frame,mount,mount_number\n1,x,y\n", "line 1: mount and mount_number are the same"),
        ("frame,caption\n", "line 2: expected a frame, found the end of the file"),
        ('frame,caption\n1,"Ada\n', "line 2: unexpected end of data"),
        ("frame,caption\n1,caf\ufffd\n", "line 2: caption: some letters were lost"),
    ],
)
def test_a_text_that_is_no_list_is_refused(text, words):
    with pytest.raises(ListRefusedError) as refused:
        read(text)
    assert refused.value.problems[0].startswith(words)
