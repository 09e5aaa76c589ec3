"""The command starts the scanner that its arguments describe."""

from __future__ import annotations

import subprocess
import sys

import tifffile

from filmscand.drivers.virtual.command import ScannerSettings, make_scanner
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
