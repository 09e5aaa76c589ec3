"""Coolscans are listed if the package is there, and opened by their place."""

from __future__ import annotations

import importlib.util

import pytest

from filmscand.drivers.devices import Drivers
from filmscand.drivers.nkscan.devices import list_nkscan, open_nkscan
from filmscand.drivers.scanner.errors import ScannerGoneError, ScannerSetupError
from support.coolscan import coolscan

without_nkscan = pytest.mark.skipif(importlib.util.find_spec("nkscan") is not None, reason="nkscan is installed")


def test_a_coolscan_is_listed_with_its_place_and_whether_it_is_in_use(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 1, monkeypatch) as (station, _):
        (free,) = list_nkscan()
        station.will_fail("in_use@list:0")
        (held,) = list_nkscan()
    assert (free.device, free.vendor, free.model) == ("nkscan:usb:1-3.2", "Nikon", "LS-5000 ED")
    assert (free.infrared, free.recipe, free.problem) == (True, "nkscan", "")
    assert (held.model, held.infrared, held.problem) == ("LS-5000 ED", None, "in use by another program")


def test_a_coolscan_is_opened_by_its_place(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 1, monkeypatch):
        with Drivers().open("nkscan:usb:1-3.2") as scanner:
            assert scanner.capabilities().model == "LS-5000 ED"
        with Drivers().open("nkscan:usb:9-9") as scanner, pytest.raises(ScannerGoneError, match="no scanner matched"):
            scanner.capabilities()


@without_nkscan
def test_without_the_package_none_is_listed_and_its_name_says_what_is_missing():
    assert list_nkscan() == ()
    with pytest.raises(ScannerSetupError, match="the package nkscan cannot be loaded"):
        open_nkscan("nkscan:usb:1-3")


def test_a_name_without_a_place_is_refused():
    with pytest.raises(ScannerSetupError, match="expected where the scanner is"):
        open_nkscan("nkscan:")
