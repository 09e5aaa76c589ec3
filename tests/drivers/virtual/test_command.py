"""The command starts the scanner that its arguments describe."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tifffile

from filmscand.drivers.base import DriverError
from filmscand.drivers.virtual.command import ScannerSettings, make_scanner, run_scanner
from filmscand.drivers.virtual.faults import Fault
from filmscand.drivers.virtual.server import VirtualScanner
from support.sane_client import SaneClient
from support.scanner_station import make_magazine, make_slide


def test_the_command_makes_what_its_settings_say():
    scanner = make_scanner(ScannerSettings(model="coolscan", slides=2, rows_px=40, cols_px=60, address=None))
    with scanner:
        assert scanner.device.endswith("coolscan3:virtual")


def test_the_command_tells_where_the_scanner_is_and_ends_when_asked_to():
    with VirtualScanner("pixma", make_magazine("pixma", 1), address=None) as taken:
        free = f"127.0.1.{taken.address.rsplit('.', 1)[1]}"
    command = [sys.executable, "-m", "filmscand.drivers.virtual", "--model", "genesys", "--rows", "30", "--cols", "40"]
    with subprocess.Popen([*command, "--address", free], stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0
    assert told.startswith(f"net:{free}:genesys:virtual")


def test_film_files_take_the_place_of_simulated_slides(tmp_path):
    slide = make_slide(1)
    tifffile.imwrite(tmp_path / "a.tif", slide.rgb, photometric="rgb")
    tifffile.imwrite(tmp_path / "a_ir.tif", slide.infrared)
    with (
        make_scanner(ScannerSettings(files=(tmp_path / "a.tif",), address=None)) as scanner,
        SaneClient(scanner.address) as client,
    ):
        client.open("")
        assert client.parameters()[4:6] == slide.infrared.shape[::-1]


def test_a_mistake_in_a_fault_is_refused_before_anything_starts():
    command = [sys.executable, "-m", "filmscand.drivers.virtual", "--fault", "sneeze"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--fault" in refused.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "toaster"}, "expected a model of coolscan, .*; found 'toaster'"),
        ({"kinds": ("leaky_slide", "toast")}, "expected kinds of slides of .*leaky_slide.*; found 'toast'"),
    ],
)
def test_an_unknown_model_or_kind_is_told_with_those_there_are(settings, message):
    with pytest.raises(ValueError, match=message):
        make_scanner(ScannerSettings(**settings))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sulking", "expected a kind of fault of jammed, .*; found 'sulking'"),
        ("jammed@lunch", "expected a moment of .*start.*; found 'lunch'"),
        ("jammed@start:1/0.5+soul", "expected a plane of picture, infrared; found 'soul'"),
    ],
)
def test_an_unknown_fault_is_told_with_those_there_are(text, message):
    with pytest.raises(ValueError, match=message):
        Fault.parse(text)


def test_an_address_that_cannot_be_used_is_named():
    with pytest.raises(DriverError, match=r"192\.0\.2\.1: expected a free loopback address, found: "):
        run_scanner(ScannerSettings(address="192.0.2.1", slides=1, rows_px=16, cols_px=16))
