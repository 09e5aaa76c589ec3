"""An open device returns whole frames or typed errors; SANE's own test backend plays the faults."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    MagazineEmptyError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Step, load_recipe
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import RESOLUTION_DPI, make_magazine, needs_sane

pytestmark = needs_sane


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
    recipe = load_recipe("test")
    fault = Step(option="read-return-value", value=status)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, fault)})
    with SaneScanner("test:0", recipe) as scanner, pytest.raises(kind):
        scanner.capture(ScanRequest(100), 1)


@pytest.mark.parametrize("padding_bytes", [0, 5, 128])
def test_lines_longer_than_their_pixels_are_read_by_their_length(padding_bytes):
    recipe = load_recipe("test")
    padding = Step(option="ppl-loss", value=padding_bytes)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, padding)})
    with SaneScanner("test:0", recipe) as scanner:
        capture = scanner.capture(ScanRequest(100), 1)
    # Sheared lines would make columns of the pattern's bars differ from row to row.
    assert np.array_equal(capture.rgb[0], capture.rgb[1])


@pytest.mark.parametrize(
    ("model", "samples"), [("coolscan2", (1, 2, 4, 8, 16)), ("coolscan3", (1, 2, 4, 8, 16)), ("pieusb", (1,))]
)
def test_an_open_device_lists_what_its_recipe_can_use(model, samples):
    with (
        VirtualScanner(model, make_magazine(model, 3), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe(model)) as scanner,
    ):
        offered = scanner.capabilities()
    assert offered.samples == samples
    assert offered.buttons == load_recipe(model).buttons
    assert offered.frame_count == (3 if model == "coolscan2" else None)
    assert all(dpi >= load_recipe(model).min_dpi for dpi in offered.resolutions_dpi)
    assert bool(offered.resolutions_dpi) != bool(offered.resolution_range_dpi)


def test_a_resolution_at_which_the_scanner_misbehaves_is_refused():
    with (
        VirtualScanner("coolscan3", make_magazine("coolscan3", 1), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe("coolscan3")) as scanner,
        pytest.raises(ScannerSetupError, match="1000 dpi or more, found 800"),
    ):
        scanner.capture(ScanRequest(800), 1)


def test_the_bits_that_the_scanner_measures_are_recorded():
    with (
        VirtualScanner("coolscan3", make_magazine("coolscan3", 1), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe("coolscan3")) as scanner,
    ):
        depths = [
            scanner.capture(ScanRequest(RESOLUTION_DPI["coolscan3"], depth_bits=bits), 1).info.bits_per_sample
            for bits in (8, 16)
        ]
    assert depths == [8, 14]
