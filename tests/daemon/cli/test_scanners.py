"""`filmscand devices` and `filmscand virtual-scanner`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_station import ProgramStation
from support.program import PROGRAM, program_in, station_environment
from support.scanner_station import scanner

pytestmark = pytest.mark.usefixtures("compiled_engine")


@pytest.fixture
def environment(tmp_path):
    return station_environment(tmp_path)


@pytest.fixture
def command(environment):
    return program_in(environment)


def test_devices_tells_infrared_and_recipe_of_what_sane_sees(command):
    with scanner(1) as virtual:
        done = command("devices", "--host", virtual.address, "--json")
        table = command("devices", "--host", virtual.address).stdout
        name = virtual.device
    (device,) = [one for one in json.loads(done.stdout)["devices"] if one["device"] == name]
    assert (device["infrared"], device["recipe"], device["vendor"]) == (True, "coolscan3", "Nikon")
    assert name in table
    assert "yes" in table


def test_a_scanner_program_is_listed_and_scans_from_the_command_line(tmp_path, command, environment):
    root = Path(environment["FILMSCAND_STATION"])
    root.mkdir(parents=True, exist_ok=True)
    name = ProgramStation(tmp_path / "program", 2).install(root / "recipes")
    (root / "station.yaml").write_text("scanners: {programs: recipes}\n")
    assert command("config", "check").returncode == 0
    assert name in command("devices").stdout
    done = command("scan", "--roll", "r", "--device", name, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["reason"], len(report["frames"])) == ("magazine_empty", 2)
    assert len(list(root.rglob("*_raw.tif"))) == len(list(root.rglob("*_ir.tif"))) == 2


def test_the_virtual_scanner_of_the_command_line_runs_until_it_is_told_to_stop(environment):
    line = [*PROGRAM, "virtual-scanner", "--model", "pieusb", "--slides", "1", "--address", "127.0.0.99"]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as virtual:
        assert virtual.stdout.readline().startswith("net:127.0.0.99:pieusb:virtual  (1 slides")
        virtual.send_signal(signal.SIGTERM)
        assert virtual.wait(20) == 0


@pytest.mark.parametrize("mistake", [["--model", "toaster"], ["--fault", "sulking"]])
def test_a_virtual_scanner_that_cannot_be_is_wrong_usage(command, mistake):
    assert command("virtual-scanner", *mistake).returncode == 2


def test_without_python_sane_everything_but_scanning_works_and_says_what_to_install(tmp_path, environment):
    # a package that cannot be imported stands before the real one
    (tmp_path / "sane.py").write_text("raise ImportError('libsane.so.1: cannot open shared object file')\n")
    blind = {**environment, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    answers = {
        words: subprocess.run([*PROGRAM, *words.split()], env=blind, capture_output=True, text=True, timeout=60)
        for words in ("devices", "scan --roll r --device coolscan3:usb --json", "status")
    }
    assert [done.returncode for done in answers.values()] == [4, 4, 0]
    assert "pip install python-sane" in answers["devices"].stderr
    report = json.loads(answers["scan --roll r --device coolscan3:usb --json"].stdout)
    assert (report["reason"], report["frames"]) == ("failed", [])
    assert "pip install python-sane" in report["advice"]
    assert not list(Path(environment["FILMSCAND_STATION"]).rglob("*.tif"))
