"""The threads of the notifications: beside each other, stopped, and with a database that fails them."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.notification.threads import Notifications
from filmscand.daemon.station.configuration import Station
from support.receiver import receiving

TIMING = NotifyTiming(poll_s=0.05, gather_s=0.0, retry_first_s=0.05, limit_s=5.0)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


def started(tmp_path, connection, *targets, **notify):
    station = Station(root=tmp_path, notify={"targets": targets, "room_frames": 0, **notify})
    notifications = Notifications(station, TIMING)
    notifications.start(connection)
    return notifications


def test_a_target_that_hangs_delays_nobody_else(tmp_path, connection, receiver):
    with receiving("slow") as slow:
        Alarms(connection).raise_alarm("archive", "the archive is full")
        hanging = {"name": "slow", "webhook": slow.address}
        notifications = started(tmp_path, connection, hanging, {"webhook": receiver.address})
        receiver.wait_for(1)
        notifications.ask_to_stop()
        assert not notifications.join(0.1)
        assert notifications.join(30.0)
        assert slow.messages == []


def test_a_full_disk_is_told(tmp_path, connection, receiver):
    notifications = started(tmp_path, connection, {"webhook": receiver.address}, room_frames=10**9)
    (message,) = receiver.wait_for(1)
    assert [alarm["key"] for alarm in message["raised"]] == ["space"]
    notifications.ask_to_stop()
    assert notifications.join(30.0)


def test_what_happens_just_before_the_stop_is_told(tmp_path, connection, receiver):
    notifications = started(tmp_path, connection, {"webhook": receiver.address})
    deadline_s = time.monotonic() + 30.0
    while not connection.execute("SELECT count(*) FROM notify_targets").fetchone()[0]:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    sessions = Sessions(connection)
    sessions.finish(sessions.add(ScanPlan(roll="r", device="test:0")).session_id, FinishReason.COMPLETE)
    notifications.ask_to_stop()
    assert notifications.join(30.0)
    assert [session["roll"] for session in receiver.messages[0]["finished"]] == ["unsorted/unsorted/r"]


def test_a_database_that_does_not_answer_for_a_while_is_waited_out(tmp_path, connection, receiver):
    place, away = tmp_path / "station.db", tmp_path / "away.db"
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    notifications = Notifications(
        Station(root=tmp_path, notify={"targets": [{"webhook": receiver.address}], "room_frames": 0}), TIMING
    )
    place.rename(away)
    notifications.start(connection)
    time.sleep(0.3)
    away.rename(place)
    Alarms(connection).raise_alarm("archive", "the archive is full")
    receiver.wait_for(1)
    notifications.ask_to_stop()
    assert notifications.join(30.0)


def test_a_database_that_is_replaced_ends_the_notifications_and_is_not_written(tmp_path, connection, receiver):
    notifications = started(tmp_path, connection, {"webhook": receiver.address})
    Alarms(connection).raise_alarm("archive", "the archive is full")
    receiver.wait_for(1)
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"station.db{ending}").unlink(missing_ok=True)
    with closing(open_database(tmp_path / "station.db")) as other:
        assert notifications.join(30.0)
        assert other.execute("SELECT count(*) FROM notify_targets").fetchone()[0] == 0


def test_a_station_without_targets_forgets_those_it_had(tmp_path, connection):
    Alarms(connection).raise_alarm("notify:e-mail", "notifications do not reach e-mail")
    notifications = started(tmp_path, connection)
    assert Alarms(connection).standing() == []
    notifications.ask_to_stop()
    assert notifications.join(1.0)
