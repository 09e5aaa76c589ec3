"""The fault table of programs: whatever a program does in the middle of a magazine is noticed, named, and survived."""

from __future__ import annotations

import re
import threading

import psutil
import pytest

from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.scanner.errors import (
    MagazineEmptyError,
    ScannerCrashedError,
    ScannerGoneError,
    ScannerHungError,
    ScannerIoError,
    ScannerJammedError,
    ScannerStalledError,
    ShortFrameError,
    SlideFate,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from support.command_station import DPI, ProgramStation
from support.scanner_station import COLS, MODEL, ROWS, scan_as_operator, slide_numbers, wait_until

SLIDES = 2
AREA_MM = [ROWS / DPI * 25.4, COLS / DPI * 25.4]
FAULTS = [
    ("exit3@start", MagazineEmptyError, r"exit code 3 \(end_of_magazine\)"),
    ("exit4@start", ScannerJammedError, r"exit code 4 \(jammed\): something went wrong: exit4"),
    ("exit4@write", ScannerJammedError, "exit code 4"),
    ("exit8@fed", ScannerGoneError, "exit code 8"),
    ("exit99@start", ScannerIoError, "ended with exit code 99: something went wrong: exit99"),
    ("exit99@fed", ScannerIoError, "exit code 99"),
    ("exit99@write", ScannerIoError, "exit code 99"),
    ("crash@fed", ScannerCrashedError, "was ended by SIGSEGV"),
    ("crash@write", ScannerCrashedError, "was ended by SIGSEGV"),
    ("stall@fed", ScannerStalledError, "during start"),
    ("stall@write", ScannerStalledError, "during read"),
    ("deaf@write", ScannerHungError, "was killed"),
    ("family@fed", ScannerStalledError, "during start"),
    ("half@write", ShortFrameError, "wrote part of a picture"),
    ("nothing@write", ShortFrameError, "wrote no picture"),
    ("small@write", ShortFrameError, "wrote 30 rows of 90 pixels, expected 61 of 90"),
    ("garbage@write", ScannerIoError, "expected a TIFF"),
    ("no_infrared@write", ScannerIoError, "without infrared"),
]


@pytest.fixture
def station(tmp_path):
    return ProgramStation(tmp_path / "station", SLIDES)


def programs_of(station):
    """Return the processes of the virtual program and of what it started."""
    mine = str(station.folder)
    return [one for one in psutil.Process().children(recursive=True) if mine in one.cmdline() or "sleep" in one.name()]


@pytest.mark.parametrize(("fault", "expected", "message"), FAULTS, ids=[fault for fault, _, _ in FAULTS])
def test_a_fault_of_a_program_costs_no_frame_and_doubles_none(station, fault, expected, message):
    station.will_fail(f"{fault}:2")
    with CommandScanner(station.program(area_mm=AREA_MM)) as scanner:
        outcome = scan_as_operator(scanner, MODEL, SLIDES)
    assert slide_numbers(outcome.captures, SLIDES, MODEL) == [1, 2]
    assert outcome.lost == []
    first = outcome.errors[0]
    assert type(first) is expected
    assert re.search(message, str(first))
    assert programs_of(station) == []


def test_a_killed_program_says_what_to_do_with_the_scanner(station):
    station.will_fail("deaf@write:1")
    with CommandScanner(station.program()) as scanner, pytest.raises(ScannerHungError) as hung:
        scanner.capture(ScanRequest(DPI), 1)
    assert hung.value.advice == "Turn the virtual scanner off and on again."


@pytest.mark.parametrize("fault", ["exit4@feed:0", "exit4@fed:2", "stall@feed:0", "exit99@fed:2"])
def test_a_program_that_feeds_by_a_command_of_its_own_loses_no_slide_either(station, fault):
    scan = [part for part in station.recipe()["scan"] if not isinstance(part, dict) or part["if"] != "feed"]
    program = station.program(scan=scan, feed=station.command("feed"))
    with CommandScanner(program) as scanner:
        first = scanner.capture(ScanRequest(DPI), 1)
        station.will_fail(fault)
        outcome = scan_as_operator(scanner, MODEL, SLIDES)
    assert outcome.errors
    assert slide_numbers([first, *outcome.captures], SLIDES, MODEL) == [1, 1, 2]


def test_a_scanner_that_moves_on_with_each_scan_loses_the_slide_that_has_passed_and_says_so(station):
    with CommandScanner(station.program(feeder="advance")) as scanner:
        station.will_fail("exit99@write:1")
        outcome = scan_as_operator(scanner, MODEL, SLIDES)
    assert outcome.errors[0].slide is SlideFate.PASSED
    assert outcome.lost == [1]
    assert slide_numbers(outcome.captures, SLIDES, MODEL) == [2]


def test_a_program_ends_with_its_scanners_process_however_that_ends(station):
    station.will_fail("family@fed:1")
    with CommandScanner(station.program()) as scanner:
        errors = []

        def run():
            with pytest.raises(ScannerCrashedError) as crashed:
                scanner.capture(ScanRequest(DPI), 1)
            errors.append(crashed.value)

        thread = threading.Thread(target=run)
        thread.start()
        assert wait_until(lambda: len(programs_of(station)) >= 3)
        psutil.Process(scanner._child.pid).kill()
        thread.join()
        assert len(errors) == 1
        assert wait_until(lambda: programs_of(station) == [])
        assert slide_numbers([scanner.capture(ScanRequest(DPI), 1)], SLIDES, MODEL) == [1]
