"""Alarms: raised, counted and cleared."""

from contextlib import closing

import pytest

from filmscand.daemon.database.alarms import Alarm, Alarms
from filmscand.daemon.database.connection import open_database


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


def test_an_alarm_that_is_raised_again_keeps_its_start_and_takes_the_last_message(connection):
    assert Alarms(connection, lambda: 10.0).raise_alarm("archive", "full")
    assert not Alarms(connection, lambda: 20.0).raise_alarm("archive", "read-only")
    assert Alarms(connection).standing() == [Alarm("archive", "read-only", 10.0, 20.0, 2)]


def test_a_cleared_alarm_is_gone_and_new_when_it_is_raised_again(connection):
    alarms = Alarms(connection)
    alarms.raise_alarm("archive", "full")
    assert alarms.clear("archive")
    assert not alarms.clear("archive")
    assert alarms.standing() == []
    assert alarms.raise_alarm("archive", "full")


def test_alarms_stand_oldest_first_whatever_came_last(connection):
    for now, key in ((10.0, "worker"), (20.0, "archive"), (30.0, "worker")):
        Alarms(connection, lambda now=now: now).raise_alarm(key, "why")
    assert [alarm.key for alarm in Alarms(connection).standing()] == ["worker", "archive"]


def test_clearing_an_alarm_that_does_not_stand_needs_no_write_lock(connection, tmp_path):
    with closing(open_database(tmp_path / "station.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not Alarms(connection).clear("archive")
        other.execute("ROLLBACK")


def test_standing_alarms_are_counted(connection):
    alarms = Alarms(connection)
    for key in ("worker", "archive", "worker"):
        alarms.raise_alarm(key, "why")
    assert alarms.count() == 2
