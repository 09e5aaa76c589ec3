"""Every command names its station first, and refuses one that does not exist."""

from __future__ import annotations

import json
import os

import pytest

import filmscand.daemon.service  # noqa: F401  another user may not load it later
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station import finding

pytestmark = pytest.mark.usefixtures("station")

NEED_A_STATION = [
    ["status"],
    ["verify"],
    ["rebuild"],
    ["seal", "c/b/r"],
    ["reclean", "c/b/r"],
    ["session", "pause", "1"],
    ["session", "resume", "1"],
    ["session", "cancel", "1"],
]


@pytest.mark.parametrize("arguments", NEED_A_STATION, ids=" ".join)
def test_a_station_that_does_not_exist_is_refused_and_not_made(command, station, arguments):
    status, out, errors = command(*arguments)
    assert (status, out) == (1, "")
    assert f"no station at {station} (named by $FILMSCAND_STATION)" in errors
    assert not station.exists()


@pytest.mark.parametrize("arguments", [["status"], ["verify"], ["doctor"], ["config", "show"]], ids=" ".join)
def test_the_first_line_and_the_first_key_name_the_station(command, station, arguments):
    (station / "archive").mkdir(parents=True)
    open_database(station / "station.db").close()
    assert command(*arguments)[1].splitlines()[0] == f"station      {station}"
    answer = json.loads(command(*arguments, "--json")[1])
    assert next(iter(answer.items())) == ("station", str(station))


def test_a_machine_without_a_station_can_be_examined(command, station):
    status, text, _ = command("doctor")
    assert status == 0
    assert text.splitlines()[0] == f"station      {station} (there is none yet)"
    assert not station.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_a_user_who_may_not_look_is_told_which_user_may(command, station):
    (station / "archive").mkdir(parents=True)
    station.chmod(0o700)
    station.parent.chmod(0o755)
    os.seteuid(65534)
    try:
        status, _, errors = command("status")
    finally:
        os.seteuid(0)
    assert status == 1
    assert "may not look into the station" in errors


CHANGE_A_STATION = [
    ["rebuild"],
    ["seal", "c/b/r"],
    ["reclean", "--failed"],
    ["session", "pause", "1"],
    ["archive", "adopt"],
    ["scan", "--roll", "r"],
    ["run"],
]


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
@pytest.mark.parametrize("arguments", CHANGE_A_STATION, ids=" ".join)
def test_a_user_who_may_only_look_is_told_who_may_change_the_station(command, station, arguments):
    (station / "archive").mkdir(parents=True)
    open_database(station / "station.db").close()
    for folder in (station, *station.parents[: len(station.parents) - 2]):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        status, _, errors = command(*arguments)
    finally:
        os.seteuid(0)
    assert status == 1
    assert "this user may not change the station: the station belongs to user root, and you are user nobody" in errors


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_a_user_who_may_not_look_is_not_left_with_a_bare_reason_by_run(command, station):
    (station / "archive").mkdir(parents=True)
    station.chmod(0o700)
    station.parent.chmod(0o755)
    os.seteuid(65534)
    try:
        status, _, errors = command("run")
    finally:
        os.seteuid(0)
    assert status == 1
    assert "may not look into the station" in errors


@pytest.fixture
def installed(station, monkeypatch, tmp_path):
    """The installed station of this machine, which belongs to the service's user; nobody names it."""
    monkeypatch.delenv("FILMSCAND_STATION")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(finding, "INSTALLED_ROOT", station)
    monkeypatch.setattr(finding, "INSTALLED_CONFIG", tmp_path / "etc/station.yaml")
    (station / "archive").mkdir(parents=True)
    open_database(station / "station.db").close()
    for place in (station, station / "archive", station / "station.db"):
        os.chown(place, 65534, 65534)
    return station


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the owner")
def test_the_installed_station_is_shown_where_nobody_names_one(command, installed):
    status, out, _ = command("status")
    assert (status, out.splitlines()[0]) == (0, f"station      {installed}")
    origins = {one["key"]: one["origin"] for one in json.loads(command("config", "show", "--json")[1])["settings"]}
    assert origins["root"] == "the installed station"


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the owner")
@pytest.mark.parametrize("arguments", CHANGE_A_STATION, ids=" ".join)
def test_root_does_not_change_an_installed_station_that_nobody_named(command, installed, arguments):
    status, _, errors = command(*arguments)
    assert status == 1
    assert "the station belongs to user nobody, and you are user root" in errors
    assert errors.rstrip().endswith("For a station of your own, name its folder in FILMSCAND_STATION")
    assert {path.stat().st_uid for path in installed.rglob("*")} == {65534}


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
@pytest.mark.parametrize("arguments", [["status"], ["doctor"], ["run"]], ids=" ".join)
def test_who_may_not_read_the_installed_configuration_is_told_what_helps(command, installed, tmp_path, arguments):
    config = tmp_path / "etc/station.yaml"
    config.parent.mkdir()
    config.write_text("workers: {count: 2}\n")
    config.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[: len(tmp_path.parents) - 2]):
        folder.chmod(0o755)
    os.seteuid(65533)
    try:
        status, _, errors = command(*arguments)
    finally:
        os.seteuid(0)
    assert status == 1
    assert f"{config}: this user may not look into the station" in errors
    assert "join its group" in errors
