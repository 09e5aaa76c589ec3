"""Each model has the options of its SANE backend."""

from __future__ import annotations

import pytest

from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import make_magazine, needs_scanimage, scanimage


@needs_scanimage
@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("coolscan2", ["--infrared[=(yes|no)] [no]", "--frame 1..3", "--eject", "--autofocus"]),
        ("coolscan3", ["--infrared[=(yes|no)] [inactive]", "--autoload", "--depth 8|14bit"]),
        ("pieusb", ["--mode Gray|Color|RGBI [Color]", "--advance", "--correct-infrared"]),
        ("genesys", ["--source Transparency Adapter|Transparency Adapter Infrared", "--mode Color|Gray [Gray]"]),
        ("pixma", ["--mode Color|Gray|Infrared", "--source Flatbed|Transparency Unit"]),
    ],
)
def test_scanimage_shows_the_options_of_the_model(model, shown):
    with VirtualScanner(model, make_magazine(model, 3), address=None) as virtual:
        text = scanimage(virtual, "-A", "-d", virtual.device).stdout
    assert [option for option in shown if option not in text] == []
