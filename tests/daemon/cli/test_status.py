"""`filmscand status` for a person."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from filmscand.daemon.cli.status import show_status
from filmscand.daemon.database.alarms import Alarm, Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.keeping.audits import AuditSummary
from filmscand.daemon.database.keeping.replicas import CopyState, RollReplica, TargetStatus
from filmscand.daemon.database.session_records import ScanPlan, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.status import FrameStatus, ServiceStatus, SessionStatus, StationStatus, WaitingFile
from filmscand.daemon.station.configuration import Station

pytestmark = pytest.mark.usefixtures("station")


def test_status_of_a_station_that_never_ran(command, station):
    (station / "archive").mkdir(parents=True)
    status, text, _ = command("status")
    assert status == 0
    assert "not running" in text
    assert json.loads(command("status", "--json")[1])["service"]["running"] is False


def test_the_exit_status_is_1_while_there_are_alarms(command, station):
    make_station(station)
    for form in ([], ["--json"]):
        assert command("status", *form)[0] == 0
    with closing(open_database(station / "station.db")) as connection:
        Alarms(connection).raise_alarm("worker", "workers do not stay alive")
    for form in ([], ["--json"]):
        status, out, _ = command("status", *form)
        assert status == 1
        assert "workers do not stay alive" in out
    with closing(open_database(station / "station.db")) as connection:
        Alarms(connection).clear("worker")
    assert command("status")[0] == 0


def test_a_session_that_waits_for_a_person_is_an_alarm_also_after_the_service_has_stopped(command, station):
    make_station(station)
    with closing(open_database(station / "station.db")) as connection:
        sessions = Sessions(connection)
        session = sessions.add(ScanPlan(roll="mag2", device="test:0")).session_id
        sessions.move(session, SessionState.ATTENTION, "a slide is stuck", "Free it.")
    status, out, _ = command("status", "--json")
    (alarm,) = json.loads(out)["alarms"]
    assert (status, alarm["key"]) == (1, "session:1")
    assert alarm["message"] == "session 1 of roll mag2: a slide is stuck. Free it."


def make_station(folder):
    """Make the database and the archive of a station, as its first start does."""
    folder.mkdir()
    connect_station(Station()).close()


COPYING = RollReplica(
    "nas", "c/b/q", CopyState.COPYING, "g", None, None, 40, 181, 3_200_000_000, 20_000_000_000, 0, None, 0.0, False
)
BUSY = StationStatus(
    service=ServiceStatus(True, 77, 1_000_000.0),
    states={"queued": 3, "processing": 1, "finished": 0},
    outcomes={"archived": 5, "failed": 0},
    in_work=("c/b/r_0004",),
    alarms=(Alarm("archive", "/archive: cannot write: No space left on device", 0.0, 0.0, 2),),
    arriving=2,
    arriving_files=("/drop/r/1.tif", "/drop/r/[2].tif"),
    waiting=(WaitingFile("/drop", "r/[a].tif", "ambiguous", "no infrared came within 180 s"),),
    failed_files=1,
    last_frames=(FrameStatus("c/b/r_0003", "archived", "a.tif", 1.0, 0.0421, 0.1, 12, 2.5, None),),
    sessions=(
        SessionStatus(9, "c/b/r", "coolscan3:usb", "attention", None, 36, 4, 1, 0.5, "a slide is stuck", "Free it."),
    ),
    free_bytes=2_000_000_000,
    free_frames=11,
    left_s=240.0,
    audit=AuditSummary(1_000_000.0, parts=9, recent=6, oldest_at=None, damaged_files=2, frozen_rolls=("c/b/r",)),
    replication=(
        TargetStatus("nas", "/mnt/nas", 4, 2, 1, COPYING, None, None, 0, None, 1_000_000.0),
        TargetStatus("cloud", "s3://film", 0, 6, 0, None, 1_000_000.0, "no route to host", 3, 1_000_300.0, None),
    ),
)


def test_status_of_a_busy_station_shows_every_part_in_a_line_or_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    show_status(BUSY)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in EXPECTED if line not in lines] == []
    failing = next(line for line in lines if line.startswith("failing since 1970-01-12"))
    assert failing.endswith(": no route to host")
    assert lines[0].startswith("service running, process 77, since 1970-01-12")
    (audit,) = [line for line in lines if line.startswith("last audit 1970-01-12")]
    assert audit.endswith(", 66 % of the archive read in time, 2 damaged in c/b/r")


EXPECTED = [
    "copies nas: 4 of 6 sealed rolls verified, 1 need a person (/mnt/nas)",
    "copying c/b/q: 40 of 181 files, 3.20 of 20.00 GB",
    "copies cloud: 0 of 6 sealed rolls verified (s3://film)",
    "frames 3 queued, 1 processing",
    "finished 5 archived",
    "arriving 2 files",
    "/drop/r/1.tif",
    "/drop/r/[2].tif",
    "rejected 1 files in _failed, each with the reason beside it",
    "cleaning c/b/r_0004",
    "free space 11 frames (2.0 GB)",
    "time left 4 min",
    "alarm /archive: cannot write: No space left on device",
    "9 c/b/r coolscan3:usb attention 4 of 36 1 lost; a slide is stuck; Free it.",
    "/drop/r/[a].tif ambiguous no infrared came within 180 s",
    "c/b/r_0003 archived 0.042 0.100 12 2.50",
]
