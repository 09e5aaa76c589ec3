"""The section `cleaning`: a command that heals names its files, and is the only one that fills."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.sections.cleaning import Cleaning, healer_problem
from filmscand.daemon.station.yaml_file import ConfigProblemsError

HEAL = "heal -a 'two words' {picture} {mask} {output}"


@pytest.mark.parametrize(
    ("healer", "told"),
    [
        ("heal {picture} {output}", "expected a command with {mask} in it"),
        ("", "{picture} and {mask} and {output}"),
        ("heal '{picture} {mask} {output}", "No closing quotation"),
        ("./heal {picture} {mask} {output}", "a program on the PATH or a whole path, found './heal'"),
    ],
)
def test_a_command_that_cannot_heal_is_refused(healer, told):
    with pytest.raises(ValidationError) as refused:
        Cleaning(healer=healer)
    assert told in str(refused.value)


def test_only_one_program_fills():
    assert Cleaning(healer=HEAL).models() == {}
    with pytest.raises(ValidationError, match="expected healer or inpainting_model, found both"):
        Cleaning(healer=HEAL, inpainting_model=Path("/models/lama.onnx"))


def test_a_program_that_is_not_installed_is_a_mistake_where_models_are_checked_too(tmp_path):
    assert healer_problem(Cleaning()) is None
    config = tmp_path / "station.yaml"
    config.write_text(f'root: {tmp_path}\ncleaning:\n  healer: "no-such-{HEAL}"\n')
    assert load_station(config).cleaning.healer == f"no-such-{HEAL}"
    with pytest.raises(ConfigProblemsError, match="found none named no-such-heal"):
        load_station(config, check_model=lambda key, path: None)
