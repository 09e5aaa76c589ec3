"""The mechanics of each model: what a start delivers, and where the slides are."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.virtual.frames import Content
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import (
    RESOLUTION_DPI,
    ROWS,
    make_magazine,
    make_slide,
    needs_sane,
    needs_scanimage,
    quick_recipe,
)


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@needs_sane
@needs_scanimage
def test_eject_and_load_are_pressed_by_scanimage_while_the_device_is_closed(coolscan3):
    with SaneScanner(coolscan3.device, quick_recipe("coolscan3")) as scanner:
        request = ScanRequest(RESOLUTION_DPI["coolscan3"])
        scanner.capture(request, 1)
        scanner.press("eject")
        assert coolscan3.slide_in_gate == 0
        scanner.press("load")
        assert coolscan3.slide_in_gate == 2
        # the slide that the button has loaded is not passed over
        assert np.array_equal(scanner.capture(request, 2).rgb, make_slide(2).rgb[: ROWS - 1])


@needs_sane
@pytest.mark.parametrize(("model", "contents"), [
    ("coolscan2", [Content.COLOUR, Content.INFRARED]),
    ("coolscan3", [Content.COLOUR_AND_INFRARED]),
    ("pieusb", [Content.COLOUR_AND_INFRARED]),
    ("genesys", [Content.COLOUR, Content.INFRARED]),
    ("pixma", [Content.COLOUR, Content.INFRARED]),
])  # fmt: skip
def test_each_model_delivers_its_infrared_in_its_own_way(model, contents):
    with (
        VirtualScanner(model, make_magazine(model, 1), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe(model)) as scanner,
    ):
        scanner.capture(ScanRequest(RESOLUTION_DPI[model]), 1)
        assert [frame.content for frame in virtual.delivered] == contents


@needs_sane
def test_bare_light_comes_after_the_last_slide_of_a_scanner_that_does_not_notice():
    with (
        VirtualScanner("pieusb", make_magazine("pieusb", 1), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("pieusb")) as scanner,
    ):
        scanner.capture(ScanRequest(5000), 1)
        assert (scanner.capture(ScanRequest(5000), 2).rgb == 65535).all()
