"""The scanners of a new station: none is no failure."""

from __future__ import annotations

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.first_start import scanners
from filmscand.daemon.maintenance.first_start.scanners import look_for_scanners
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import LibsaneMissingError


def look(monkeypatch, tmp_path, answer):
    class Drivers:
        def list(self):
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(scanners, "drivers_of", lambda station: Drivers())
    return look_for_scanners(Station(root=tmp_path))


def test_no_scanner_is_no_failure(monkeypatch, tmp_path):
    (check,) = look(monkeypatch, tmp_path, ())
    assert (check.verdict, check.found) == (Verdict.OK, "none can be reached")


def test_without_sane_it_is_told_what_to_install(monkeypatch, tmp_path):
    (check,) = look(monkeypatch, tmp_path, LibsaneMissingError("python-sane is not installed"))
    assert (check.verdict, check.found) == (Verdict.WARNING, "python-sane is not installed")
    assert "python-sane" in check.advice


@pytest.mark.parametrize(
    ("recipe", "infrared", "problem", "verdict", "told"),
    [
        ("coolscan3", True, "", Verdict.OK, "with infrared"),
        ("pixma", False, "", Verdict.OK, "without infrared"),
        (None, None, "", Verdict.WARNING, "no recipe drives it"),
        ("coolscan3", None, "busy", Verdict.WARNING, "busy"),
    ],
)
def test_each_scanner_is_told_with_what_it_can_do(monkeypatch, tmp_path, recipe, infrared, problem, verdict, told):
    device = DeviceInfo("usb:1", "Nikon", "LS-50", "film scanner", recipe, infrared, problem)
    (check,) = look(monkeypatch, tmp_path, (device,))
    assert (check.name, check.verdict) == ("scanner usb:1", verdict)
    assert check.found.startswith("Nikon LS-50")
    assert told in check.found
