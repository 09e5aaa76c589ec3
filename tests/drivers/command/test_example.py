"""The shipped example of a recipe drives the script of the how-to page, with a stand-in for the scanner's library."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from filmscand.config import __file__ as config_file
from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.command.recipe import Program, load_program
from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.scanner.errors import (
    ScannerAccessError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
)
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import COMMAND_EXAMPLE

HOUSE = Path(__file__).parents[3]
PAGE = HOUSE / "docs" / "how-to" / "use-another-scanner-program.md"
LIBRARY = HOUSE / "tests" / "support" / "fake_pyopticfilm"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Return the example with the script saved elsewhere, and run by this Python."""
    (code,) = re.findall(r"```py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = tmp_path / "scan.py"
    script.write_text(code)
    recipe = load_program(Path(config_file).parent / "scanners" / COMMAND_EXAMPLE).model_dump(by_alias=True)
    python = ["env", f"PYTHONPATH={LIBRARY}", sys.executable, str(script)]
    scan, probe = ([*python, *recipe[command][2:]] for command in ("scan", "probe"))
    return Program.model_validate(recipe | {"scan": scan, "probe": probe})


@pytest.mark.parametrize("infrared", [True, False])
def test_the_example_scans_with_the_script_of_the_page(example, infrared):
    with CommandScanner(example) as scanner:
        offered = scanner.capabilities()
        capture = scanner.capture(ScanRequest(3600, samples=2, infrared=infrared), 1)
    assert (offered.feeder, offered.samples, offered.infrared) == ("none", (1, 2, 4, 8), True)
    assert capture.info.infrared_origin is (InfraredOrigin.PAGE if infrared else InfraredOrigin.NONE)
    assert capture.rgb.shape == (30, 45, 3)
    assert capture.infrared is None or np.array_equal(capture.infrared, 65535 - capture.rgb[..., 0])


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        ("DeviceNotFoundError", ScannerGoneError),
        ("DriverBindingError", ScannerAccessError),
        ("MotorTimeoutError", ScannerJammedError),
        ("UsbError", ScannerIoError),
    ],
)
def test_the_scripts_exit_codes_are_those_of_the_example(example, monkeypatch, raised, kind):
    monkeypatch.setenv("FAKE_OPTICFILM", raised)
    with CommandScanner(example) as scanner, pytest.raises(kind, match="as the test wants it"):
        scanner.capabilities()
