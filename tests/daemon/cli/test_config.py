"""`filmscand config check` and `config show`."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.usefixtures("station")


def test_show_tells_every_value_and_who_set_it(command, station):
    station.mkdir()
    file = station / "station.yaml"
    file.write_text("cleaning: {detector: off}\nlogging: {level: warning}\n")
    status, text, _ = command("config", "show")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert status == 0
    assert lines[0] == f"station {station} (there is none yet)"
    assert lines[1] == f"file {file}"
    assert "cleaning.detector off line 1" in lines
    assert "watch.0.fourth_sample_infrared null default" in lines
    answer = json.loads(command("config", "show", "--json")[1])
    assert (answer["station"], answer["file"]) == (str(station), str(file))
    assert {"key": "logging.level", "value": "warning", "origin": f"{file}:2"} in answer["settings"]


def test_show_without_a_file_shows_the_defaults(command):
    answer = json.loads(command("config", "show", "--json")[1])
    assert answer["file"] is None


def test_check_of_a_configuration_without_models_does_not_load_the_engine(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("cleaning: {detector: off}\n")
    assert command("config", "check", file)[0] == 0
