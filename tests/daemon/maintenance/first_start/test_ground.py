"""Whose station `filmscand setup` sets up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.maintenance.first_start import ground
from filmscand.daemon.maintenance.first_start.ground import Owner, find_ground
from filmscand.daemon.station import finding
from filmscand.daemon.station.rights import NotYourStationError
from support.first_start import SERVICE_OWNER
from support.two_users import needs_root


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    for variable in ("FILMSCAND_STATION", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(finding, "INSTALLED_ROOT", tmp_path / "var")
    monkeypatch.setattr(finding, "INSTALLED_CONFIG", tmp_path / "etc/station.yaml")
    return tmp_path


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setattr(ground, "service_owner", lambda: SERVICE_OWNER)


@pytest.fixture
def nobody_serves(monkeypatch):
    monkeypatch.setattr(ground, "service_owner", lambda: None)


def test_on_a_machine_without_the_services_user_it_is_ones_own(machine, nobody_serves):
    found = find_ground()
    own = machine / "home/.local/share/filmscand"
    assert (found.root, found.config, found.is_installed) == (own, own / "station.yaml", False)
    assert found.owner.is_me
    assert found.run_command == "filmscand run"


@needs_root
def test_for_root_it_is_the_services_where_that_user_exists(machine, service):
    found = find_ground()
    assert (found.root, found.config) == (machine / "var", machine / "etc/station.yaml")
    assert (found.owner, found.is_installed) == (SERVICE_OWNER, True)


@needs_root
def test_the_services_configuration_may_name_another_folder(machine, service):
    (machine / "etc").mkdir()
    (machine / "etc/station.yaml").write_text("root: /srv/station\n")
    assert find_ground().root == Path("/srv/station")


def test_who_has_a_station_keeps_it(machine, service):
    own = machine / "home/.local/share/filmscand"
    (own / "archive").mkdir(parents=True)
    assert find_ground().root == own
    assert not find_ground().is_installed


def test_an_ordinary_user_sets_up_ones_own_and_may_not_set_up_the_services(machine, monkeypatch):
    monkeypatch.setattr(ground, "service_owner", lambda: SERVICE_OWNER)
    (machine / "var").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert find_ground().root == machine / "home/.local/share/filmscand"
    with pytest.raises(NotYourStationError, match="run `filmscand setup` as root"):
        find_ground(machine / "etc/station.yaml")


def test_a_service_without_its_user_is_told_how_to_get_one(machine, nobody_serves):
    with pytest.raises(DaemonError, match="systemd-sysusers"):
        find_ground(machine / "etc/station.yaml")


def test_a_named_configuration_says_where_the_station_is(machine):
    file = machine / "elsewhere/station.yaml"
    assert find_ground(file).root == machine / "elsewhere"
    assert find_ground(file).run_command == f"filmscand run --config {file}"
    file.parent.mkdir()
    file.write_text(f"root: {machine / 'other'}\n")
    assert find_ground(file).root == machine / "other"


def test_a_named_folder_is_ones_own_station(machine, monkeypatch, service):
    monkeypatch.setenv("FILMSCAND_STATION", str(machine / "named"))
    found = find_ground()
    assert (found.root, found.config) == (machine / "named", machine / "named/station.yaml")
    assert not found.is_found


@needs_root
def test_root_sets_up_a_named_station_for_the_user_that_its_folder_belongs_to(machine, monkeypatch):
    monkeypatch.setenv("FILMSCAND_STATION", str(machine / "named"))
    assert find_ground().owner.user == 0
    (machine / "named").mkdir()
    os.chown(machine / "named", 48002, 48003)
    owner = find_ground().owner
    assert (owner.name, owner.user, owner.group) == ("48002", 48002, 48003)


@needs_root
def test_what_the_user_of_the_service_may_do_is_tried_as_that_user(shared):
    assert SERVICE_OWNER.may(shared, write=False)
    assert not SERVICE_OWNER.may(shared, write=True)
    shared.chmod(0o777)
    assert SERVICE_OWNER.may(shared, write=True)
    assert SERVICE_OWNER.run(["id", "-u"]).stdout.strip() == str(SERVICE_OWNER.user)


def test_a_command_of_ones_own_runs_as_oneself_with_more_variables():
    me = Owner("me", os.geteuid(), os.getegid())
    assert me.run(["sh", "-c", "echo $(id -u) $FILM"], {"FILM": "slide"}).stdout == f"{os.geteuid()} slide\n"
