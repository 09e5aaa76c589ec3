"""What tests of the command line ask for by name: a station folder, and the command run in this process."""

from __future__ import annotations

import sys

import pytest

from filmscand.daemon.cli import main
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape


@pytest.fixture(scope="module")
def scanned():
    return simulate_frame(landscape(160, 240, 1), KINDS["leaky_slide"], seed=3)


@pytest.fixture
def station(tmp_path, monkeypatch):
    for variable in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FILMSCAND_STATION", str(tmp_path / "station"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "station"


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["filmscand", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run
