"""The device of a program hands on what the program measured, and only what was asked for."""

from __future__ import annotations

import pytest

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.child.monitor import Monitor, Slot
from filmscand.drivers.command.device import CommandOpener
from filmscand.drivers.scanner.errors import ScannerGoneError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Region, ScanRequest
from filmscand.drivers.scanner.slide_gate import Started
from support.command_station import DPI, ProgramStation

REQUEST = ScanRequest(DPI)


@pytest.fixture
def station(tmp_path):
    return ProgramStation(tmp_path / "station", 2)


@pytest.fixture
def monitor():
    monitor = Monitor.create()
    yield monitor
    monitor.close()


@pytest.fixture
def opened(tmp_path, monitor):
    folder = tmp_path / "private"
    folder.mkdir()
    return lambda program: CommandOpener(program, folder).open(monitor)


def test_a_capture_says_how_it_was_made_and_leaves_no_file(opened, station, tmp_path):
    frame = opened(station.strip("page", linear=True)).capture(REQUEST, 2, feed=False)
    info = frame.info
    assert (info.layout, info.make, info.model) == ("command_virtual", "Nobody", "Virtual Feeder")
    assert (info.linear, info.scanned, info.infrared_origin) == (True, True, InfraredOrigin.PAGE)
    assert info.captured_at.tzinfo is not None
    assert list((tmp_path / "private").iterdir()) == []


def test_progress_is_what_has_been_written_and_full_at_the_end(opened, station, monitor):
    opened(station.program()).capture(REQUEST, 1, feed=True)
    assert monitor[Slot.DONE_BYTES] == monitor[Slot.TOTAL_BYTES] > 0
    assert (monitor.fraction(), monitor[Slot.STARTED]) == (1.0, Started.SUCCEEDED)


def test_files_of_a_frame_whose_process_was_killed_are_removed(opened, station, tmp_path):
    left = tmp_path / "private" / "left"
    left.mkdir()
    (left / "frame.tif").write_bytes(b"half")
    opened(station.program())
    assert not left.exists()


@pytest.mark.parametrize(
    ("changes", "request_", "message"),
    [
        ({}, ScanRequest(99), "99"),
        ({}, ScanRequest(DPI, samples=2), "found 2"),
        ({"scan": ["sh", "{output}", {"if": "feed"}]}, ScanRequest(DPI, region=Region(0, 0, 1, 1)), "its whole area"),
    ],
)
def test_what_the_recipe_does_not_offer_is_refused_before_anything_moves(
    opened, station, monitor, changes, request_, message
):
    device = opened(station.program(**changes))
    with pytest.raises(ScannerSetupError, match=message):
        device.capture(request_, 1, feed=True)
    assert monitor[Slot.STARTED] == Started.NOT_YET


def test_a_program_that_is_not_installed_is_told_when_its_scanner_is_opened(opened, station):
    with pytest.raises(ScannerSetupError, match="no-such-program cannot be started"):
        opened(station.program(scan=["no-such-program", "{output}", {"if": "feed"}]))


def test_a_probe_tells_whether_the_scanner_is_there(opened, station):
    program = station.program(probe=station.command("probe"))
    opened(program)
    station.will_fail("exit8@probe:0")
    with pytest.raises(ScannerGoneError, match="exit code 8"):
        opened(program)
