"""The process of a scanner ends with its parent and reports what goes wrong in it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from filmscand.drivers.child.messages import GetCapabilities
from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.scanner.errors import ScannerSetupError
from support.scanner_station import needs_sane, quick_recipe, wait_until


@needs_sane
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


@pytest.fixture
def child():
    child = ChildProcess({}, quick_recipe("test").budgets)
    yield child
    child.end()


def test_an_error_that_nobody_expected_is_reported_and_the_process_goes_on(child):
    for _ in range(2):
        with pytest.raises(ScannerSetupError, match="unexpected error in the driver: AssertionError"):
            child.value(GetCapabilities())
    assert not child.ended


def test_a_process_that_is_told_to_close_ends(child):
    child.end()
    assert child.ended
