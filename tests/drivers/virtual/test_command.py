"""The command starts the scanner that its arguments describe."""

from __future__ import annotations

import subprocess
import sys

from filmscand.drivers.virtual.command import ScannerSettings, make_scanner
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import make_magazine


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
