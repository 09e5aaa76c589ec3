"""A recipe for a scanner program is checked when it is read: its commands and what it offers have to go together."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from filmscand.config import __file__ as config_file
from filmscand.drivers.command.recipe import Program, load_program, program_files
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.meanings import Meaning
from filmscand.drivers.scanner.recipes import COMMAND_EXAMPLE, load_recipes

PLAIN = {
    "driver": "command",
    "name": "mine",
    "vendor": "Maker",
    "model": "Model",
    "scan": ["scan-it", "{output}"],
    "resolutions_dpi": [4000],
}


def test_a_short_recipe_is_enough_for_a_scanner_without_feeder():
    program = Program.model_validate(PLAIN)
    assert (program.device, program.infrared, program.notices_empty, program.takes_region) == (
        "command:mine",
        False,
        False,
        False,
    )
    assert program.offers_resolution(4000) and not program.offers_resolution(3999)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"scan": ["scan-it"]}, r"scan: expected \{output\} or \{folder\}"),
        ({"scan": ["./scan-it", "{output}"]}, "scan: expected a program on the PATH"),
        ({"scan": []}, "at least 1 item"),
        ({"probe": ["look", "{frame}"]}, "probe: expected plain arguments"),
        ({"buttons": {"eject": ["out", {"if": "feed"}]}}, "buttons.eject: expected plain arguments"),
        ({"resolution_range_dpi": [100, 200]}, "either resolutions_dpi or resolution_range_dpi"),
        ({"resolutions_dpi": []}, "either resolutions_dpi or resolution_range_dpi"),
        ({"resolutions_dpi": [1, 2]}, r"expected \{dpi\} in it"),
        ({"depths_bits": [8, 16]}, r"expected \{depth\} in it"),
        ({"samples": [1, 4]}, r"expected \{samples\} in it"),
        ({"feeder": "frame"}, r"expected \{frame\} in it"),
        ({"frame_count": 3}, "frame_count: expected the feeder `frame`"),
        ({"feeder": "autoload"}, "expected the command `feed`, or `if: feed`"),
        ({"feed": ["feed-it"]}, "feed: expected the feeder `autoload`"),
        ({"exit_codes": {0: "jammed"}}, "exit_codes"),
        ({"exit_codes": {3: "sulking"}}, "exit_codes"),
        ({"driver": "sane"}, "driver"),
        ({"colour": "yes"}, "colour"),
    ],
)
def test_what_does_not_go_together_is_refused_by_its_field(changes, problem):
    with pytest.raises(ValueError, match=problem):
        Program.model_validate(PLAIN | changes)


@pytest.mark.parametrize(
    ("changes", "notices"),
    [
        ({}, False),
        ({"exit_codes": {"3": "end_of_magazine"}}, False),
        ({"feeder": "advance"}, False),
        ({"feeder": "advance", "exit_codes": {3: "end_of_magazine"}}, True),
        ({"feeder": "frame", "frame_count": 6, "scan": ["scan-it", "{output}", "{frame}"]}, True),
    ],
)
def test_an_end_is_noticed_by_an_exit_code_or_by_the_number_of_frames(changes, notices):
    assert Program.model_validate(PLAIN | changes).notices_empty is notices


@pytest.mark.parametrize(("wanted", "used"), [(8, 8), (16, 14), (14, 14)])
def test_the_smallest_depth_that_is_not_below_the_wanted_one_is_used_else_the_largest(wanted, used):
    scan = [*PLAIN["scan"], "{depth}"]
    assert Program.model_validate(PLAIN | {"scan": scan, "depths_bits": [8, 14]}).depth_for(wanted) == used


def test_a_scanner_with_a_range_takes_every_resolution_between():
    program = Program.model_validate(
        PLAIN | {"scan": ["s", "{output}", "{dpi}"], "resolutions_dpi": [], "resolution_range_dpi": [100, 7200]}
    )
    assert [program.offers_resolution(dpi) for dpi in (99, 100, 1234, 7200, 7201)] == [False, True, True, True, False]


def test_a_recipe_is_read_from_a_file_of_its_name(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(PLAIN))
    (tmp_path / "notes.txt").write_text("no recipe")
    (file,) = program_files(tmp_path)
    assert load_program(file) == Program.model_validate(PLAIN)
    file = file.rename(tmp_path / "other.yaml")
    with pytest.raises(ScannerSetupError, match=r"other\.yaml: expected the file name mine\.yaml"):
        load_program(file)


def test_a_folder_that_cannot_be_read_is_named_with_its_key(tmp_path):
    with pytest.raises(ScannerSetupError, match=r"nowhere: expected a folder .*scanners\.programs"):
        program_files(tmp_path / "nowhere")


def test_the_example_is_right_and_active_nowhere(tmp_path):
    example = Path(config_file).parent / "scanners" / COMMAND_EXAMPLE
    assert load_program(example).exit_codes[3] is Meaning.GONE
    assert "command" not in {recipe.name for recipe in load_recipes()}


def test_a_program_that_is_not_installed_is_missing():
    assert Program.model_validate(PLAIN | {"scan": ["no-such-program-here", "{output}"]}).missing_program() == (
        "no-such-program-here"
    )
    assert Program.model_validate(PLAIN | {"scan": ["sh", "{output}"]}).missing_program() is None
