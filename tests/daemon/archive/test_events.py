from __future__ import annotations

import json
from pathlib import Path

from filmscand.daemon.archive.events import Event, EventDetail, EventType, append_events, read_events

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
