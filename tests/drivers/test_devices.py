"""The scanners of all drivers are listed together, and each is opened by its name."""

from __future__ import annotations

import pytest

from filmscand.drivers import devices
from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.devices import Drivers
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import LibsaneMissingError, ScannerSetupError
from support.command_station import ProgramStation
from support.scanner_station import needs_sane, scanner


@needs_sane
def test_a_scanner_of_sane_is_listed_and_opened_by_its_own_name():
    with scanner(1) as virtual:
        drivers = Drivers((virtual.address,))
        (info,) = drivers.list(probe=False)
        with drivers.open(info.device) as opened:
            assert isinstance(opened, SaneScanner)
            assert opened.capabilities().device == virtual.device


def test_a_name_that_no_driver_knows_is_refused():
    with pytest.raises(ScannerSetupError, match="camera:0: no recipe drives it"):
        Drivers().open("camera:0")


@needs_sane
def test_a_scanner_that_another_program_drives_is_listed_beside_those_of_sane(tmp_path):
    ProgramStation(tmp_path / "station", 1).install(tmp_path / "recipes")
    with scanner(1) as virtual:
        drivers = Drivers((virtual.address,), tmp_path / "recipes")
        names = [info.device for info in drivers.list(probe=False)]
        assert names == [virtual.device, "command:virtual"]
    with drivers.open("command:virtual") as opened:
        assert isinstance(opened, CommandScanner)


def test_a_driver_that_fails_is_an_error_only_if_no_other_finds_a_scanner(tmp_path, monkeypatch, caplog):
    def no_sane(*_, **__):
        raise LibsaneMissingError("python-sane cannot be loaded")

    monkeypatch.setattr(devices, "list_sane", no_sane)
    with pytest.raises(LibsaneMissingError):
        Drivers(programs=tmp_path).list()
    ProgramStation(tmp_path / "station", 1).install(tmp_path / "recipes")
    (info,) = Drivers(programs=tmp_path / "recipes").list(probe=False)
    assert info.device == "command:virtual"
    assert "python-sane cannot be loaded" in caplog.text
