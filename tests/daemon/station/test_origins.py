from __future__ import annotations

import pytest

from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.origins import settings_of


@pytest.fixture(autouse=True)
def named_station(monkeypatch, tmp_path):
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "station"))
    monkeypatch.delenv("CONFIGURATION_DIRECTORY", raising=False)


def test_each_value_comes_from_a_line_of_the_file_or_is_the_default(tmp_path):
    file = tmp_path / "station.yaml"
    watches = "watch:\n  - path: a\n  - path: b\n    film: slide\n    settle_s: null\n"
    file.write_text("cleaning:\n  sensitivity: 0.7\n" + watches)
    found = {one.key: (one.value, one.origin) for one in settings_of(load_station(file), file)}
    assert found["root"] == (str(tmp_path / "station"), "$FILMSCAND_STATION")
    assert found["cleaning.sensitivity"] == (0.7, f"{file}:2")
    assert found["cleaning.detector"] == ("auto", "default")
    assert found["watch.1.film"] == ("slide", f"{file}:6")
    assert found["watch.1.settle_s"] == (None, "default")
    assert found["watch.1.path"] == (str(tmp_path / "station" / "b"), f"{file}:5")


def test_no_secret_of_a_target_is_among_the_settings(tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text(
        "notify:\n  targets:\n    - webhook: https://example.org/T0KEN\n    - command: [curl, 'https://example.org/T0KEN']\n"
    )
    found = {one.key: (one.value, one.origin) for one in settings_of(load_station(file), file)}
    assert found["notify.targets.0.webhook"] == ("**********", f"{file}:3")
    assert found["notify.targets.1.command"] == (["curl", "https://..."], f"{file}:4")
    assert load_station(file).notify.targets[1].command == ("curl", "https://example.org/T0KEN")


def test_without_a_file_all_but_the_folder_are_defaults(tmp_path):
    origins = {one.key: one.origin for one in settings_of(load_station(), None)}
    assert origins.pop("root") == "$FILMSCAND_STATION"
    assert set(origins.values()) == {"default"}


def test_every_key_of_the_configuration_is_there(tmp_path):
    keys = {one.key.split(".")[0] for one in settings_of(Station(root=tmp_path), None)}
    assert keys == set(Station.model_fields)
