"""An open scanner lives in a process of its own: what becomes of that process, and of what it held."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from filmscand.drivers.sane.child import ChildProcess
from filmscand.drivers.sane.devices import list_devices, open_scanner
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.sane.messages import Open
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    LibsaneMissingError,
    MagazineEmptyError,
    ScanCancelledError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerCrashedError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
    SlideFate,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Step, load_recipe
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment
from filmscand.drivers.virtual.magazine import Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import RESOLUTION_DPI, make_magazine, mind, quick_recipe, slide_numbers

pytest.importorskip("sane", reason="python-sane is not installed", exc_type=ImportError)

MODEL = "coolscan3"
REQUEST = ScanRequest(RESOLUTION_DPI[MODEL])


@pytest.fixture
def virtual():
    with VirtualScanner(MODEL, make_magazine(MODEL, 4), address=None) as virtual:
        yield virtual


def children():
    return psutil.Process().children(recursive=True)


def memory_held():
    gc.collect()
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for link in links if "memfd:filmscand" in (target := str(link.readlink()))]


def wait_until(happened, limit_s=20.0):
    end_s = time.monotonic() + limit_s
    while not happened() and time.monotonic() < end_s:
        time.sleep(0.02)
    return happened()


def test_nothing_is_left_of_processes_that_crashed_hung_or_closed(virtual):
    before, held = children(), memory_held()
    for kind, moment in [(FaultKind.CLOSE_ALL, Moment.START), (FaultKind.STALL, Moment.OPTION)]:
        virtual.add_fault(Fault(kind, moment, slide=2))
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        outcome = mind(scanner, MODEL, 4)
    assert len(outcome.errors) >= 2
    assert len(outcome.captures) == 4
    del outcome
    assert children() == before
    assert memory_held() == held


def test_a_process_that_is_killed_from_outside_is_an_error_and_the_next_frame_comes(virtual):
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        first = scanner.capture(REQUEST, 1)
        # Its own process alone: multiprocessing keeps one beside it, for the tests that come after this one.
        os.kill(scanner._child.pid, signal.SIGKILL)
        with pytest.raises(ScannerCrashedError, match="SIGKILL"):
            scanner.capture(REQUEST, 2)
        second = scanner.capture(REQUEST, 2)
    assert slide_numbers([first, second], 4, MODEL) == [1, 2]


def test_the_process_of_a_service_that_was_killed_ends_by_itself(virtual):
    program = f"""
