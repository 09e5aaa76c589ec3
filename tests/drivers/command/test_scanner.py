"""A scanner that another program drives is cancelled, pressed and closed like any other."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.scanner.errors import ScanCancelledError, ScannerSetupError
from filmscand.drivers.scanner.protocol import ScanRequest
from support.command_station import DPI, ProgramStation
from support.scanner_station import MODEL, slide_numbers, wait_until

REQUEST = ScanRequest(DPI)


@pytest.fixture
def station(tmp_path):
    return ProgramStation(tmp_path / "station", 2)


@pytest.mark.parametrize(("fault", "advice"), [("stall@write:1", ""), ("deaf@write:1", "Turn the virtual scanner off")])
def test_a_cancel_ends_the_program_and_the_same_slide_comes_after_that(station, fault, advice):
    station.will_fail(fault)
    patient = station.program()
    patient = patient.model_copy(update={"budgets": patient.budgets.model_copy(update={"read_s": 60.0})})
    with CommandScanner(patient) as scanner:
        canceller = threading.Thread(target=cancel_in_the_middle, args=(scanner,))
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        assert cancelled.value.advice.startswith(advice)
        assert slide_numbers([scanner.capture(REQUEST, 1)], 2, MODEL) == [1]


def cancel_in_the_middle(scanner):
    wait_until(lambda: scanner.progress().phase == "read")
    scanner.cancel()


def test_a_run_that_goes_on_after_a_power_cut_begins_with_the_first_missing_slide(station):
    with CommandScanner(station.program()) as scanner:
        first = scanner.capture(REQUEST, 1)
    with CommandScanner(station.program()) as scanner:
        scanner.resume_after(first.rgb)
        assert slide_numbers([scanner.capture(REQUEST, 2)], 2, MODEL) == [2]


def test_a_button_runs_its_command(station):
    with CommandScanner(station.program()) as scanner:
        scanner.capture(REQUEST, 1)
        scanner.press("eject")
        assert (station.folder / "gate").read_text() == "0"
        with pytest.raises(ScannerSetupError, match="recipe virtual lists eject, not 'load'"):
            scanner.press("load")


def test_a_closed_scanner_leaves_no_folder(station):
    scanner = CommandScanner(station.program())
    folder = Path(scanner._folder.name)
    assert folder.stat().st_mode & 0o777 == 0o700
    scanner.close()
    scanner.close()
    assert not folder.exists()
