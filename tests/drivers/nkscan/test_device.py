"""A Coolscan hands on the raw planes, keeps its exposure through a magazine, and names what goes wrong."""

from __future__ import annotations

import json
import re
import threading

import pytest

from filmscand.drivers.scanner.errors import (
    FilmNotReadyError,
    MagazineEmptyError,
    ScanCancelledError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerCrashedError,
    ScannerHungError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
    ShortFrameError,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from support.command_station import DPI
from support.coolscan import coolscan
from support.scanner_station import MODEL, scan_as_operator, slide_numbers, wait_until

REQUEST = ScanRequest(DPI)
FAULTS = [
    ("feeder", "busy@open:0", ScannerBusyError, "busy"),
    ("feeder", "forbidden@open:0", ScannerAccessError, "Permission denied"),
    ("feeder", "media@load:0", FilmNotReadyError, "LL door"),
    ("feeder", "stuck@eject:0", ScannerJammedError, "mechanical error"),
    ("feeder", "transport@focus:2", ScannerIoError, "timed out"),
    ("feeder", "transport@scan:2", ScannerIoError, "timed out"),
    ("feeder", "crash@scan:2", ScannerCrashedError, "SIGABRT"),
    ("feeder", "stall@load:0", ScannerHungError, "its process was killed"),
    ("feeder", "short@end:2", ShortFrameError, "only 5 blocks"),
    ("strip", "no_infrared@end:2", ScannerIoError, "no infrared"),
    ("strip", "stall@discover:0", ScannerHungError, "during start"),
    ("strip", "stall@scan:2", ScannerHungError, "during read"),
]


@pytest.mark.parametrize(("adapter", "fault", "kind", "message"), FAULTS, ids=[f"{a}-{f}" for a, f, _, _ in FAULTS])
def test_a_fault_costs_no_frame_and_doubles_none(tmp_path, monkeypatch, adapter, fault, kind, message):
    with coolscan(tmp_path, adapter, 2, monkeypatch) as (station, opened), opened() as scanner:
        station.will_fail(fault)
        outcome = scan_as_operator(scanner, MODEL, 2)
    assert slide_numbers(outcome.captures, 2, MODEL) == [1, 2]
    assert type(outcome.errors[0]) is kind
    assert re.search(message, str(outcome.errors[0]))


def test_a_process_that_hung_says_what_to_do_with_the_scanner(tmp_path, monkeypatch):
    with coolscan(tmp_path, "feeder", 1, monkeypatch) as (station, opened), opened() as scanner:
        station.will_fail("stall@load:0")
        with pytest.raises(ScannerHungError) as hung:
            scanner.capture(REQUEST, 1)
    assert "Turn the Coolscan off" in hung.value.advice


def test_a_pass_is_cancelled_at_its_next_report(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 1, monkeypatch) as (station, opened), opened() as scanner:
        station.will_fail("endless@scan:1")

        def cancel_in_the_middle():
            wait_until(lambda: scanner.progress().phase == "read" and scanner.progress().fraction > 0.4)
            scanner.cancel()

        canceller = threading.Thread(target=cancel_in_the_middle)
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        assert cancelled.value.advice == ""
        assert slide_numbers([scanner.capture(REQUEST, 1)], 1, MODEL) == [1]


def test_the_exposure_of_the_first_frame_is_kept_unless_each_is_to_be_measured(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 2, monkeypatch) as (station, opened), opened() as scanner:
        for frame in (1, 2):
            scanner.capture(REQUEST, frame)
        scanner.capture(ScanRequest(DPI, autoexposure=True), 2)
        used = [json.loads(line)["red"] for line in (station.folder / "exposures").read_text().splitlines()]
    assert used == [100, 100, 200]


def test_a_strip_tells_its_frames_once_they_were_looked_for_and_its_end(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 2, monkeypatch) as (_, opened), opened() as scanner:
        offered = scanner.capabilities()
        assert (offered.feeder, offered.frame_count, offered.buttons) == ("frame", None, ("eject", "load"))
        assert offered.device == "nkscan:usb:1-3.2"
        info = scanner.capture(REQUEST, 2).info
        with pytest.raises(MagazineEmptyError, match="the film has 2 frames, found 3"):
            scanner.capture(REQUEST, 3)
    assert (info.make, info.model, info.layout, info.linear) == ("Nikon", "LS-5000 ED", "nkscan", True)


def test_a_mount_waits_for_a_person(tmp_path, monkeypatch):
    with coolscan(tmp_path, "mount", 1, monkeypatch) as (station, opened), opened() as scanner:
        assert (scanner.capabilities().feeder, scanner.capabilities().buttons) == ("none", ())
        with pytest.raises(FilmNotReadyError, match="no film or holder") as empty:
            scanner.capture(REQUEST, 1)
        assert empty.value.advice == "Put the film in as the scanner needs it, then continue."
        (station.folder / "gate").write_text("1")
        assert slide_numbers([scanner.capture(REQUEST, 1)], 1, MODEL) == [1]


def test_a_slide_is_put_out_by_its_button_and_the_next_one_taken_in(tmp_path, monkeypatch):
    with coolscan(tmp_path, "feeder", 2, monkeypatch) as (_, opened), opened() as scanner:
        scanner.capture(REQUEST, 1)
        scanner.press("eject")
        scanner.press("load")
        assert slide_numbers([scanner.capture(REQUEST, 2)], 2, MODEL) == [2]
        with pytest.raises(ScannerIoError, match="did not react to load"):
            scanner.press("load")


@pytest.mark.parametrize(
    ("request_", "message"), [(ScanRequest(3999), "3999"), (ScanRequest(DPI, samples=3), "found 3")]
)
def test_what_the_scanner_would_round_is_refused(tmp_path, monkeypatch, request_, message):
    with (
        coolscan(tmp_path, "strip", 1, monkeypatch) as (_, opened),
        opened() as scanner,
        pytest.raises(ScannerSetupError, match=message),
    ):
        scanner.capture(request_, 1)
