"""What a Coolscan offers follows from its adapter, and a part of the picture is a rectangle on the film."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from filmscand.drivers.nkscan.framing import cut_out, feeder_way, offered_resolutions, offered_samples
from filmscand.drivers.scanner.protocol import Region
from filmscand.drivers.scanner.recipes import FeederWay

MM = 25.4 / 4000


def test_resolutions_are_whole_fractions_of_the_optical_one_within_both_ranges():
    caps = SimpleNamespace(x_dpi_range=(90, 4000), y_dpi_range=(500, 4000), optical_dpi=4000)
    assert offered_resolutions(caps) == (500, 800, 1000, 2000, 4000)


@pytest.mark.parametrize(("most", "offered"), [(1, (1,)), (4, (1, 2, 4)), (16, (1, 2, 4, 8, 16))])
def test_lines_are_averaged_over_powers_of_two(most, offered):
    assert offered_samples(SimpleNamespace(max_samples=most)) == offered


@pytest.mark.parametrize(
    ("framing", "frames", "eject", "way"),
    [
        ("perforation", 0, True, FeederWay.FRAME),
        ("thumbnail", 6, True, FeederWay.FRAME),
        ("published", 3, False, FeederWay.FRAME),
        ("address", 25, True, FeederWay.FRAME),
        ("address", 1, True, FeederWay.AUTOLOAD),
        ("address", 1, False, FeederWay.NONE),
    ],
)
def test_the_adapter_says_how_the_next_frame_comes_into_the_gate(framing, frames, eject, way):
    assert feeder_way(SimpleNamespace(framing=framing, max_frames=frames, eject=eject)) is way


@pytest.mark.parametrize(
    ("region", "rectangle"),
    [
        (Region(0, 0, 1000 * MM, 2000 * MM), (500, 100, 2500, 1100)),
        (Region(10 * MM, 20 * MM, 30 * MM, 40 * MM), (520, 1060, 560, 1090)),
        (Region(900 * MM, 1900 * MM, 500 * MM, 500 * MM), (2400, 100, 2500, 200)),
    ],
)
def test_rows_run_against_the_sensor_and_columns_along_the_feed_within_the_frame(region, rectangle):
    assert cut_out((500, 100, 2500, 1100), region, 4000) == rectangle
