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
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Step
from support.scanner_station import needs_sane, quick_recipe

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
    recipe = quick_recipe("test")
    fault = Step(option="read-return-value", value=status)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, fault)})
    with SaneScanner("test:0", recipe) as scanner, pytest.raises(kind):
        scanner.capture(ScanRequest(100), 1)


@pytest.mark.parametrize("padding_bytes", [0, 5, 128])
def test_lines_longer_than_their_pixels_are_read_by_their_length(padding_bytes):
    recipe = quick_recipe("test")
    padding = Step(option="ppl-loss", value=padding_bytes)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, padding)})
    with SaneScanner("test:0", recipe) as scanner:
        capture = scanner.capture(ScanRequest(100), 1)
    # Sheared lines would make columns of the pattern's bars differ from row to row.
    assert np.array_equal(capture.rgb[0], capture.rgb[1])
