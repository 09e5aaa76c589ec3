"""`filmscand archive`, and what the other commands say where database and archive do not belong together."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.station.marker import MARKER
from support.archive_frames import write
from support.known_archive import archive_known_frame

OTHER_COMMANDS = [
    ["run"],
    ["scan", "--roll", "r", "--device", "virtual:0"],
    ["reclean", "--failed"],
    ["seal", "c/b/r"],
]


def store(station, tmp_path):
    Archive(station / "archive").copy_original(FrameId("c", "b", "r", 1), write(tmp_path / "a.tif"), Role.RAW)


def test_an_archive_is_made_and_its_ids_are_told(command, station):
    status, out, _ = command("archive", "init", "--json")
    assert status == 0
    told = json.loads(out)
    kept = json.loads((station / "archive" / MARKER).read_text())
    assert (told["archive_id"], told["station_id"]) == (kept["archive_id"], kept["station_id"])
    assert command("archive", "init")[0] == 1


def test_an_archive_is_adopted_with_its_frames(command, station, tmp_path):
    store(station, tmp_path)
    status, out, _ = command("archive", "adopt")
    told = f"{station}/archive: adopted, 1 frames, 1 of them new to the database"
    assert (status, out.strip().splitlines()) == (0, [f"station      {station}", told])
    assert command("archive", "adopt", str(tmp_path))[0] == 1


@pytest.mark.parametrize("arguments", OTHER_COMMANDS, ids=lambda arguments: arguments[0])
def test_commands_refuse_a_lost_database_and_name_the_way_out(command, station, arguments):
    command("archive", "init")
    (station / "station.db").unlink()
    status, _, err = command(*arguments)
    assert (status, "filmscand rebuild" in err) == (1, True), err
    assert not (station / "station.db").exists()
    assert command("rebuild")[0] == 0
    assert (station / "station.db").exists()


def test_status_verify_and_doctor_say_that_the_database_is_lost(command, station, tmp_path):
    command("archive", "init")
    store(station, tmp_path)
    (station / "station.db").unlink()
    alarms = json.loads(command("status", "--json")[1])["alarms"]
    assert [alarm["key"] for alarm in alarms] == ["database"]
    status, _, err = command("verify")
    assert (status, "filmscand rebuild" in err) == (5, True)
    checks = {check["name"]: check for check in json.loads(command("doctor", "--json")[1])["checks"]}
    assert checks["archive identity"]["verdict"] == "failed"
    assert "filmscand rebuild" in checks["archive identity"]["advice"]


def test_status_verify_and_doctor_say_that_the_archive_is_not_there(command, station, tmp_path):
    command("archive", "init")
    shutil.move(station / "archive", tmp_path / "unmounted")
    (station / "archive").mkdir()
    alarms = json.loads(command("status", "--json")[1])["alarms"]
    assert [alarm["key"] for alarm in alarms] == ["archive"]
    status, _, err = command("verify")
    assert (status, "Mount its disk" in err) == (5, True)
    checks = {check["name"]: check for check in json.loads(command("doctor", "--json")[1])["checks"]}
    assert checks["archive identity"]["advice"].startswith("Mount its disk")
    assert list((station / "archive").iterdir()) == []


def test_a_loss_is_accepted_with_a_reason_and_verify_ends_well(command, station, tmp_path):
    command("archive", "init")
    archive = Archive(station / "archive")
    for number in (1, 2):
        archive_known_frame(archive, tmp_path, station / "station.db", FrameId("c", "b", "r", number))
    shutil.rmtree(archive.frame_folder(FrameId("c", "b", "r", 2)).path)
    assert command("verify")[0] == 5
    assert command("archive", "accept-loss", "c/b/r_0002")[0] == 2
    assert command("archive", "accept-loss", "c/b/r_0001", "--reason", "burnt")[0] == 1
    status, out, _ = command("archive", "accept-loss", "c/b/r_0002", "--reason", "burnt")
    assert (status, out.splitlines()[1:]) == (0, ["c/b/r_0002: noted as lost"])
    status, out, _ = command("verify")
    assert status == 0
    assert re.search(r"^c/b/r_0002: lost, known since [0-9-]{10}: burnt$", out, re.MULTILINE)
    assert out.splitlines()[-1] == "1 frames verified, 0 problems, 0 incomplete, 1 known losses"
    assert [loss["frame"] for loss in json.loads(command("verify", "--json")[1])["known_losses"]] == ["c/b/r_0002"]
