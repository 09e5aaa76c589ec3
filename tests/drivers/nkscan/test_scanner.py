"""A button that no Coolscan has is refused before anything is opened."""

from __future__ import annotations

import pytest

from filmscand.drivers.nkscan.scanner import NkscanScanner
from filmscand.drivers.scanner.errors import ScannerSetupError


def test_a_button_that_no_coolscan_has_is_refused():
    with NkscanScanner("usb:1-3") as scanner, pytest.raises(ScannerSetupError, match="eject and load, not 'fly'"):
        scanner.press("fly")
