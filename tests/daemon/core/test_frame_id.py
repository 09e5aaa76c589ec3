from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.core.frame_id import FrameId, require_slug, slug, slugs_of

slugs = st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True)


def test_a_frame_lies_below_its_collection_box_and_roll():
    frame = FrameId("meyer", "box-3", "r12", 7)
    assert frame.folder == Path("meyer/box-3/r12/data/r12_0007")
    assert frame.stem == "r12_0007"
    assert str(frame) == "meyer/box-3/r12_0007"


def test_frames_of_a_roll_sort_by_number():
    assert sorted([FrameId("c", "b", "r", 10), FrameId("c", "b", "r", 9)])[0].number == 9


@pytest.mark.parametrize("bad", ["", "Roll", "a/b", "..", "a b", "ü", "a" * 65, "a\n"])
def test_a_name_that_could_leave_the_tree_is_refused(bad):
    with pytest.raises(FrameIdError, match=r"roll: expected 1 to 64 of a-z"):
        FrameId("c", "b", bad, 1)


@pytest.mark.parametrize("number", [0, -1, 10000, True])
def test_a_number_outside_four_digits_is_refused(number):
    with pytest.raises(FrameIdError, match=r"number: expected 1\.\.9999"):
        FrameId("c", "b", "r", number)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Büchse 3", "buchse-3"),
        ("Straße", "strasse"),
        ("Łódź 1968 / ø", "lodz-1968-o"),
        ("フィルム", "fuirumu"),
        ("Отпуск на море №2", "otpusk-na-more-no2"),
        ("Осень", "osen"),
        ("結婚式", "jiehunshi"),
        ("한국", "hangug"),
        ("  --  ", "unnamed"),
        ("../etc/passwd", "etc-passwd"),
        ("Kodak №5", "kodak-no5"),
    ],
)
def test_free_text_becomes_a_name(text, name):
    assert slug(text) == name


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_becomes_a_name_that_can_stand_and_stays_itself(text):
    name = slug(text)
    assert require_slug("name", name) == name
    assert slug(name) == name or re.fullmatch("-*", name)


@settings(max_examples=40, deadline=None)
@given(slugs, slugs, slugs, st.integers(1, 9999))
def test_the_folder_of_a_frame_names_it_again(collection, box, roll, number):
    frame = FrameId(collection, box, roll, number)
    assert FrameId.from_folder(frame.folder) == frame


@pytest.mark.parametrize(
    "folder", ["a/b/c/data/d_0001", "a/b/c/data/c_1", "a/b/c/c_0001", "c_0001", "a/b/c/data/c_0000"]
)
def test_a_folder_that_is_no_frames_is_refused(folder):
    with pytest.raises(FrameIdError):
        FrameId.from_folder(Path(folder))


@given(st.text(max_size=90), st.text(max_size=9))
def test_a_name_gets_its_own_slug_first_and_then_others_that_stay_the_same(text, key):
    slugs = list(slugs_of(text, key))
    assert slugs[0] == slug(text)
    assert len(set(slugs)) == 4
    assert [require_slug("roll", one) for one in slugs_of(text, key)] == slugs


def test_names_that_are_alike_at_their_beginning_differ_in_their_suffix():
    one, two = ("f" * 70 + end for end in ("1", "2"))
    assert slug(one) == slug(two)
    assert not set(list(slugs_of(one, one))[1:]) & set(list(slugs_of(two, two))[1:])


def test_a_frame_is_found_again_by_the_name_that_it_prints():
    frame = FrameId("c", "b", "r_1", 7)
    assert FrameId.from_name(str(frame)) == frame
    for text in ("c/b/r", "b/r_0007", "c/b/r_7", "c/b/x/r_0007", ""):
        with pytest.raises(FrameIdError):
            FrameId.from_name(text)
