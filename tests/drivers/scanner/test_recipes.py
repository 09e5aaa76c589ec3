from __future__ import annotations

import pytest
import yaml

from filmscand.drivers.scanner.errors import (
    ScannerSetupError,
)
from filmscand.drivers.scanner.recipes import (
    Budgets,
    Delivery,
    load_recipe,
    load_recipes,
    recipe_for,
)

BACKENDS = {"avision", "coolscan2", "coolscan3", "genesys", "pieusb", "pixma", "test"}
A_RECIPE = {
    "name": "mine",
    "backend": "mine",
    "title": "Mine",
    "match": {"device": "mine:"},
    "picture": [{"option": "resolution", "from": "resolution"}],
}


def written(tmp_path, changes):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**A_RECIPE, **changes}), encoding="utf-8")
    return tmp_path


def test_every_backend_of_the_reference_has_a_recipe():
    assert {recipe.name for recipe in load_recipes()} == BACKENDS


def test_every_delivery_of_infrared_has_a_recipe():
    assert {recipe.infrared.delivery for recipe in load_recipes()} == set(Delivery)


@pytest.mark.parametrize(
    ("device", "vendor", "model", "name"),
    [
        ("coolscan3:usb:libusb:001:004", "Nikon", "LS-50 ED", "coolscan3"),
        ("coolscan2:scsi:/dev/sg1", "Nikon", "LS-2000", "coolscan2"),
        ("net:192.168.1.7:pieusb:libusb:001:002", "Reflecta", "DigitDia 6000", "pieusb"),
        ("genesys:libusb:001:009", "PLUSTEK", "OpticFilm 8200i", "genesys"),
        ("pixma:04A9190D_123", "CANON", "CanoScan 9000F Mark II", "pixma"),
        ("avision:libusb:001:003", "Minolta", "Elite 5400", "avision"),
        ("test:0", "Noname", "frontend-tester", "test"),
        ("pixma:04A91901_1", "CANON", "CanoScan 8800F", None),
        ("avision:libusb:001:003", "Avision", "AV600U", None),
        ("epson2:libusb:001:003", "Epson", "GT-X900", None),
    ],
)
def test_a_device_is_recognized_by_its_name_vendor_and_model(device, vendor, model, name):
    found = recipe_for(load_recipes(), device, vendor, model)
    assert (found.name if found else None) == name


def test_a_device_whose_name_says_nothing_is_recognized_by_its_options():
    options = ["", "mode", "resolution", "fast-infrared", "correct-infrared", "advance"]
    found = recipe_for(load_recipes(), "net:10.0.0.1:frontdesk", "", "", options)
    assert found is not None
    assert found.name == "pieusb"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"picture": [{"option": "depth"}]}, "either 'value' or 'from'"),
        ({"picture": [{"option": "depth", "from": "deepness"}]}, "deepness|from"),
        ({"picture": [{"option": "tl-x", "from": "geometry"}]}, "geometry"),
        ({"match": {"device": "("}}, "regular expression"),
        ({"infrared": {"delivery": "inline"}}, "needs 'offered_by'"),
        ({"infrared": {"delivery": "second_pass_mode", "offered_by": {"option": "mode"}}}, "needs 'steps'"),
        ({"budgets": {"start_s": 0}}, "start_s"),
        ({"errors": {"no_docs": "shrug"}}, "shrug|no_docs"),
        ({"name": "other"}, "other"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_with_the_file_and_the_place(tmp_path, changes, complaint):
    with pytest.raises(ScannerSetupError, match=rf"(?s)mine\.yaml.*({complaint})"):
        load_recipes(written(tmp_path, changes))


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ScannerSetupError, match=r"mine\.yaml"):
        load_recipes(tmp_path)


def test_a_recipe_from_a_folder_is_found_by_its_name(tmp_path):
    assert load_recipe("mine", written(tmp_path, {})).title == "Mine"
    with pytest.raises(ScannerSetupError, match="there are mine"):
        load_recipe("coolscan3", tmp_path)


def test_a_recipe_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_recipe("test").budgets.read_s = 1.0


def test_a_start_may_take_longer_than_any_other_call():
    usual = Budgets()
    assert usual.start_s > max(usual.option_s, usual.read_s, usual.parameters_s)
    # pieusb scans in its start, without a sign of life
    assert load_recipe("pieusb").budgets.start_s >= 1200
