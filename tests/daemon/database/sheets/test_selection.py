"""Selectors choose collections, boxes, rolls, frames and ranges of frames."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.selection import Selector, select_frames

FRAMES = [
    FrameId("meyer", "box-1", "album", 1),
    FrameId("meyer", "box-1", "album", 2),
    FrameId("meyer", "box-1", "album", 3),
    FrameId("meyer", "box-1", "album_0002", 7),
    FrameId("meyer", "box-2", "album", 1),
    FrameId("schmidt", "box-1", "album", 1),
]


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        queue = Queue(connection)
        for frame in FRAMES:
            queue.reserve_number(frame, "test", CleanRequest())
        yield connection


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("meyer", FRAMES[:5]),
        ("meyer/", FRAMES[:5]),
        ("meyer/box-1", FRAMES[:4]),
        ("meyer/box-1/album", FRAMES[:3]),
        ("meyer/box-1/album_0003", FRAMES[2:3]),
        ("meyer/box-1/album_0001-0002", FRAMES[:2]),
        ("meyer/box-1/album_0002", FRAMES[1:2] + FRAMES[3:4]),
        ("nobody", []),
    ],
)
def test_a_selector_chooses(connection, text, chosen):
    assert list(select_frames(connection, Selector.parse(text))) == chosen
    assert [frame for frame in FRAMES if Selector.parse(text).chooses(frame)] == chosen


@pytest.mark.parametrize("text", ["", "Meyer", "a/b/c/d", "a//c", "a/b/c_0005-0003", "a/b/c_0000", "../etc"])
def test_other_text_is_refused(text):
    with pytest.raises(FrameIdError):
        Selector.parse(text)
