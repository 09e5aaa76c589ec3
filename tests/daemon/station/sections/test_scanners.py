"""The recipes that the configuration names are checked with it, each mistake by its file."""

from __future__ import annotations

from filmscand.daemon.station.sections.scanners import Scanners, program_problems
from support.command_station import ProgramStation


def test_without_a_folder_there_is_nothing_to_check():
    assert list(program_problems(Scanners())) == []


def test_each_recipe_with_a_mistake_is_told_and_right_ones_are_not(tmp_path):
    ProgramStation(tmp_path / "station", 1).install(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("driver: command\n")
    one, two = program_problems(Scanners(programs=tmp_path))
    assert (tmp_path.name in one, "one.yaml" in one, "two.yaml" in two) == (True, True, True)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    (problem,) = program_problems(Scanners(programs=tmp_path / "nowhere"))
    assert "nowhere: expected a folder with recipes" in problem
