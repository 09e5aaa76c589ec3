"""A scanner that SANE drives tells how it captured, and is closed while scanimage presses its buttons."""

from __future__ import annotations

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanProgress
from support.scanner_station import MODEL, REQUEST, needs_sane, quick_recipe

pytestmark = needs_sane


def test_a_closed_scanner_is_idle_and_its_next_call_opens_it_again(virtual):
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        assert scanner.progress() == ScanProgress("idle", 0, 0.0)
        scanner.capture(REQUEST, 1)
        scanner.press("eject")
        assert scanner.progress() == ScanProgress("idle", 1, 0.0)
        assert scanner.capture(REQUEST, 2).rgb.size > 0


def test_a_capture_says_how_it_was_made(virtual):
    with SaneScanner(virtual.device, quick_recipe(MODEL)) as scanner:
        info = scanner.capture(REQUEST, 1).info
    assert (info.layout, info.software, info.linear) == ("sane_coolscan3", "SANE coolscan3", True)
    assert (info.make, info.model) == ("Nikon", "Virtual LS-5000 ED")
    assert info.captured_at.tzinfo is not None
