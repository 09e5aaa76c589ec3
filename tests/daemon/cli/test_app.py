"""The program as a whole: usage, wrong configurations, and verification."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest
from rich.cells import cell_len

from filmscand.daemon.database.connection import open_database

pytestmark = pytest.mark.usefixtures("station")


@pytest.mark.parametrize(
    "arguments",
    [["clean"], ["clean", "a.tif"], ["clean", "a.tif", "--output", "o", "--sensitivity", "2"], ["nonsense"]],
)
def test_wrong_usage_is_told_as_such(command, arguments):
    assert command(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense\x1b[2J"], r"No such command 'nonsense\x1b[2J'"),
        (["completion", "tcsh"], "expected bash, zsh or fish, found 'tcsh'"),
        (["virtual-scanner", "--fault", "sulking"], "expected a kind of fault of jammed, "),
        (["virtual-scanner", "--model", "toaster"], "found 'toaster'"),
        (["scan", "--roll", "r", "--device", "toaster:usb", "--depth", "12"], "depth_bits"),
    ],
)
def test_a_usage_error_says_what_was_expected_and_found(command, arguments, message):
    status, _, errors = command(*arguments)
    assert status == 2
    assert message in errors


def test_ctrl_c_in_the_middle_of_a_command_is_told(command, monkeypatch):
    def work(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("filmscand.daemon.cli.app.open_desk", work)
    assert command("status") == (130, "", "filmscand: stopped\n")


def test_the_version_is_told(command):
    status, text, _ = command("--version")
    assert (status, text.split()[0]) == (0, "filmscand")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_to_complete_commands(shell):
    answer = subprocess.run([*PROGRAM, "completion", shell], capture_output=True, text=True, check=True)
    assert f"_FILMSCAND_COMPLETE=complete_{shell}" in answer.stdout


def test_bash_completes_a_command():
    asked = {"_FILMSCAND_COMPLETE": "complete_bash", "COMP_WORDS": "filmscand sta", "COMP_CWORD": "1"}
    answer = subprocess.run(PROGRAM, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["status"]


@pytest.fixture
def made_station(station):
    (station / "archive").mkdir(parents=True)
    open_database(station / "station.db").close()


LIGHT = ["--help", "status", "verify", "devices --json", "config show", "config check"]


@pytest.mark.usefixtures("made_station")
@pytest.mark.parametrize("words", LIGHT)
def test_commands_that_clean_nothing_load_neither_engine_nor_numba_nor_scipy(words):
    assert loaded_by(words, "numba", "llvmlite", "scipy", "onnxruntime", "filmscand.ir") == "[]"


@pytest.mark.usefixtures("made_station")
def test_status_loads_no_arrays():
    assert loaded_by("status", "numpy") == "[]"


@pytest.mark.usefixtures("made_station")
@pytest.mark.parametrize("words", LIGHT)
def test_a_user_without_any_folder_to_write_to_gets_no_traceback(words):
    nowhere = {"HOME": "/proc/nowhere", "XDG_CACHE_HOME": "/proc/nowhere", "NUMBA_CACHE_DIR": "/proc/nowhere"}
    answer = subprocess.run([*PROGRAM, *words.split()], env={**os.environ, **nowhere}, capture_output=True, text=True)
    assert "Traceback" not in answer.stderr


@pytest.mark.usefixtures("made_station")
@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", [*LIGHT, "scan --help", "doctor", "nonsense", "seal x", "session resume 3"])
def test_no_line_is_wider_than_the_terminal(words, columns):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen([*PROGRAM, *words.split()], stdout=theirs, stderr=theirs, env=environment) as program:
        os.close(theirs)
        seen = read_all(ours)
    assert "Traceback" not in seen
    assert program.returncode in (0, 1, 2)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert "json" in words or [line for line in plain.splitlines() if cell_len(line) > columns] == []


PROGRAM = [sys.executable, "-m", "filmscand.daemon.cli"]
LOADED = """
import atexit, sys
watched, sys.argv = sys.argv[1].split(), ["filmscand", *sys.argv[2:]]
atexit.register(lambda: print([name for name in watched if name in sys.modules], file=sys.stderr))
from filmscand.daemon.cli import main
main()
"""


def loaded_by(words, *modules):
    """Return the last line of a command's stderr: which of the modules it has loaded."""
    line = [sys.executable, "-c", LOADED, " ".join(modules), *words.split()]
    return subprocess.run(line, capture_output=True, text=True).stderr.splitlines()[-1]


def read_all(terminal):
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            # Linux answers EIO when the program has closed its end.
            os.close(terminal)
            return seen.decode()


def test_a_wrong_configuration_stops_every_command_with_the_line(command, tmp_path):
    file = tmp_path / "station.yaml"
    file.write_text("a: 1\n")
    for name in ("run", "status", "doctor", "verify"):
        status, _, errors = command(name, "--config", file)
        assert status == 1
        assert f"{file}:1: a: unknown key" in errors
