"""A request becomes option values by the steps of the recipe."""

from __future__ import annotations

import pytest

from filmscand.drivers.sane.options import SaneOptions
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.sane.settings import PassPlan, Settings
from filmscand.drivers.scanner.errors import MagazineEmptyError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Region, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay, Recipe, Step, load_recipe
from support.sane_handle import BOOL, FIXED, INT, STRING, SaneHandle, option
from support.scanner_station import MODEL, REQUEST, needs_sane


@needs_sane
def test_a_step_that_the_scanner_has_no_option_for_is_refused(virtual):
    recipe = load_recipe(MODEL)
    missing = Step(option="tea", value=True, required=True)
    recipe = recipe.model_copy(update={"picture": (*recipe.picture, missing)})
    with SaneScanner(virtual.device, recipe) as scanner, pytest.raises(ScannerSetupError, match="tea"):
        scanner.capture(REQUEST, 1)


PIXEL_AREA = (
    option(10, "tl-x", INT, (0, 3999, 1)),
    option(11, "tl-y", INT, (0, 5999, 1)),
    option(12, "br-x", INT, (0, 3999, 1)),
    option(13, "br-y", INT, (0, 5999, 1)),
)
MM_AREA = tuple(
    option(10 + index, name, FIXED, (0.0, limit, 0.0))
    for index, (name, limit) in enumerate([("tl-x", 24.0), ("tl-y", 36.0), ("br-x", 24.0), ("br-y", 36.0)])
)
RESOLUTION = option(1, "resolution", INT, [1000, 2000, 4000])


def settings_of(recipe, *rows, **accepted):
    handle = SaneHandle(*rows, accepted=accepted)
    return Settings(recipe, SaneOptions(handle, lambda: None)), handle


def recipe_with(**changes):
    base = {
        "name": "mine",
        "backend": "mine",
        "title": "Mine",
        "match": {"device": "mine:"},
        "picture": [{"option": "resolution", "from": "resolution"}],
    }
    return Recipe.model_validate({**base, **changes})


def plan(resolution_dpi=4000, *, spare_row=False, **request):
    return PassPlan(ScanRequest(resolution_dpi, **request), True, resolution_dpi, spare_row=spare_row)


def test_steps_are_set_in_order_to_their_value_or_to_the_part_of_the_request():
    recipe = recipe_with(
        picture=[
            {"option": "preview", "value": False},
            {"option": "mode", "from": "infrared", "words": {True: "RGBI", False: "Color"}},
            {"option": "resolution", "from": "resolution"},
        ]
    )
    rows = [RESOLUTION, option(2, "mode", STRING, ["Color", "RGBI"]), option(3, "preview", BOOL)]
    settings, handle = settings_of(recipe, *rows)
    settings.apply(recipe.picture, plan())
    assert handle.order == ["preview", "mode", "resolution"]
    assert handle.values == {"preview": 0, "mode": "RGBI", "resolution": 4000}


@pytest.mark.parametrize(("autoexposure", "values"), [(False, {"exposure": 1.0}), (True, {})])
def test_the_exposure_is_left_to_the_scanner_if_it_exposes_by_itself(autoexposure, values):
    recipe = recipe_with(picture=[{"option": "exposure", "from": "exposure"}])
    settings, handle = settings_of(recipe, option(1, "exposure", FIXED, (0.0, 10.0, 0.0)))
    settings.apply(recipe.picture, plan(autoexposure=autoexposure))
    assert handle.values == values


@pytest.mark.parametrize(("force", "values"), [(False, {}), (True, {"infrared": 1})])
def test_an_inactive_option_is_skipped_unless_the_recipe_forces_it(force, values):
    recipe = recipe_with(picture=[{"option": "infrared", "from": "infrared", "force": force}])
    settings, handle = settings_of(recipe, option(1, "infrared", BOOL, active=False))
    settings.apply(recipe.picture, plan())
    assert handle.values == values


@pytest.mark.parametrize(
    ("offered", "wanted", "depth"), [([8, 14], 16, 14), ([8, 12, 16], 16, 16), ([8, 14], 8, 8), ([8, 16], 12, 16)]
)
def test_the_smallest_depth_that_is_enough_is_taken_else_the_largest(offered, wanted, depth):
    settings, _ = settings_of(recipe_with(), option(1, "depth", INT, offered))
    assert settings.depth_bits("depth", wanted) == depth


def test_a_depth_without_a_list_is_the_one_of_the_request():
    settings, _ = settings_of(recipe_with())
    assert settings.depth_bits("depth", 16) == 16


def test_a_resolution_that_the_scanner_changes_is_an_error():
    recipe = recipe_with()
    settings, _ = settings_of(recipe, option(1, "resolution", FIXED, (25.0, 5000.0, 0.0)), resolution=3333.3)
    with pytest.raises(ScannerSetupError, match=r"the scanner set 3333\.3 dpi, the request has 4000 dpi"):
        settings.apply(recipe.picture, plan())


SAMPLES = {"picture": [{"option": "samples", "from": "samples"}]}


@pytest.mark.parametrize(
    ("rows", "accepted", "message"),
    [
        ([], {}, "cannot read each line more than once, the request has 4 samples"),
        ([option(1, "samples", INT, (1, 16, 1))], {"samples": 2}, "set 2 samples per line, the request has 4"),
    ],
)
def test_multi_sampling_that_the_scanner_does_not_do_is_an_error(rows, accepted, message):
    recipe = recipe_with(**SAMPLES)
    settings, _ = settings_of(recipe, *rows, **accepted)
    with pytest.raises(ScannerSetupError, match=message):
        settings.apply(recipe.picture, plan(samples=4))


