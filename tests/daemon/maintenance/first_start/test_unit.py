"""The drop-in of the service's unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.maintenance.first_start.unit import (
    drop_in_text,
    hidden_by,
    is_written,
    reload_units,
    runs_systemd,
)
from filmscand.daemon.station.configuration import Station, Watch
from filmscand.daemon.station.finding import INSTALLED_ROOT


def test_a_station_in_the_services_own_folder_needs_none():
    assert drop_in_text(Station(root=INSTALLED_ROOT)) is None


def test_every_folder_elsewhere_is_waited_for_and_may_be_written():
    station = Station(root=INSTALLED_ROOT, archive="/srv/film", watch=(Watch(path="/mnt/scans"), Watch(path="drop")))
    lines = drop_in_text(station).splitlines()
    assert "RequiresMountsFor=/srv/film /mnt/scans" in lines
    assert "ReadWritePaths=/srv/film /mnt/scans" in lines
    assert lines.index("[Unit]") < lines.index("[Service]")


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/srv/film", "/srv/film"),
        ("/srv/film archive", '"/srv/film archive"'),
        ("/srv/100%", "/srv/100%%"),
        ('/srv/"a\\b"', '"/srv/\\"a\\\\b\\""'),
    ],
)
def test_a_path_is_written_as_systemd_reads_it(folder, written):
    assert f"ReadWritePaths={written}\n" in drop_in_text(Station(root=INSTALLED_ROOT, archive=folder))


@pytest.mark.parametrize(
    ("folder", "hidden"), [("/home/ada/film", "/home"), ("/tmp", "/tmp"), ("/srv/home", None), ("/homes", None)]
)
def test_what_the_unit_hides_from_the_service_is_known(folder, hidden):
    assert hidden_by(Path(folder)) == (None if hidden is None else Path(hidden))


def test_a_drop_in_with_other_content_is_not_the_wanted_one(tmp_path):
    file = tmp_path / "archive.conf"
    assert not is_written("a", file)
    file.write_text("b")
    assert not is_written("a", file)
    assert is_written("b", file)


def test_systemd_that_does_not_answer_is_told(monkeypatch, tmp_path):
    assert not runs_systemd(tmp_path)
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert runs_systemd(tmp_path)
    with pytest.raises(OSError, match="daemon-reload: no bus"):
        reload_units()
