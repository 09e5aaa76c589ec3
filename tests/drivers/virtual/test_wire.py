"""What is encoded is decoded again, byte for byte as the SANE network protocol prescribes."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.drivers.virtual.wire import (
    LONGEST_STRING_BYTES,
    Reader,
    WireError,
    pointer,
    pointer_array,
    string,
    word,
    words,
)


def read_back(data: bytes) -> Reader:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        return Reader(ours)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=5))
def test_words_come_back_with_their_sign(values):
    reader = read_back(words(*values))
    assert [reader.word() for _ in values] == values
    reader.close()


@given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=30))
def test_a_string_comes_back(text):
    reader = read_back(string(text))
    assert reader.string() == text
    reader.close()


def test_strings_are_a_length_and_their_bytes_with_a_closing_nul():
    assert string("ab") == b"\0\0\0\3ab\0"
    assert string(None) == b"\0\0\0\0"
    reader = read_back(string(None))
    assert reader.string() == ""
    reader.close()


def test_pointers_say_whether_they_are_null():
    assert pointer(None) == word(1)
    assert pointer(b"x") == word(0) + b"x"
    assert pointer_array([b"x"]) == word(2) + word(0) + b"x" + word(1)


@pytest.mark.parametrize("length", [-1, LONGEST_STRING_BYTES + 1])
def test_a_string_of_an_impossible_length_is_an_error(length):
    reader = read_back(word(length))
    with pytest.raises(WireError, match=f"found {length}"):
        reader.string()
    reader.close()


def test_a_connection_that_ends_too_soon_is_an_error():
    reader = read_back(b"\0\0")
    with pytest.raises(WireError, match="closed the connection"):
        reader.word()
    reader.close()
