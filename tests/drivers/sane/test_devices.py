"""Devices are listed with their recipe, and opened by their name."""

from __future__ import annotations

import psutil
import pytest
import yaml

from filmscand.drivers.sane.devices import list_devices, open_scanner
from filmscand.drivers.scanner.errors import ScannerHungError, ScannerSetupError
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import make_magazine, needs_sane


def test_a_device_without_a_recipe_is_refused_with_the_recipes_that_there_are():
    with pytest.raises(ScannerSetupError, match="coolscan3"):
        open_scanner("epson2:libusb:001:003")


def test_a_recipe_that_does_not_exist_is_refused_by_its_name():
    with pytest.raises(ScannerSetupError, match="coolscan3:usb: no recipe is named 'toaster'"):
        open_scanner("coolscan3:usb", "toaster")


def test_a_scanner_can_be_opened_by_another_recipe_than_its_name_says(tmp_path):
    recipe = {
        "name": "mine",
        "backend": "coolscan3",
        "title": "Mine",
        "match": {"device": "nothing:"},
        "picture": [{"option": "resolution", "from": "resolution"}],
        "buttons": ["fly"],
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with (
        open_scanner("coolscan3:usb", "mine", recipes_folder=tmp_path) as scanner,
        pytest.raises(ScannerSetupError, match="recipe mine lists fly, not 'eject'"),
    ):
        scanner.press("eject")


@needs_sane
def test_a_process_that_takes_too_long_to_list_devices_is_ended():
    stalled = Fault(FaultKind.STALL, Moment.OPEN, slide=1)
    before = psutil.Process().children()
    with (
        VirtualScanner("coolscan3", make_magazine("coolscan3", 1), [stalled], address=None) as virtual,
        pytest.raises(ScannerHungError, match="during open"),
    ):
        list_devices([virtual.address], budget_s=0.5)
    assert psutil.Process().children() == before
