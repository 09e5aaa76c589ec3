"""An open scanner lives in a process of its own: what becomes of that process, and of what it held."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from filmscand.drivers.child.messages import Open
from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.sane.device import SaneOpener
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    LibsaneMissingError,
    ScannerCrashedError,
)
from filmscand.drivers.scanner.python_sane import how_to_install_here
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment
from support.scanner_station import (
    MODEL,
    REQUEST,
    needs_sane,
    quick_recipe,
    scan_as_operator,
    slide_numbers,
)

pytestmark = needs_sane


def children():
    return psutil.Process().children(recursive=True)


def memory_held():
    gc.collect()
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for link in links if "memfd:filmscand" in (target := str(link.readlink()))]


def test_nothing_is_left_of_processes_that_crashed_hung_or_closed(virtual):
    before, held = children(), memory_held()
    for kind, moment in [(FaultKind.CLOSE_ALL, Moment.START), (FaultKind.STALL, Moment.OPTION)]:
        virtual.add_fault(Fault(kind, moment, slide=2))
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        outcome = scan_as_operator(scanner, MODEL, 4)
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


def test_without_libsane_it_is_said_what_to_install(tmp_path):
    (tmp_path / "sane.py").write_text('raise ImportError("libsane.so.1: cannot open shared object file")\n')
    path = os.pathsep.join([str(tmp_path), *sys.path])
    child = ChildProcess({"PYTHONPATH": path}, quick_recipe("test").budgets)
    try:
        with pytest.raises(LibsaneMissingError, match=r"libsane\.so\.1") as missing:
            child.value(Open(SaneOpener(DeviceName("test:0"), load_recipe("test"))))
    finally:
        child.end()
    assert how_to_install_here() in missing.value.advice
