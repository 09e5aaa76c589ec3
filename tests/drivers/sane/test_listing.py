"""Each device is listed with its recipe and whether it has infrared."""

from __future__ import annotations

from filmscand.drivers.sane.devices import list_devices, open_scanner
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import MODEL, make_magazine, needs_sane

pytestmark = needs_sane


def test_devices_are_listed_with_their_recipe_and_whether_they_give_infrared(virtual):
    with VirtualScanner("pieusb", make_magazine("pieusb", 1), address=None) as other:
        listed = {info.device: info for info in list_devices([virtual.address, other.address])}
        assert {info.recipe for info in listed.values()} == {"coolscan3", "pieusb"}
        assert all(info.infrared for info in listed.values())
        with open_scanner(other.device) as holder:
            holder.capabilities()
            held = {info.device: info for info in list_devices([other.address])}[other.device]
    assert held.infrared is None
    assert held.problem == "Device busy"


def test_devices_that_are_not_opened_are_listed_without_a_word_on_infrared(virtual):
    (info,) = list_devices([virtual.address], probe=False)
    assert (info.device, info.vendor, info.recipe) == (virtual.device, "Nikon", MODEL)
    assert (info.infrared, info.problem) == (None, "")
