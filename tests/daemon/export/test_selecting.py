"""Frames are chosen alike by the database and, without one, by the folders of the archive."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.selection import Selector
from filmscand.daemon.export.selecting import chosen_frames

FRAMES = [
    FrameId("a", "b", "album", 1),
    FrameId("a", "b", "album", 2),
    FrameId("a", "b", "album_0002", 1),
    FrameId("a", "c", "album", 1),
    FrameId("z", "b", "album", 1),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("places")
    for frame in FRAMES:
        (root / frame.folder).mkdir(parents=True)
    with closing(open_database(root / "station.db")) as connection:
        for frame in FRAMES:
            Queue(connection).reserve_number(frame, "test", CleanRequest())
    return root


@pytest.mark.parametrize("with_database", [True, False])
@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        (["a"], FRAMES[:4]),
        (["a/b/album"], FRAMES[:2]),
        (["a/b/album_0002"], FRAMES[1:3]),
        (["a/b/album_0001-0009", "a/b/album", "z"], [*FRAMES[:2], FRAMES[4]]),
    ],
)
def test_each_chosen_frame_is_named_once(places, texts, chosen, with_database):
    database = places / "station.db" if with_database else None
    assert chosen_frames(places, [Selector.parse(text) for text in texts], database) == chosen


@pytest.mark.parametrize("with_database", [True, False])
def test_a_selector_that_chooses_nothing_is_an_error(places, with_database):
    with pytest.raises(FrameMissingError, match="no frame of a/b/albun"):
        chosen_frames(places, [Selector.parse("a"), Selector.parse("a/b/albun")], places / "station.db")
