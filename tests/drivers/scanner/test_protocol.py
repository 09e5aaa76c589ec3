"""Requests are checked when they are made."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import Region, Scanner, ScanRequest
from filmscand.drivers.scanner.recipes import load_recipe


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution_dpi": 0}, "resolution_dpi: expected 1 or more, found 0"),
        ({"samples": 0}, "samples: expected 1 or more, found 0"),
        ({"depth_bits": 12}, "depth_bits: expected 8 or 16, found 12"),
        ({"frames": 0}, "frames: expected 1 or more, or None for all, found 0"),
    ],
)
def test_a_request_out_of_range_is_refused_with_its_field(values, message):
    with pytest.raises(ValueError, match=message):
        ScanRequest(**{"resolution_dpi": 4000, **values})


def test_a_request_without_a_count_scans_everything():
    request = ScanRequest(4000)
    assert (request.frames, request.region, request.infrared, request.advance) == (None, None, True, True)


@pytest.mark.parametrize("edges", [(-1.0, 0.0, 1.0, 1.0), (0.0, -0.1, 1.0, 1.0), (0.0, 0.0, 0.0, 1.0), (0, 0, 1, -1)])
def test_a_region_without_area_or_left_of_the_scan_area_is_refused(edges):
    with pytest.raises(ValueError, match="expected a region"):
        Region(*edges)


def test_the_sane_scanner_is_a_scanner():
    scanner: Scanner = SaneScanner("test:0", load_recipe("test"))
    assert scanner.progress().phase == "idle"
    scanner.close()
