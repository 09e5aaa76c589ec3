"""The mechanics of each model: what a start delivers, and where the slides are."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.device import Mechanics, StartRefused, content_of, set_option
from filmscand.drivers.virtual.faults import FaultBook, Plane
from filmscand.drivers.virtual.frames import Content
from filmscand.drivers.virtual.magazine import STILL, Drift, Magazine, Slide
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.options import OptionSet
from filmscand.drivers.virtual.server import VirtualScanner
from filmscand.drivers.virtual.wire import Status
from support.scanner_station import (
    COLS,
    RESOLUTION_DPI,
    ROWS,
    make_magazine,
    make_slide,
    needs_sane,
    needs_scanimage,
)


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@needs_sane
@needs_scanimage
def test_eject_and_load_are_pressed_by_scanimage_while_the_device_is_closed(coolscan3):
    with SaneScanner(coolscan3.device, load_recipe("coolscan3")) as scanner:
        request = ScanRequest(RESOLUTION_DPI["coolscan3"])
        scanner.capture(request, 1)
        scanner.press("eject")
        assert coolscan3.slide_in_gate == 0
        scanner.press("load")
        assert coolscan3.slide_in_gate == 2
        # the slide that the button has loaded is not passed over
        assert np.array_equal(scanner.capture(request, 2).rgb, make_slide(2).rgb[: ROWS - 1])


@needs_sane
@pytest.mark.parametrize(("model", "contents"), [
    ("coolscan2", [Content.COLOUR, Content.INFRARED]),
    ("coolscan3", [Content.COLOUR_AND_INFRARED]),
    ("pieusb", [Content.COLOUR_AND_INFRARED]),
    ("genesys", [Content.COLOUR, Content.INFRARED]),
    ("pixma", [Content.COLOUR, Content.INFRARED]),
])  # fmt: skip
def test_each_model_delivers_its_infrared_in_its_own_way(model, contents):
    with (
        VirtualScanner(model, make_magazine(model, 1), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe(model)) as scanner,
    ):
        scanner.capture(ScanRequest(RESOLUTION_DPI[model]), 1)
        assert [frame.content for frame in virtual.delivered] == contents


@needs_sane
def test_bare_light_comes_after_the_last_slide_of_a_scanner_that_does_not_notice():
    with (
        VirtualScanner("pieusb", make_magazine("pieusb", 1), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe("pieusb")) as scanner,
    ):
        scanner.capture(ScanRequest(5000), 1)
        assert (scanner.capture(ScanRequest(5000), 2).rgb == 65535).all()


def machine_of(model, slides=3):
    return Mechanics(MODELS[model], make_magazine(model, slides), FaultBook())


def options_of(machine, **values):
    options = OptionSet(machine.model.options(machine.gate), machine.press)
    options.values.update(values)
    return options


@pytest.mark.parametrize(
    ("model", "in_gate"), [("coolscan2", 0), ("coolscan3", 0), ("pieusb", 1), ("genesys", 1), ("pixma", 1)]
)
def test_a_scanner_begins_with_an_empty_gate_if_it_feeds_and_with_the_first_slide_if_not(model, in_gate):
    assert machine_of(model).slide_in_gate == in_gate


def test_a_feeder_loads_one_slide_a_start_until_the_magazine_is_empty():
    machine = machine_of("coolscan3", slides=2)
    options = options_of(machine, autoload=1)
    assert machine.requested_slide(options) == 1
    assert [machine.start(options).slide for _ in range(2)] == [1, 2]
    with pytest.raises(StartRefused) as empty:
        machine.start(options)
    assert empty.value.status is Status.NO_DOCS


def test_without_autoload_the_slide_in_the_gate_is_scanned_again():
    machine = machine_of("coolscan3")
    machine.press("load")
    options = options_of(machine)
    assert [machine.start(options).slide for _ in range(2)] == [1, 1]
    machine.press("eject")
    with pytest.raises(StartRefused):
        machine.start(options)


def test_a_strip_is_addressed_by_the_number_of_the_frame():
    machine = machine_of("coolscan2")
    assert [machine.start(options_of(machine, frame=number)).slide for number in (3, 1)] == [3, 1]


@pytest.mark.parametrize(
    ("values", "slide"), [({"advance": 1}, 2), ({"advance": 0}, 1), ({"advance": 1, "preview": 1}, 1)]
)
def test_a_tray_advances_at_the_end_of_a_start_if_it_is_told_to(values, slide):
    machine = machine_of("pieusb")
    options = options_of(machine, **values)
    machine.start(options)
    machine.after_start(options)
    assert machine.slide_in_gate == slide


def test_a_person_changes_the_slide_after_its_infrared_pass():
    machine = machine_of("pixma")
    picture, infrared = options_of(machine), options_of(machine, mode="Infrared")
    machine.record_sent(machine.start(picture), 1.0, picture)
    assert machine.slide_in_gate == 1
    machine.record_sent(machine.start(infrared), 1.0, infrared)
    assert machine.slide_in_gate == 2
    assert machine.next_slide() == 2


@pytest.mark.parametrize(("share", "content"), [(0.2, Content.COLOUR), (0.4, Content.INFRARED)])
def test_coolscan2_gives_infrared_with_the_next_start_once_a_third_of_the_picture_is_read(share, content):
    machine = machine_of("coolscan2")
    options = options_of(machine, infrared=1)
    machine.record_sent(machine.start(options), share, options)
    assert machine.plane_of_start(options) is (Plane.INFRARED if content is Content.INFRARED else Plane.PICTURE)
    assert machine.start(options).content is content


@pytest.mark.parametrize(
    ("model", "values", "content"),
    [
        ("coolscan2", {"infrared": 1}, Content.COLOUR),
        ("coolscan3", {"infrared": 1}, Content.COLOUR_AND_INFRARED),
        ("coolscan3", {"infrared": 1, "preview": 1}, Content.COLOUR),
        ("pieusb", {"mode": "RGBI"}, Content.COLOUR_AND_INFRARED),
        ("pieusb", {"mode": "Gray"}, Content.GRAY),
        ("genesys", {"source": "Transparency Adapter Infrared"}, Content.INFRARED),
        ("genesys", {"mode": "Color"}, Content.COLOUR),
        ("pixma", {"mode": "Infrared"}, Content.INFRARED),
    ],
)
def test_the_options_of_a_model_decide_what_a_start_delivers(model, values, content):
    machine = machine_of(model)
    assert content_of(machine.model, options_of(machine, **values)) is content


def test_a_description_starts_nothing():
    machine = machine_of("coolscan3")
    frame = machine.describe_frame(options_of(machine, autoload=1))
    assert (frame.grid.rows, frame.grid.cols) == (ROWS, COLS)
    assert machine.slide_in_gate == 0


def test_only_a_second_pass_drifts():
    drifting = Magazine.of([Slide(make_slide(1).rgb, make_slide(1).infrared, Drift(rows_px=2.0))])
    for model, expected in [("genesys", Drift(rows_px=2.0)), ("coolscan3", STILL)]:
        machine = Mechanics(MODELS[model], drifting, FaultBook())
        options = options_of(machine, **({"source": "Transparency Adapter Infrared"} if model == "genesys" else {}))
        assert machine.describe_frame(options).drift == expected


def test_pixma_lists_the_resolutions_of_its_infrared_lamp_in_infrared_mode_and_leaves_it_with_a_new_source():
    machine = machine_of("pixma")
    options = options_of(machine)
    numbers = {option.name: index for index, option in enumerate(options.options)}
    set_option(machine.model, options, numbers["mode"], "Infrared")
    assert options.options[numbers["resolution"]].choices == (600, 1200, 2400)
    assert options["resolution"] == 600
    set_option(machine.model, options, numbers["source"], "Transparency Unit")
    assert options["mode"] == "Color"
    assert options.options[numbers["resolution"]].choices == (300, 600, 1200, 2400, 4800, 9600)
