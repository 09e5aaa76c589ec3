"""Whether there is a station, and what is said where there is none."""

from __future__ import annotations

import pytest

from filmscand.daemon.station import finding
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.place import StationMissingError, is_made, named_by, require_station


@pytest.fixture(autouse=True)
def only_the_station_variable(monkeypatch, tmp_path):
    for variable in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "station"))


def refusal(station, config=None):
    with pytest.raises(StationMissingError) as error:
        require_station(station, config)
    return str(error.value)


def test_a_folder_that_does_not_exist_is_no_station_and_who_named_it_is_told(tmp_path):
    message = refusal(load_station())
    assert f"no station at {tmp_path / 'station'} (named by $FILMSCAND_STATION): this folder does not exist" in message
    assert "`filmscand run`" in message


def test_a_folder_of_something_else_is_no_station(tmp_path):
    (tmp_path / "station").mkdir()
    (tmp_path / "station" / "notes.txt").write_text("")
    station = load_station()
    assert f"expected {station.database} or {station.archive}, found neither" in refusal(station)


def test_a_station_that_nobody_named_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("FILMSCAND_STATION")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(finding, "INSTALLED_ROOT", tmp_path / "none")
    monkeypatch.setattr(finding, "INSTALLED_CONFIG", tmp_path / "none/station.yaml")
    assert "$FILMSCAND_STATION is not set" in refusal(load_station())


def test_a_configuration_that_names_a_wrong_folder_is_named(tmp_path):
    config = tmp_path / "station.yaml"
    config.write_text(f"root: {tmp_path / 'typo'}\n")
    assert f"(named by {config})" in refusal(load_station(config), config)
    assert named_by(config) == f"by {config}"


@pytest.mark.parametrize("part", ["archive", "database"])
def test_an_archive_or_a_database_makes_a_station(tmp_path, part):
    station = Station(root=tmp_path)
    assert not is_made(station)
    if part == "archive":
        station.archive.mkdir()
    else:
        station.database.touch()
    require_station(station)
