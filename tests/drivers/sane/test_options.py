"""Options are found by their name and set with the type that the device expects."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.options import SaneOptions, offers_infrared
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import load_recipe
from support.sane_handle import BOOL, FIXED, INT, STRING, SaneHandle, option

ROWS = (
    (0, "", "Number of options", "", INT, 0, 4, 4, None),
    option(1, "mode", STRING, ["Color", "RGBI"]),
    option(2, "depth", INT, [8, 14]),
    option(3, "exposure", FIXED, (0.0, 10.0, 0.0)),
    option(4, "infrared", BOOL, active=False),
)


@pytest.fixture
def handle():
    return SaneHandle(*ROWS)


@pytest.fixture
def options(handle):
    return SaneOptions(handle, lambda: None)


def test_an_option_has_its_range_or_its_list(options):
    assert options.names() == ("mode", "depth", "exposure", "infrared")
    exposure, depth = options.find("exposure"), options.find("depth")
    assert (exposure.limits, exposure.choices) == ((0.0, 10.0, 0.0), ())
    assert (depth.limits, depth.choices) == (None, (8, 14))
    assert options.find("tea") is None


def test_an_inactive_option_is_found_but_not_usable(options):
    assert options.find("infrared") is not None
    assert options.usable("infrared") is None
    assert options.usable("depth") is options.find("depth")
    assert options.usable("tea") is None


@pytest.mark.parametrize(
    ("name", "value", "stored"), [("exposure", 2, 2.0), ("infrared", True, 1), ("mode", "RGBI", "RGBI")]
)
def test_a_value_is_set_with_the_type_of_its_option(handle, options, name, value, stored):
    options.set(name, value)
    assert handle.values[name] == stored
    assert type(handle.values[name]) is type(stored)
    assert options.get(name) == stored


def test_a_value_outside_the_list_is_refused_with_the_list(options):
    with pytest.raises(ScannerSetupError, match="option depth: the scanner offers 8, 14, not 16"):
        options.set("depth", 16)


def test_descriptors_are_read_again_only_if_the_device_asks_for_it(handle, options):
    options.set("depth", 8)
    assert handle.readings == 1
    handle.reloads_on.add("mode")
    handle.rows[2] = option(2, "depth", INT, [16])
    options.set("mode", "RGBI")
    assert handle.readings == 2
    assert options.find("depth").choices == (16,)


def test_every_call_into_the_device_is_announced_before(handle):
    announced = []
    options = SaneOptions(handle, lambda: announced.append(len(handle.order)))
    options.set("depth", 8)
    options.get("depth")
    assert announced == [0, 0, 1]


@pytest.mark.parametrize(
    ("recipe", "rows", "offered"),
    [
        ("coolscan3", [option(1, "infrared", BOOL, active=False)], True),
        ("coolscan3", [option(1, "negative", BOOL)], False),
        ("pieusb", [option(1, "mode", STRING, ["Gray", "Color", "RGBI"])], True),
        ("pieusb", [option(1, "mode", STRING, ["Gray", "Color"])], False),
        ("test", [option(1, "mode", STRING, ["RGBI"])], False),
    ],
)
def test_infrared_is_offered_by_the_option_and_the_word_of_the_recipe(recipe, rows, offered):
    assert offers_infrared(load_recipe(recipe), SaneOptions(SaneHandle(*rows), lambda: None)) is offered
