"""Every recipe of the folder is a scanner: listed, with its mistakes too, and opened by its name."""

from __future__ import annotations

import pytest

from filmscand.drivers.command.devices import list_commands, open_command
from filmscand.drivers.scanner.errors import ScannerSetupError
from support.command_station import ProgramStation


@pytest.fixture
def station(tmp_path):
    return ProgramStation(tmp_path / "station", 1)


def test_scanners_are_listed_with_their_infrared_and_why_they_cannot_be_used(tmp_path, station):
    station.install(tmp_path / "recipes")
    station.install(tmp_path / "recipes", name="gone", probe=station.command("probe"))
    (tmp_path / "recipes" / "wrong.yaml").write_text("driver: command\n")
    station.will_fail("exit8@probe:0")
    gone, virtual, wrong = list_commands(tmp_path / "recipes", probe=True)
    assert (virtual.device, virtual.infrared, virtual.recipe, virtual.problem) == (
        "command:virtual",
        True,
        "virtual",
        "",
    )
    assert (gone.infrared, gone.recipe) == (None, "gone")
    assert "exit code 8 (gone)" in gone.problem
    assert (wrong.device, wrong.recipe) == ("command:wrong", None)
    assert "wrong.yaml" in wrong.problem


def test_without_a_probe_nothing_is_run(tmp_path, station):
    device = station.install(tmp_path, scan=["no-such-program", "{output}", {"if": "feed"}])
    (info,) = list_commands(tmp_path, probe=False)
    assert (info.device, info.infrared, info.problem) == (device, True, "")


@pytest.mark.parametrize(
    ("folder", "message"),
    [(None, "no folder with recipes is configured"), ("recipes", "has this name; there are command:virtual")],
)
def test_a_name_without_a_recipe_is_refused(tmp_path, station, folder, message):
    station.install(tmp_path / "recipes")
    with pytest.raises(ScannerSetupError, match=message):
        open_command("command:other", folder and tmp_path / folder)
