"""What tests of the page ask for by name: a station with a few frames, and its page."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station.configuration import Page, Station
from support.page_frames import ROLL, finish, put
from support.page_site import served


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station", page=Page(port=0))


@pytest.fixture
def connection(station):
    station.database.parent.mkdir(parents=True)
    with closing(open_database(station.database)) as opened:
        yield opened


@pytest.fixture
def frames(connection, station, tmp_path):
    """Three frames of one roll: one done, one done and flagged, one that waits."""
    for name in ("one.tif", "two.tif", "three.tif"):
        put(connection, name)
    finish(connection, station, tmp_path)
    finish(connection, station, tmp_path, warnings=("many_defects", "silver_film"))
    return [FrameId(ROLL.collection, ROLL.box, ROLL.roll, number) for number in (1, 2, 3)]


@pytest.fixture
def page(connection, station, caplog):
    # Earlier tests may have asked for more: then the server's own start would be the first line of the log.
    caplog.set_level("WARNING", "filmscand")
    with served(station) as site:
        yield site
