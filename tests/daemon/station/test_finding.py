"""Which station is meant where nobody names one, and which configuration it has."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.station import finding
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.finding import StationKind, find_config, find_station


@pytest.fixture(autouse=True)
def nobody_names_a_station(monkeypatch, tmp_path):
    for variable in ("FILMSCAND_STATION", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(finding, "INSTALLED_ROOT", tmp_path / "var")
    monkeypatch.setattr(finding, "INSTALLED_CONFIG", tmp_path / "etc" / "station.yaml")


@pytest.fixture
def own(tmp_path):
    return tmp_path / "home/.local/share/filmscand"


@pytest.fixture
def installed(tmp_path):
    (tmp_path / "var").mkdir()
    return tmp_path / "var"


@pytest.fixture
def installed_config(tmp_path):
    file = tmp_path / "etc" / "station.yaml"
    file.parent.mkdir()
    file.write_text("workers: {count: 3}\n")
    return file


def test_on_a_machine_without_an_installed_station_it_is_the_users_own(own):
    found = find_station()
    assert (found.root, found.kind) == (own, StationKind.OWN)
    assert found.named_by == "by nobody: $FILMSCAND_STATION is not set"


def test_a_user_without_a_station_means_the_installed_one(installed):
    found = find_station()
    assert (found.root, found.kind) == (installed, StationKind.INSTALLED)
    assert "the installed station of this machine" in found.named_by


def test_the_installed_stations_configuration_alone_tells_that_there_is_one(installed_config, tmp_path):
    assert find_station().root == tmp_path / "var"
    assert load_station().workers.count == 3


@pytest.mark.parametrize("thing", ["station.yaml", "station.db", "drop/"])
def test_a_user_with_a_station_keeps_it_whatever_is_installed(own, installed, installed_config, thing):
    own.mkdir(parents=True)
    assert find_station().root == installed
    (own / thing).mkdir() if thing.endswith("/") else (own / thing).touch()
    assert (find_station().root, find_station().kind) == (own, StationKind.OWN)
    assert find_config() != installed_config


def test_the_folder_of_a_users_data_may_lie_elsewhere(monkeypatch, tmp_path, installed):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert find_station().root == installed
    (tmp_path / "data/filmscand/archive").mkdir(parents=True)
    assert find_station().root == tmp_path / "data/filmscand"


def test_a_variable_goes_before_every_other_rule(monkeypatch, tmp_path, own, installed):
    (own / "archive").mkdir(parents=True)
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path / 'state'}:/var/lib/other")
    assert (find_station().root, find_station().variable) == (tmp_path / "state", "STATE_DIRECTORY")
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "named"))
    assert (find_station().root, find_station().kind) == (tmp_path / "named", StationKind.NAMED)


def test_the_installed_station_has_its_configuration_in_etc_also_where_its_folder_is_named(
    monkeypatch, installed, installed_config
):
    (installed / "station.yaml").write_text("workers: {count: 2}\n")
    assert find_config() == installed_config
    monkeypatch.setenv("FILMSCAND_STATION", str(installed))
    assert find_config() == installed_config
    installed_config.unlink()
    assert find_config() == installed / "station.yaml"


def test_another_station_takes_nothing_from_the_configuration_of_the_installed_one(
    monkeypatch, tmp_path, installed, installed_config
):
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "named"))
    assert find_config() is None


def test_a_user_without_a_home_needs_an_installed_station_or_a_variable(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "own_root", lambda: None)
    with pytest.raises(ConfigError, match="no home folder for a station: set FILMSCAND_STATION"):
        find_station()
    (tmp_path / "var").mkdir()
    assert find_station().kind is StationKind.INSTALLED
