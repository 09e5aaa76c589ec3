"""A look at what lies in a scanner: at a low resolution, without moving anything."""

from __future__ import annotations

import io
from contextlib import closing

import pytest
from PIL import Image

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import ScanPlan
from filmscand.daemon.database.sessions import SessionError, Sessions
from filmscand.daemon.maintenance.sessions.look import LookOrder, look, low_resolution
from filmscand.daemon.maintenance.sessions.order import NoScannerError, only_scanner
from filmscand.drivers.scanner.protocol import Capabilities
from support.live_station import LiveStation
from support.scanner_station import RESOLUTION_DPI, make_slide, needs_sane, scanner


@needs_sane
def test_a_look_shows_what_lies_in_the_scanner_small_and_as_often_as_one_wants(tmp_path):
    with scanner(1, model="genesys") as virtual:
        station = LiveStation(tmp_path, scanners={"hosts": [virtual.address]}).station
        first, again = (look(station, LookOrder()) for _ in range(2))
    assert first == again
    with Image.open(io.BytesIO(first)) as shown:
        assert (shown.format, shown.mode) == ("JPEG", "RGB")
        assert shown.width < make_slide(1, "genesys").rgb.shape[1]
    assert not station.archive.exists()


@needs_sane
def test_a_feeder_that_loads_a_slide_for_each_scan_is_left_alone(tmp_path):
    with scanner(1) as virtual:
        station = LiveStation(tmp_path, scanners={"hosts": [virtual.address]}).station
        with pytest.raises(SessionError, match="its feeder would load a slide"):
            look(station, LookOrder())


@needs_sane
def test_a_scanner_that_a_session_has_is_left_alone(tmp_path):
    with scanner(1) as virtual:
        station = LiveStation(tmp_path, scanners={"hosts": [virtual.address]}).station
        station.database.parent.mkdir(parents=True, exist_ok=True)
        with closing(open_database(station.database)) as connection:
            Sessions(connection).add(ScanPlan(roll="r", device=only_scanner(station)))
        with pytest.raises(SessionError, match="session 1 has this scanner"):
            look(station, LookOrder())


def test_a_name_that_no_recipe_drives_is_no_scanner(tmp_path):
    with pytest.raises(NoScannerError, match="no recipe drives it"):
        look(LiveStation(tmp_path).station, LookOrder(device="camera:0"))


@pytest.mark.parametrize(
    ("listed", "limits", "chosen"),
    [
        ((75, 150, 300, 4000), None, 300),
        ((1000, 2000, 4000), None, 1000),
        ((75, 200), None, 200),
        ((), (20.0, 7200.0), 300),
        ((), (1200.0, 7200.0), 1200),
        ((), (50.0, 200.0), 200),
    ],
)
def test_the_lowest_resolution_that_shows_something_is_chosen(listed, limits, chosen):
    offered = Capabilities("v", "m", "d", "r", listed, limits, True, (1,), "none", None, False, ())
    assert low_resolution(offered) == chosen
    assert chosen < max(RESOLUTION_DPI.values())
