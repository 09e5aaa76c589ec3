from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filmscand.daemon.archive.records.events import (
    Event,
    EventDetail,
    EventType,
    append_events,
    changed_lines,
    read_events,
    sidecar_digests,
    sidecar_event,
    verify_events,
)
from filmscand.daemon.core.frame_id import FrameId

FIRST = Path(__file__).parent / "data" / "events-1.jsonl"


def test_events_that_filmscand_0_1_wrote_are_read_and_would_be_written_the_same():
    lines = FIRST.read_text().splitlines(keepends=True)
    events = list(read_events(FIRST))
    assert [event.to_line() for event in events] == lines
    assert events[0].detail.original_name == "lake.tif"


def test_an_event_with_a_field_that_is_not_known_is_read_and_the_field_is_kept(tmp_path):
    file = tmp_path / "events.jsonl"
    plain = json.loads(FIRST.read_text().splitlines()[0])
    plain = {**plain, "agent": "x", "detail": {**plain["detail"], "pages": 2}}
    file.write_text(json.dumps(plain) + "\n")
    (event,) = read_events(file)
    assert json.loads(event.to_line()) == plain


def test_a_torn_line_is_skipped_and_the_next_event_has_a_line_of_its_own(tmp_path):
    file = tmp_path / "events.jsonl"
    event = Event(type=EventType.DIGEST, frame="c/b/r_0001", about="r_0001_raw.tif", detail=EventDetail(sha256="a"))
    append_events(file, [event])
    with file.open("a") as torn:
        torn.write('{"id": "half')
    append_events(file, [event])
    assert list(read_events(file)) == [event, event]


def test_only_the_details_that_an_event_has_are_written():
    event = Event(type=EventType.SEALING, frame="c/b/r", about="bagit.txt", detail=EventDetail(files=3))
    assert json.loads(event.to_line())["detail"] == {"files": 3}


def test_a_roll_without_events_has_none(tmp_path):
    assert list(read_events(tmp_path / "events.jsonl")) == []


EVENT = Event(type=EventType.CREATION, frame="c/b/r_0001", about="r_0001_raw.tif")


@pytest.mark.parametrize("change", [(b"creation", b"capture"), (b"success", b"failure"), (b"{", b"x")])
def test_a_changed_line_shows_by_itself(tmp_path, change):
    file = tmp_path / "events.jsonl"
    append_events(file, [EVENT, EVENT])
    content = file.read_bytes()
    assert list(changed_lines(content)) == []
    assert list(changed_lines(content.replace(*change, 1))) == [1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600))
@example(140)  # behind the brace of the detail
def test_a_file_that_a_power_cut_tore_anywhere_is_no_problem_with_or_without_zeros(length):
    line = FIRST.read_bytes().splitlines()[0]
    torn = line[: min(length, len(line) - 1)]
    for tail in (torn, torn + bytes(40), torn + b"\n" + line + b"\n"):
        assert list(changed_lines(line + b"\n" + tail)) == []


def test_events_that_an_earlier_version_wrote_are_accepted(tmp_path):
    assert list(verify_events(FIRST, None, [])) == []
    (problem,) = verify_events(FIRST, None, [FrameId("other", "b", "r", 1)])
    assert "expected events of other/b/r_0001, found none" in str(problem)


def test_the_digests_of_a_frames_sidecars_come_in_the_order_they_were_written():
    frame = FrameId("c", "b", "r", 1)
    events = [sidecar_event(frame, "r_0001.json", content) for content in (b"1", b"2")]
    assert sidecar_digests([*events, EVENT], frame) == tuple(hashlib.sha256(one).hexdigest() for one in (b"1", b"2"))
