"""Options take values as SANE's backends do: clamped, rounded, or refused."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.drivers.virtual.options import (
    Info,
    OptionRefused,
    OptionSet,
    Type,
    Unit,
    button,
    choice,
    code_value,
    fixed,
    group,
    integer,
    pick,
    read_value,
    switch,
    to_word,
)
from filmscand.drivers.virtual.wire import Reader, WireError, word

COUNT, HEADING, PREVIEW, FRAME, EXPOSURE, DEPTH, MODE, EJECT = range(8)


@pytest.fixture
def pressed():
    return []


@pytest.fixture
def options(pressed):
    listed = [
        group("Scan"),
        switch("preview", "Preview"),
        integer("frame", "Frame", 1, 6, 1),
        fixed("exposure", "Exposure", 0.0, 10.0, 1.0),
        pick("depth", "Depth", [8, 14], 14, Unit.BIT),
        choice("mode", "Mode", ["Gray", "Color"], "Gray", reloads=True),
        button("eject", "Eject"),
    ]
    return OptionSet(listed, pressed.append)


def test_option_0_is_the_number_of_options(options):
    assert options.get(COUNT) == 8
    with pytest.raises(OptionRefused):
        options.set(COUNT, 3)


def test_every_option_begins_with_its_default(options):
    assert [options.get(index) for index in range(1, 8)] == [0, 0, 1, 1.0, 14, "Gray", 0]
    assert options.number("exposure") == 1.0
    assert options["mode"] == "Gray"


@pytest.mark.parametrize(
    ("index", "value", "stored", "info"),
    [
        (PREVIEW, 1, 1, Info.RELOAD_PARAMS),
        (FRAME, 3, 3, Info.RELOAD_PARAMS),
        (FRAME, 99, 6, Info.RELOAD_PARAMS | Info.INEXACT),
        (EXPOSURE, 2.5, 2.5, Info.RELOAD_PARAMS),
        (EXPOSURE, -1.0, 0.0, Info.RELOAD_PARAMS | Info.INEXACT),
        (DEPTH, 12, 14, Info.RELOAD_PARAMS | Info.INEXACT),
        (MODE, "Color", "Color", Info.RELOAD_PARAMS | Info.RELOAD_OPTIONS),
    ],
)
def test_a_value_is_clamped_or_rounded_and_the_client_is_told(options, index, value, stored, info):
    assert options.set(index, value) == info
    assert options.get(index) == stored


def test_a_word_outside_the_list_and_a_heading_are_refused(options):
    with pytest.raises(OptionRefused, match="option mode: expected one of"):
        options.set(MODE, "Sepia")
    with pytest.raises(OptionRefused):
        options.set(HEADING, 1)
    assert options["mode"] == "Gray"


def test_a_button_is_pressed_and_keeps_no_value(options, pressed):
    assert options.set(EJECT, 1) == Info.NOTHING
    assert pressed == ["eject"]


def test_a_replaced_list_keeps_the_number_and_rounds_the_value(options):
    options.replace(pick("depth", "Depth", [8, 12], 8, Unit.BIT))
    assert options.options[DEPTH].choices == (8, 12)
    assert options["depth"] == 12


def test_a_string_takes_the_space_of_its_longest_word_with_a_nul(options):
    assert options.options[MODE].size_bytes == 6
    assert options.options[EJECT].size_bytes == 0
    assert options.options[DEPTH].size_bytes == 4


def test_descriptors_begin_with_their_number(options):
    assert options.descriptors().startswith(word(8))


@given(st.sampled_from([Type.BOOL, Type.INT]), st.integers(-(2**31), 2**31 - 1))
def test_whole_numbers_come_back_from_the_wire(kind, value):
    assert through_wire(kind, 4, value) == value


@given(st.integers(-(2**31), 2**31 - 1))
def test_fixed_point_numbers_come_back_in_steps_of_a_65536th(steps):
    assert through_wire(Type.FIXED, 4, steps / 65536) == steps / 65536
    assert to_word(Type.FIXED, steps / 65536) == steps


@given(st.text("abcdefgh ", max_size=12))
def test_words_come_back_in_the_length_that_the_client_asked_for(text):
    assert through_wire(Type.STRING, 8, text) == text[:7]


def test_a_button_has_no_value_on_the_wire():
    assert through_wire(Type.BUTTON, 0, 0) == 0


def through_wire(kind, size_bytes, value):
    reader = reader_of(code_value(kind, size_bytes, value))
    try:
        return read_value(reader, kind)
    finally:
        reader.close()


def test_a_value_of_an_impossible_length_is_an_error():
    reader = reader_of(word(1 << 20))
    with pytest.raises(WireError, match="found 1048576"):
        read_value(reader, Type.INT)
    reader.close()


def reader_of(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        return Reader(ours)
