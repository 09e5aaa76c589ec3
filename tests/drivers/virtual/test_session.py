"""A session answers the calls of one client."""

from __future__ import annotations

import socket

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import make_magazine, needs_sane, needs_scanimage, quick_recipe, scanimage


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@needs_sane
@needs_scanimage
def test_a_scanner_that_another_program_holds_is_busy(coolscan3, tmp_path):
    with SaneScanner(coolscan3.device, quick_recipe("coolscan3")) as scanner:
        scanner.capabilities()
        refused = scanimage(coolscan3, "-d", coolscan3.device, "-n")
    assert "Device busy" in refused.stderr
    assert scanimage(coolscan3, "-d", coolscan3.device, "-n").returncode == 0


@needs_scanimage
def test_a_client_that_speaks_no_sane_is_hung_up_on(coolscan3):
    with socket.create_connection((coolscan3.address, 6566)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""
    assert scanimage(coolscan3, "-L").returncode == 0
