"""The scanners of all drivers are listed together, and each is opened by its name."""

from __future__ import annotations

import pytest

from filmscand.drivers.devices import Drivers
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import ScannerSetupError
from support.scanner_station import needs_sane, scanner


@needs_sane
def test_a_scanner_of_sane_is_listed_and_opened_by_its_own_name():
    with scanner(1) as virtual:
        drivers = Drivers((virtual.address,))
        (info,) = drivers.list(probe=False)
        with drivers.open(info.device) as opened:
            assert isinstance(opened, SaneScanner)
            assert opened.capabilities().device == virtual.device


def test_a_name_that_no_driver_knows_is_refused():
    with pytest.raises(ScannerSetupError, match="camera:0: no recipe drives it"):
        Drivers().open("camera:0")
