"""Alarms: raised, counted and cleared."""

from contextlib import closing

import pytest

from filmscand.daemon.database.alarms import Alarm, Alarms, Told, ToldAlarm, keep_targets, session_alarm
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


FULL = Alarm("archive", "full", 10.0, 12.0, 3)


@pytest.fixture
def told(connection):
    told = Told(connection, "mail", lambda: 100.0)
    told.begin()
    return told


def test_what_a_target_was_told_is_kept_for_each_target(connection, told):
    told.note([FULL], [], [])
    Told(connection, "other").begin()
    assert told.alarms() == {"archive": ToldAlarm("archive", "full", 10.0, 100.0, 1, True)}
    assert Told(connection, "other").alarms() == {}


def test_a_repetition_is_not_counted_and_a_return_is(connection, told):
    told.note([FULL], [], [])
    Told(connection, "mail", lambda: 200.0).note([FULL], [], [])
    assert told.alarms()["archive"].times == 1
    told.note([], ["archive"], [])
    assert not told.alarms()["archive"].standing
    told.note([FULL], [], [])
    assert (told.alarms()["archive"].times, told.alarms()["archive"].standing) == (2, True)


def test_only_an_alarm_that_was_told_to_be_cleared_is_forgotten(told):
    told.note([FULL], [], [])
    told.forget(["archive"])
    assert told.alarms().keys() == {"archive"}
    told.note([], ["archive"], [])
    told.forget(["archive"])
    assert told.alarms() == {}


def test_looking_at_a_known_target_needs_no_write_lock(connection, told, tmp_path):
    with closing(open_database(tmp_path / "station.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        told.begin()
        told.forget([])
        assert told.alarms() == {}
        other.execute("ROLLBACK")


def test_targets_that_are_gone_are_forgotten_with_their_alarms(connection, told):
    told.note([FULL], [], [])
    for key in ("notify:mail", "notify:other", "archive"):
        Alarms(connection).raise_alarm(key, "why")
    keep_targets(connection, ["mail"])
    assert {alarm.key for alarm in Alarms(connection).standing()} == {"notify:mail", "archive"}
    assert told.alarms().keys() == {"archive"}
    keep_targets(connection, [])
    assert {alarm.key for alarm in Alarms(connection).standing()} == {"archive"}
    assert told.alarms() == {}


def test_the_alarm_of_a_session_that_waits_names_it_and_its_roll_and_says_what_to_do():
    assert session_alarm(3, "roll-a", "a slide is stuck", "Free it.") == (
        "session:3",
        "session 3 of roll roll-a: a slide is stuck. Free it.",
    )
    assert session_alarm(3, "roll-a", "a slide is stuck", "")[1].endswith("a slide is stuck.")
