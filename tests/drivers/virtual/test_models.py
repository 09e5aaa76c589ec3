"""Each model has the options of its SANE backend."""

from __future__ import annotations

import pytest

from filmscand.drivers.scanner.recipes import load_recipe, load_recipes, recipe_for
from filmscand.drivers.virtual.models import MODELS, Gate
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


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_every_option_that_its_recipe_needs(name):
    options = {option.name for option in MODELS[name].options(Gate(100, 150, 3, MODELS[name].resolution_dpi))}
    recipe = load_recipe(name)
    needed = {step.option for step in (*recipe.picture, *recipe.infrared.steps) if step.required}
    geometry = {recipe.geometry.left, recipe.geometry.top, recipe.geometry.right, recipe.geometry.bottom}
    assert needed | geometry | set(recipe.buttons) | {recipe.infrared.offered_by.option} <= options


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_recognised_by_its_recipe_and_delivers_infrared_as_that_says(name):
    model = MODELS[name]
    recipe = recipe_for(load_recipes(), f"net:127.0.0.2:{model.device}", model.vendor, model.product)
    assert recipe.name == name
    assert recipe.infrared.delivery.value == model.delivery.value


def test_the_scan_area_is_as_large_as_the_slide():
    assert Gate(rows_px=4000, cols_px=6000, slides=1, resolution_dpi=4000).mm(4000) == pytest.approx(25.4)
