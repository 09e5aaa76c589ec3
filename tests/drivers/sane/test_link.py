"""A device is opened by its name or, after a change of its address, by vendor and model."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    ScannerGoneError,
    ScannerIoError,
)
from filmscand.drivers.scanner.recipes import load_recipe
from support.scanner_station import MODEL, REQUEST, needs_sane

pytestmark = needs_sane


def test_a_device_that_has_changed_its_address_is_found_by_vendor_and_model(virtual):
    stale = f"net:{virtual.address}:coolscan3:usb:libusb:001:099"
    with SaneScanner(stale, load_recipe(MODEL), vendor="Nikon", model="Virtual LS-5000 ED") as scanner:
        assert scanner.capture(REQUEST, 1).rgb.size > 0
    with (
        SaneScanner(stale, load_recipe(MODEL), vendor="Nikon", model="LS-50 ED") as scanner,
        pytest.raises(ScannerGoneError),
    ):
        scanner.capture(REQUEST, 1)


def test_a_network_without_a_scanner_is_an_error(virtual):
    with (
        SaneScanner("net:127.0.0.1:coolscan3:virtual", load_recipe(MODEL)) as scanner,
        pytest.raises((ScannerGoneError, ScannerIoError)),
    ):
        scanner.capabilities()
