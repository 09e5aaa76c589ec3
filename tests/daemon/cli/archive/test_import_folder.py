"""`filmscand import`: its arguments, what it prints, and who may give it."""

from __future__ import annotations

import json
import os

import pytest

from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import load_station
from support.campaign import SIZE
from support.live_station import write_inside


@pytest.fixture
def campaign(station, tmp_path):
    """A folder with one film and one note, and a station to import it into."""
    connect_station(load_station()).close()
    write_inside(tmp_path / "campaign/roll 7/a.tif", 1, **SIZE)
    (tmp_path / "campaign/notes.txt").write_text("faded")
    return tmp_path / "campaign"


def test_what_was_imported_is_counted_and_what_was_rejected_is_named(command, campaign, tmp_path):
    status, out, errors = command("import", campaign, "--collection", "museum", "--report", tmp_path / "report.csv")
    assert status == 3
    assert "notes.txt: rejected: not a film scan" in errors
    assert f"{campaign}: 1 imported, 1 rejected; 1 frames queued to be cleaned" in out
    assert "roll 7/a.tif,imported,museum/unsorted/roll-7_0001" in (tmp_path / "report.csv").read_text()


def test_a_dry_run_tells_the_rolls_and_writes_nothing(command, campaign, station):
    status, out, _ = command("import", campaign, "--dry-run")
    assert status == 3
    assert "roll 7" in out
    assert "a dry run" in out
    assert list((station / "archive").glob("unsorted")) == []


def test_programs_read_every_file(command, campaign):
    _, out, _ = command("import", campaign, "--json", "--threads", 1)
    answer = json.loads(out)
    assert (answer["counts"]["imported"], answer["frames"]) == (1, 1)
    assert [file["path"] for file in answer["report"]["files"]] == ["notes.txt", "roll 7/a.tif"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--roll", "{name}"), "roll: expected text with {folder} or {date} in it"),
        (("--collection", "Old Films"), "--collection: expected 1 to 64 of a-z"),
        (("--pair", "both"), "'both' is not one of"),
    ],
)
def test_wrong_settings_are_named_by_their_option(command, campaign, arguments, message):
    status, _, errors = command("import", campaign, *arguments)
    assert status == 2
    assert message in errors


def test_without_a_station_nothing_is_made(command, station, tmp_path):
    (tmp_path / "campaign").mkdir()
    status, _, errors = command("import", tmp_path / "campaign")
    assert status == 1
    assert "no station at" in errors
    assert not station.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give the station to another user")
def test_root_may_not_store_what_the_service_cannot_work_on(command, campaign, station):
    os.chown(station / "station.db", 4711, 4711)
    status, _, errors = command("import", campaign)
    assert status == 1
    assert "the station belongs to user 4711" in errors
    assert "runuser -u 4711" in errors
