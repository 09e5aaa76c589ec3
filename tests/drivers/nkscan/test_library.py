"""The package nkscan is called as it is written, and its errors say what to do."""

from __future__ import annotations

import inspect
import sys

import pytest

from filmscand.drivers.nkscan.library import converted_errors, is_installed, load_nkscan, scanner_error
from filmscand.drivers.scanner.errors import (
    FilmNotReadyError,
    ScanCancelledError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)
from support.coolscan import coolscan

# Calls of nkscan 0.17.0, as its type stub and `__text_signature__` give them.
FRAME_SETTINGS = "film=None, format=None, base_density=None, lock_white_balance=None"
CALLS = {
    "list_devices": "()",
    "init_logging": "(level=None, path=None)",
    "Session": "(location)",
    "Session.open": "(device)",
    "Session.media_loaded": "(self)",
    "Session.stage": "(self)",
    "Session.eject": "(self)",
    "Session.load": "(self)",
    "Session.discover_frames": "(self, format=None, film=None, progress=None)",
    "Session.scan_frame": "(self, frame, dpi=None, samples=1, superfine=False, infrared=False, clean=False, "
    f"{FRAME_SETTINGS}, exposures=None, focus=None, progress=None)",
    "Session.meter_frame": f"(self, frame, infrared=False, {FRAME_SETTINGS}, progress=None)",
    "Session.focus_frame": "(self, frame, focus=None)",
    "Session.autofocus": "(self, x, y, color=None)",
    "Session.focus_to": "(self, position)",
    "Session.focus_position": "(self)",
    "Session.nikon_profile": "(self, film)",
    "Session.close": "(self)",
}
TREE = {
    "ScannerError": "RuntimeError",
    "TransientError": "ScannerError",
    "TransportError": "TransientError",
    "DeviceBusy": "TransientError",
    "DeviceNotFound": "ScannerError",
    "MediaError": "ScannerError",
    "UnsupportedError": "ScannerError",
    "ScanCancelled": "ScannerError",
}
FIELDS = {
    "Capabilities": "autofocus eject film_format film_formats focus_range framing hardware_metering interleavings "
    "locks_white_balance max_frames max_samples model multi_line optical_dpi product revision thumbnail thumbnail_dpi "
    "vendor x_dpi_range y_dpi_range",
    "Discovery": "addresses_per_column base_density column_addresses contrast frames row_addresses thumbnail "
    "thumbnail_blocks thumbnail_complete",
    "ScanResult": "blocks cleaned colors cols complete dpi exposures focus_position focused ir rows",
}


def check_calls(nkscan):
    """Compare a package with what is known of nkscan 0.17; the real one is checked by this, too."""
    for name, signature in CALLS.items():
        called = nkscan
        for part in name.split("."):
            called = getattr(called, part)
        assert str(inspect.signature(called)).replace("$self", "self").replace("(self, /)", "(self)") in (
            signature,
            signature.replace("(self, ", "(self, /, "),
        ), name
    for name, base in TREE.items():
        assert getattr(nkscan, name).__base__.__name__ == base


@pytest.fixture
def nkscan(tmp_path, monkeypatch):
    with coolscan(tmp_path, "strip", 2, monkeypatch):
        monkeypatch.delitem(sys.modules, "nkscan", raising=False)
        yield load_nkscan()
    sys.modules.pop("nkscan", None)


def test_the_stand_in_has_the_calls_of_the_package(nkscan):
    check_calls(nkscan)


def test_the_stand_in_tells_what_the_package_tells(nkscan):
    with nkscan.Session("usb:1-3.2") as session:
        found = session.discover_frames()
        scanned = session.scan_frame(found.frames[0])
        told = {"Capabilities": session.capabilities, "Discovery": found, "ScanResult": scanned}
    for name, fields in FIELDS.items():
        assert [field for field in dir(told[name]) if not field.startswith("_")] == fields.split()


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (("DeviceBusy", "the scanner is busy"), ScannerBusyError),
        (("TransportError", "timed out after 5s"), ScannerIoError),
        (("TransportError", "Permission denied (os error 13)"), ScannerAccessError),
        (("TransientError", "not yet"), ScannerIoError),
        (("DeviceNotFound", "no scanner matched"), ScannerGoneError),
        (("MediaError", "FH-869GR: the mask is not set"), FilmNotReadyError),
        (("ScanCancelled", "scan cancelled"), ScanCancelledError),
        (("ScannerError", "scanner fault: mechanical error (None)"), ScannerJammedError),
        (("ScannerError", "scanner fault: hardware error (None)"), ScannerIoError),
    ],
)
def test_an_error_of_the_package_says_what_to_do(nkscan, raised, kind):
    name, message = raised
    with pytest.raises(kind, match=message.partition(" (")[0]), converted_errors():
        raise getattr(nkscan, name)(message)


def test_what_the_scanner_cannot_do_is_to_be_put_right_in_the_request(nkscan):
    with pytest.raises(ScannerSetupError, match="scan window: none"), converted_errors():
        raise nkscan.UnsupportedError("scan window", "none")


def test_other_errors_are_left_as_they_are():
    assert scanner_error(ValueError("unknown film")) is None
    with pytest.raises(ValueError, match="unknown film"), converted_errors():
        raise ValueError("unknown film")


@pytest.mark.parametrize(
    ("version", "advice"),
    [((3, 11, 2), "needs Python 3.13 or later, this is 3.11"), ((3, 13, 5), "-m pip install nkscan")],
)
def test_without_the_package_it_is_said_what_to_install(monkeypatch, version, advice):
    monkeypatch.setitem(sys.modules, "nkscan", None)
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(ScannerSetupError, match="the package nkscan cannot be loaded") as missing:
        load_nkscan()
    assert advice in missing.value.advice


def test_a_package_that_is_there_is_found(nkscan):
    assert is_installed()
