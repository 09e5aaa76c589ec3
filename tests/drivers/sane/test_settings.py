"""A request becomes option values by the steps of the recipe."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import (
    ScannerSetupError,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Step
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import RESOLUTION_DPI, make_magazine, needs_sane, quick_recipe

MODEL = "coolscan3"


REQUEST = ScanRequest(RESOLUTION_DPI[MODEL])


@pytest.fixture
def virtual():
    with VirtualScanner(MODEL, make_magazine(MODEL, 4), address=None) as virtual:
        yield virtual


@needs_sane
def test_a_step_that_the_scanner_has_no_option_for_is_refused(virtual):
    recipe = quick_recipe(MODEL)
    missing = Step(option="tea", value=True, required=True)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, missing)})
    with SaneScanner(virtual.device, recipe) as scanner, pytest.raises(ScannerSetupError, match="tea"):
        scanner.capture(REQUEST, 1)
