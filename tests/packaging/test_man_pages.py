"""Every command has a manual page that names all its options, and roff has nothing to say against it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from filmscand.daemon.cli.app import app
from filmscand.daemon.core.exit_status import Exit

SCRIPT = Path(__file__).parents[2] / "packaging" / "man_pages.py"
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO")
ONE_DAY_IN_2001_S = "1000000000"


def write_pages(folder):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": ONE_DAY_IN_2001_S}
    subprocess.run([sys.executable, SCRIPT, folder], env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man") / "man1"
    write_pages(folder)
    return folder


def commands(command=None, name="filmscand") -> Iterator[tuple[str, object]]:
    command = command or typer.main.get_command(app)
    yield name, command
    for word, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{name}-{word}")


def words(page):
    """Return the text of a page without roff's fonts and escapes."""
    return re.sub(r"\\f[BIR]", "", page.read_text()).replace("\\-", "-").replace("\\(aq", "'")


def test_every_command_has_a_page_and_no_page_is_without_a_command(folder):
    assert {page.stem for page in folder.iterdir()} == {name for name, _ in commands()}


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=dict(commands()))
def test_a_page_names_every_option_with_its_help(folder, name, command):
    page = words(folder / f"{name}.1")
    said = " ".join(page.split())
    for parameter in command.params:
        for option in (*parameter.opts, *parameter.secondary_opts) if parameter.param_type_name == "option" else ():
            assert re.search(rf"^(\S+ / |.*, )?{option}\b", page, re.MULTILINE)
        assert " ".join(parameter.help.split()).replace("`", "") in said


@pytest.mark.parametrize("name", ["filmscand", "filmscand-session", "filmscand-session-pause"])
def test_a_page_has_the_usual_sections_in_the_usual_order(folder, name):
    found = re.findall(r"^\.SH (.*)$", (folder / f"{name}.1").read_text(), re.MULTILINE)
    assert tuple(section for section in found if section not in ("COMMANDS", "ARGUMENTS")) == SECTIONS


def test_a_page_says_what_each_exit_status_means(folder):
    statuses = words(folder / "filmscand-scan.1").split(".SH EXIT STATUS")[1].split(".SH")[0]
    assert re.findall(r"^\d+$", statuses, re.MULTILINE) == [str(status.value) for status in Exit]


def test_two_builds_give_the_same_pages(folder, tmp_path):
    write_pages(tmp_path)
    for page in folder.iterdir():
        assert page.read_bytes() == (tmp_path / page.name).read_bytes()
    assert '"2001-09-09"' in (tmp_path / "filmscand.1").read_text()


@pytest.mark.parametrize("lint", [["mandoc", "-Tlint"], ["groff", "-ww", "-man", "-Tutf8", "-z"]], ids=lambda it: it[0])
def test_roff_has_no_complaint(folder, lint):
    if shutil.which(lint[0]) is None:
        pytest.skip(f"{lint[0]} is not installed")
    done = subprocess.run([*lint, *sorted(folder.iterdir())], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