def test_without_a_region_the_whole_scan_area_is_set():
    recipe = recipe_with(picture=[{"from": "geometry"}])
    settings, handle = settings_of(recipe, *MM_AREA)
    settings.apply(recipe.picture, plan())
    assert handle.values == {"tl-x": 0.0, "tl-y": 0.0, "br-x": 24.0, "br-y": 36.0}
    assert handle.order[:2] == ["br-x", "br-y"]


@pytest.mark.parametrize(("spare_row", "bottom"), [(False, 159), (True, 160)])
def test_a_region_in_pixels_ends_at_its_last_pixel_and_a_spare_row_adds_one(spare_row, bottom):
    steps = [{"option": "resolution", "from": "resolution"}, {"from": "geometry"}]
    recipe = recipe_with(geometry={"unit": "pixel", "inclusive": True}, picture=steps)
    settings, handle = settings_of(recipe, RESOLUTION, *PIXEL_AREA)
    mm = 25.4 / 4000
    region = Region(top_mm=10 * mm, left_mm=20 * mm, height_mm=150 * mm, width_mm=100 * mm)
    settings.apply(recipe.picture, plan(region=region, spare_row=spare_row))
    edges = {name: handle.values[name] for name in ("tl-x", "tl-y", "br-x", "br-y")}
    assert edges == {"tl-x": 20, "tl-y": 10, "br-x": 119, "br-y": bottom}


def test_a_region_outside_the_scan_area_is_an_error():
    recipe = recipe_with(picture=[{"from": "geometry"}])
    settings, _ = settings_of(recipe, *MM_AREA)
    with pytest.raises(ScannerSetupError, match="outside the scan area"):
        settings.apply(recipe.picture, plan(region=Region(40.0, 0.0, 1.0, 1.0)))


def test_a_scanner_without_options_for_its_scan_area_is_an_error():
    recipe = recipe_with(picture=[{"from": "geometry"}])
    settings, _ = settings_of(recipe)
    with pytest.raises(ScannerSetupError, match="no range for the option br-x"):
        settings.apply(recipe.picture, plan())


@pytest.mark.parametrize(("height_mm", "has_room"), [(30.0, True), (36.0, False)])
def test_a_spare_row_needs_room_below_the_region(height_mm, has_room):
    settings, _ = settings_of(recipe_with(), *MM_AREA)
    request = ScanRequest(4000, region=Region(0.0, 0.0, height_mm, 10.0))
    assert settings.has_spare_row(request, 4000) is has_room
    assert not settings.has_spare_row(ScanRequest(4000), 4000)


LAMP = {"delivery": "second_pass_mode", "offered_by": {"option": "mode"}, "steps": [{"option": "mode", "value": "x"}]}


@pytest.mark.parametrize(("picture_dpi", "infrared_dpi"), [(1000, 1000), (4000, 2000), (500, 1000)])
def test_a_second_pass_takes_the_closest_resolution_of_the_infrared_lamp(picture_dpi, infrared_dpi):
    settings, _ = settings_of(recipe_with(infrared={**LAMP, "min_dpi": 600, "max_dpi": 2400}), RESOLUTION)
    assert settings.infrared_dpi(picture_dpi) == infrared_dpi


def test_a_scanner_without_a_resolution_for_its_infrared_lamp_is_an_error():
    settings, _ = settings_of(recipe_with(infrared={**LAMP, "min_dpi": 100, "max_dpi": 200}), RESOLUTION)
    with pytest.raises(ScannerSetupError, match="no resolution for infrared between 100 and 200 dpi"):
        settings.infrared_dpi(4000)


FEEDERS = {
    "feeders": [
        {"way": "frame", "option": "frame", "count_option": "frame-count"},
        {"way": "autoload", "option": "load"},
    ]
}


def test_the_first_feeder_whose_option_is_active_is_used():
    frame, load = option(1, "frame", INT, (1, 6, 1)), option(2, "load", BOOL)
    strip, _ = settings_of(recipe_with(**FEEDERS), frame, load)
    slides, _ = settings_of(recipe_with(**FEEDERS), option(1, "frame", INT, (1, 6, 1), active=False), load)
    neither, _ = settings_of(recipe_with(**FEEDERS))
    assert (strip.feeder().way, strip.frame_count()) == (FeederWay.FRAME, 6)
    assert (slides.feeder().way, slides.frame_count()) == (FeederWay.AUTOLOAD, None)
    assert (neither.feeder(), neither.frame_count()) == (None, None)


def test_a_frame_is_selected_by_its_number_with_a_count_of_one():
    rows = [option(1, "frame", INT, (1, 6, 1)), option(2, "frame-count", INT, (1, 6, 1))]
    settings, handle = settings_of(recipe_with(**FEEDERS), *rows)
    settings.set_feeder(5, feed=True)
    assert handle.values == {"frame": 5, "frame-count": 1}
    with pytest.raises(MagazineEmptyError, match="the holder has 6 frames, frame 7 was requested"):
        settings.set_feeder(7, feed=True)


@pytest.mark.parametrize("feed", [True, False])
def test_a_feeder_without_numbers_is_told_whether_to_feed(feed):
    settings, handle = settings_of(recipe_with(**FEEDERS), option(2, "load", BOOL))
    settings.set_feeder(5, feed=feed)
    assert handle.values == {"load": int(feed)}


def test_a_scanner_without_a_feeder_is_left_alone():
    settings, handle = settings_of(recipe_with(**FEEDERS))
    settings.set_feeder(2, feed=True)
    assert handle.order == []
