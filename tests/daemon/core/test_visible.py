"""What a person is shown of texts from outside."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.daemon.core.visible import is_unsafe, message_of, visible, visible_json, without_addresses


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain-0001.tif", "plain-0001.tif"),
        ("x\x1b]0;owned\x07\x1b[2J.tif", r"x\x1b]0;owned\x07\x1b[2J.tif"),
        ("two\nlines\r\ttab", r"two\x0alines\x0d\x09tab"),
        ("\x9b2J is CSI in one character", r"\x9b2J is CSI in one character"),
        ("\u202egpj.tif turned round", r"\u202egpj.tif turned round"),
        ("\u2066isolated\u2069", r"\u2066isolated\u2069"),
        ("no\u200bwidth", r"no\u200bwidth"),
        ("tag \U000e0041", r"tag \U000e0041"),
        (os.fsdecode(b"caf\xe9.tif"), r"caf\xe9.tif"),
        ("日本 · Ελλάδα · café · می\u200cخواهم", "日本 · Ελλάδα · café · می\u200cخواهم"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_written_out_and_the_rest_stays(name, shown):
    assert visible(name) == shown


@given(st.text())
def test_nothing_unsafe_is_left(text):
    assert not any(is_unsafe(char) for char in visible(text))


@given(st.text() | st.lists(st.text()))
def test_json_means_the_same_and_holds_nothing_unsafe(value):
    document = visible_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(document) == value
    assert not any(is_unsafe(char) for char in document if char != "\n")


def test_the_message_of_a_failed_call_names_the_file_and_the_reason_without_a_number():
    assert message_of(FileNotFoundError(2, "No such file", "/a.tif")) == "/a.tif: No such file"
    assert message_of(OSError(18, "Invalid link", "/a", None, "/b")) == "/a and /b: Invalid link"
    assert message_of(OSError(28, "No space left on device")) == "No space left on device"
    assert message_of(TimeoutError()) == "TimeoutError"
    assert message_of(ValueError("as it is")) == "as it is"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no address: http and //", "no address: http and //"),
        ("curl https://anna:pw@example.org/T0KEN failed", "curl https://... failed"),
        ("['tgram://123:abc/chat', 'b']", "['tgram://...', 'b']"),
    ],
)
def test_what_may_be_secret_in_an_address_is_not_shown(text, shown):
    assert without_addresses(text) == shown