import time
from filmscand.drivers.sane.devices import open_scanner
scanner = open_scanner({virtual.device!r})
scanner.capabilities()
print(scanner._child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as service:
        child = psutil.Process(int(service.stdout.readline()))
        service.kill()
        assert wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_scan_is_given_up_in_the_middle_and_the_same_slide_scanned_again():
    # tall and narrow, for it is the rows that take their time
    slides = [Slide(np.full((2000, 8, 3), 4000 * n, np.uint16), np.zeros((2000, 8), np.uint16)) for n in (1, 2)]
    with (
        VirtualScanner(MODEL, Magazine.of(slides), address=None, time_scale=0.05) as slow,
        SaneScanner(slow.device, load_recipe(MODEL)) as scanner,
    ):
        canceller = threading.Thread(target=cancel_in_the_middle, args=(scanner,))
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        assert cancelled.value.slide is SlideFate.IN_GATE
        assert (scanner.capture(REQUEST, 1).rgb == 4000).all()


def cancel_in_the_middle(scanner):
    wait_until(lambda: 0.05 < scanner.progress().fraction < 0.9)
    scanner.cancel()


def test_a_cancel_that_comes_while_the_scanner_starts_is_heard_and_the_next_scan_is_not_cancelled():
    # a start of 12 s, shortened to 2.4
    with (
        VirtualScanner(MODEL, make_magazine(MODEL, 2), address=None, time_scale=0.2) as slow,
        SaneScanner(slow.device, quick_recipe(MODEL)) as scanner,
    ):
        canceller = threading.Thread(target=cancel_in_the_start, args=(scanner,))
        canceller.start()
        with pytest.raises(ScanCancelledError) as cancelled:
            scanner.capture(REQUEST, 1)
        canceller.join()
        # a cancel waits for the answer to the start, on the same line: the process had to be ended
        assert "Turn the Coolscan off" in cancelled.value.advice
        assert cancelled.value.slide is SlideFate.UNCERTAIN
        assert scanner.capabilities().infrared


def cancel_in_the_start(scanner):
    wait_until(lambda: scanner.progress().phase == "start")
    scanner.cancel()


def test_two_scanners_run_side_by_side_and_one_that_hangs_does_not_hold_the_other_up(virtual):
    hung = Fault(FaultKind.STALL, Moment.START, slide=2)
    with VirtualScanner("genesys", make_magazine("genesys", 4), [hung], address=None) as other:
        outcomes = {}

        def run(device, model):
            with SaneScanner(device, quick_recipe(model)) as scanner:
                outcomes[model] = mind(scanner, model, 4)

        threads = [
            threading.Thread(target=run, args=pair) for pair in ((virtual.device, MODEL), (other.device, "genesys"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for model, outcome in outcomes.items():
        assert slide_numbers(outcome.captures, 4, model) == [1, 2, 3, 4]
    assert outcomes[MODEL].errors == []
    assert len(outcomes["genesys"].errors) == 1


def test_a_device_that_has_changed_its_address_is_found_by_vendor_and_model(virtual):
    stale = f"net:{virtual.address}:coolscan3:usb:libusb:001:099"
    with SaneScanner(stale, quick_recipe(MODEL), vendor="Nikon", model="Virtual LS-5000 ED") as scanner:
        assert scanner.capture(REQUEST, 1).rgb.size > 0
    with (
        SaneScanner(stale, quick_recipe(MODEL), vendor="Nikon", model="LS-50 ED") as scanner,
        pytest.raises(ScannerGoneError),
    ):
        scanner.capture(REQUEST, 1)


def test_a_network_without_a_scanner_is_an_error(virtual):
    with (
        SaneScanner("net:127.0.0.1:coolscan3:virtual", quick_recipe(MODEL)) as scanner,
        pytest.raises((ScannerGoneError, ScannerIoError)),
    ):
        scanner.capabilities()


def test_without_libsane_it_is_said_what_to_install(tmp_path):
    (tmp_path / "sane.py").write_text('raise ImportError("libsane.so.1: cannot open shared object file")\n')
    path = os.pathsep.join([str(tmp_path), *sys.path])
    child = ChildProcess({"PYTHONPATH": path}, quick_recipe("test").budgets)
    try:
        with pytest.raises(LibsaneMissingError, match=r"libsane\.so\.1") as missing:
            child.value(Open(DeviceName("test:0"), load_recipe("test")))
    finally:
        child.end()
    assert "libsane-dev" in missing.value.advice
    assert "filmscand[scanner]" in missing.value.advice


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("SANE_STATUS_DEVICE_BUSY", ScannerBusyError),
        ("SANE_STATUS_JAMMED", ScannerJammedError),
        ("SANE_STATUS_NO_DOCS", MagazineEmptyError),
        ("SANE_STATUS_COVER_OPEN", CoverOpenError),
        ("SANE_STATUS_IO_ERROR", ScannerIoError),
        ("SANE_STATUS_ACCESS_DENIED", ScannerAccessError),
        ("SANE_STATUS_EOF", ScannerIoError),
    ],
)
def test_the_statuses_of_sanes_test_backend_become_typed_errors(status, kind):
    recipe = quick_recipe("test")
    fault = Step(option="read-return-value", value=status)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, fault)})
    with SaneScanner("test:0", recipe) as scanner, pytest.raises(kind):
        scanner.capture(ScanRequest(100), 1)


@pytest.mark.parametrize("padding_bytes", [0, 5, 128])
def test_lines_longer_than_their_pixels_are_read_by_their_length(padding_bytes):
    recipe = quick_recipe("test")
    padding = Step(option="ppl-loss", value=padding_bytes)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, padding)})
    with SaneScanner("test:0", recipe) as scanner:
        capture = scanner.capture(ScanRequest(100), 1)
    # Sheared lines would make columns of the pattern's bars differ from row to row.
    assert np.array_equal(capture.rgb[0], capture.rgb[1])


def test_a_step_that_the_scanner_has_no_option_for_is_refused(virtual):
    recipe = quick_recipe(MODEL)
    missing = Step(option="tea", value=True, required=True)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, missing)})
    with SaneScanner(virtual.device, recipe) as scanner, pytest.raises(ScannerSetupError, match="tea"):
        scanner.capture(REQUEST, 1)


def test_devices_are_listed_with_their_recipe_and_whether_they_give_infrared(virtual):
    with VirtualScanner("pieusb", make_magazine("pieusb", 1), address=None) as other:
        listed = {info.device: info for info in list_devices([virtual.address, other.address])}
        assert {info.recipe for info in listed.values()} == {"coolscan3", "pieusb"}
        assert all(info.infrared for info in listed.values())
        with open_scanner(other.device) as holder:
            holder.capabilities()
            held = {info.device: info for info in list_devices([other.address])}[other.device]
    assert held.infrared is None
    assert held.problem == "Device busy"


def test_a_device_without_a_recipe_is_refused_with_the_recipes_that_there_are():
    with pytest.raises(ScannerSetupError, match="coolscan3"):
        open_scanner("epson2:libusb:001:003")
