"""Whether all bytes of a file are there: zeros where a part may still be coming, and bytes that rest."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.core.errors import SourceChangedError
from filmscand.daemon.ingest.watching.content import PAGE_BYTES, Completeness, Content, read_content

MAX_SETTLE_S = 1800.0


def content_of(folder, data, *, hashed=False):
    (folder / "a.tif").write_bytes(data)
    return read_content(folder, "a.tif", hashed=hashed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("content")


@settings(max_examples=30, deadline=None)
@given(
    pages=st.integers(1, 40),
    gap=st.tuples(st.integers(0, 39), st.integers(0, 5)),
    rest=st.integers(0, PAGE_BYTES - 1),
)
def test_a_gap_of_two_pages_is_found_wherever_it_lies(folder, pages, gap, rest):
    first, length = min(gap[0], pages), gap[1]
    data = bytearray(b"\x01" * (pages * PAGE_BYTES + rest))
    end = min((first + length) * PAGE_BYTES, pages * PAGE_BYTES)
    data[first * PAGE_BYTES : end] = bytes(max(end - first * PAGE_BYTES, 0))
    whole_pages = max(end - first * PAGE_BYTES, 0) // PAGE_BYTES
    found = content_of(folder, data)
    assert found.page_at == (first * PAGE_BYTES if whole_pages else None)
    assert found.gap_at == (first * PAGE_BYTES if whole_pages >= 2 else None)


def test_a_gap_over_the_pieces_that_the_file_is_read_in_is_found(tmp_path):
    edge = 8 << 20
    data = bytearray(b"\x01" * (edge + 3 * PAGE_BYTES))
    data[edge - PAGE_BYTES : edge + PAGE_BYTES] = bytes(2 * PAGE_BYTES)
    assert content_of(tmp_path, data).gap_at == edge - PAGE_BYTES


@pytest.mark.parametrize(
    ("data", "ends"), [(b"", True), (b"\x01", False), (bytes(5), True), (b"\x01" + bytes(512), True)]
)
def test_a_file_that_ends_in_zeros_may_still_be_coming(tmp_path, data, ends):
    assert content_of(tmp_path, data).ends_in_zeros is ends


def test_a_link_is_not_read(tmp_path):
    (tmp_path / "a.tif").symlink_to("/etc/passwd")
    with pytest.raises(SourceChangedError):
        read_content(tmp_path, "a.tif", hashed=False)


def test_a_pipe_does_not_hold_the_reader(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(SourceChangedError, match="regular file"):
        read_content(tmp_path, "a.tif", hashed=False)


def test_bytes_rest_once_they_were_the_same_twice(tmp_path):
    known = Completeness(MAX_SETTLE_S)
    assert not known.rests("a.tif", content_of(tmp_path, b"half", hashed=True))
    assert not known.rests("a.tif", content_of(tmp_path, b"whole", hashed=True))
    assert known.rests("a.tif", content_of(tmp_path, b"whole", hashed=True))


def test_bytes_that_nobody_hashed_count_as_resting(tmp_path):
    assert Completeness(MAX_SETTLE_S).rests("a.tif", content_of(tmp_path, b"half"))


GAP = Content("", gap_at=4096, page_at=4096, ends_in_zeros=False)
TAIL = Content("", gap_at=None, page_at=None, ends_in_zeros=True)
FULL = Content("", gap_at=None, page_at=None, ends_in_zeros=False)


@pytest.mark.parametrize(
    ("content", "age_s", "closed", "waits"),
    [
        pytest.param(FULL, 0.0, False, False, id="no zeros"),
        pytest.param(TAIL, 1799.0, True, True, id="zeros at the end"),
        pytest.param(GAP, 1799.0, False, True, id="a gap, and perhaps a writer"),
        pytest.param(GAP, 59.0, True, True, id="a gap, closed just now"),
        pytest.param(GAP, 60.0, True, False, id="a gap, closed for a minute"),
        pytest.param(TAIL, 1800.0, False, False, id="a black scan"),
        pytest.param(GAP, 1800.0, False, False, id="a scan with black rows"),
    ],
)
def test_zeros_are_waited_for_and_taken_at_last(content, age_s, closed, waits):
    assert (Completeness(MAX_SETTLE_S).missing(content, age_s, closed=closed) is not None) is waits


def test_a_file_that_was_taken_with_zeros_has_a_flag_until_it_changes():
    known = Completeness(MAX_SETTLE_S)
    known.accept("black.tif", TAIL)
    known.accept("full.tif", FULL)
    assert (known.flags_of("black.tif"), known.flags_of("full.tif")) == (("zeros_in_file",), ())
    known.forget("black.tif")
    assert known.flags_of("black.tif") == ()
