"""Devices are listed with their recipe, and opened by their name."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.devices import open_scanner
from filmscand.drivers.scanner.errors import (
    ScannerSetupError,
)


def test_a_device_without_a_recipe_is_refused_with_the_recipes_that_there_are():
    with pytest.raises(ScannerSetupError, match="coolscan3"):
        open_scanner("epson2:libusb:001:003")
