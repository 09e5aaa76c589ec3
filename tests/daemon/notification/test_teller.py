"""One target and the station's database: what it is told, and what happens while it cannot be reached."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest

from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.database.alarms import Alarm, Alarms, Told
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.notification.teller import Teller
from filmscand.daemon.station.configuration import Station
from support.queue_rows import Clock
from support.receiver import TOKEN, receiving

TIMING = NotifyTiming(gather_s=0.0, settle_s=100.0, retry_first_s=5.0, retry_cap_s=60.0, tries=3)
PLAN = ScanPlan(roll="mag2", device="test:0", frames=3)
OWN_ALARM = "notify:webhook 127.0.0.1"


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


@pytest.fixture
def alarms(connection, clock):
    return Alarms(connection, clock)


@pytest.fixture
def new_teller(tmp_path, receiver, clock):
    """A function that makes the target's teller, as each start of the service does."""
    station = Station(root=tmp_path, notify={"targets": [{"webhook": receiver.address}], "repeat_s": 86400})

    def make(further=()):
        return Teller(station.notify.targets[0], station, TIMING, lambda: further, clock)

    return make


def keys(alarms):
    return [alarm["key"] for alarm in alarms]


def test_an_alarm_its_repetition_and_its_end_are_told(connection, receiver, clock, alarms, new_teller):
    teller = new_teller()
    alarms.raise_alarm("archive", "the archive is full")
    for seconds in (0.0, 5.0, 86400.0):
        clock.now += seconds
        teller.look(connection)
    alarms.clear("archive")
    for seconds in (5.0, 95.0, 5.0, 5.0):
        clock.now += seconds
        teller.look(connection)
    first, again, end = receiver.messages
    assert (keys(first["raised"]), keys(again["raised"]), keys(again["standing"])) == (["archive"], [], ["archive"])
    assert (keys(end["cleared"]), keys(end["standing"])) == (["archive"], [])


def test_a_restart_tells_nothing_twice_and_what_ended_meanwhile_once(connection, receiver, clock, alarms, new_teller):
    alarms.raise_alarm("archive", "the archive is full")
    new_teller().look(connection)
    new_teller().look(connection)
    assert len(receiver.messages) == 1
    alarms.clear("archive")
    for _ in range(2):
        teller = new_teller()
        for seconds in (1.0, 101.0, 1.0):
            clock.now += seconds
            teller.look(connection)
    assert len(receiver.messages) == 2
    assert keys(receiver.messages[1]["cleared"]) == ["archive"]


def test_a_session_that_needs_a_hand_and_its_end_are_told(connection, receiver, clock, new_teller):
    teller = new_teller()
    teller.look(connection)
    sessions = Sessions(connection, clock)
    session = sessions.add(PLAN).session_id
    sessions.move(session, SessionState.ATTENTION, "a slide is stuck", "Free it.")
    teller.look(connection)
    sessions.finish(session, FinishReason.MAGAZINE_EMPTY, "the magazine held 0 slides, expected 3")
    teller.look(connection)
    teller.look(connection)
    jam, end = receiver.messages
    assert jam["raised"][0]["key"] == "session:1"
    assert jam["raised"][0]["message"] == "session 1 of roll mag2: a slide is stuck. Free it."
    assert end["finished"] == [
        {
            "session": 1,
            "roll": "unsorted/unsorted/mag2",
            "reason": "magazine_empty",
            "frames": 3,
            "captured": 0,
            "lost": 0,
            "message": "the magazine held 0 slides, expected 3",
        }
    ]


def test_an_alarm_that_is_not_in_the_database_is_told(connection, receiver, new_teller):
    new_teller([Alarm("space", "room for 3 more frames", 0.0, 0.0, 1)]).look(connection)
    assert receiver.messages[0]["raised"] == [{"key": "space", "message": "room for 3 more frames", "since": None}]


def test_a_target_that_fails_is_an_alarm_of_its_own_and_is_tried_again(
    connection, receiver, clock, alarms, new_teller, caplog
):
    caplog.set_level(logging.DEBUG)
    teller = new_teller()
    receiver.answer = 500
    alarms.raise_alarm("archive", "the archive is full")
    for second in range(0, 20, 1):
        clock.now += 1.0
        teller.look(connection)
        assert (OWN_ALARM in {alarm.key for alarm in alarms.standing()}) is (second >= 15)
    assert receiver.tries == 3
    (own,) = [alarm for alarm in alarms.standing() if alarm.key == OWN_ALARM]
    assert own.message == (
        "notifications do not reach webhook 127.0.0.1: the server answered 500 Internal Server Error;"
        " tried again until it works"
    )
    receiver.answer = 200
    clock.now += 60.0
    teller.look(connection)
    clock.now += 60.0
    teller.look(connection)
    (message,) = receiver.messages
    assert keys(message["raised"]) == ["archive"]
    assert message["unreached_since"] is not None
    assert [alarm.key for alarm in alarms.standing()] == ["archive"]
    assert TOKEN not in caplog.text


def test_a_target_that_fails_for_long_hears_of_what_stands_then_and_not_of_each_change(
    connection, receiver, clock, alarms, new_teller
):
    teller = new_teller()
    receiver.answer = "cut"
    for number in range(6):
        alarms.raise_alarm(f"file:{number}", "cannot be read")
        clock.now += 100.0
        teller.look(connection)
        alarms.clear(f"file:{number}")
    receiver.answer = 200
    clock.now += 100.0
    new_teller().look(connection)
    (message,) = receiver.messages
    assert (message["raised"], message["cleared"]) == ([], [])
    assert message["title"].endswith("notifications arrive again")
    assert alarms.standing() == []


def test_a_clock_that_is_put_back_does_not_delay_the_next_try(connection, receiver, clock, alarms, new_teller):
    teller = new_teller()
    receiver.answer = 500
    alarms.raise_alarm("archive", "the archive is full")
    teller.look(connection)
    receiver.answer = 200
    clock.now -= 3600.0
    teller.look(connection)
    assert keys(receiver.messages[0]["raised"]) == ["archive"]


def test_the_alarm_of_one_target_is_told_to_the_others_only(connection, receiver, clock, alarms, new_teller):
    alarms.raise_alarm("notify:e-mail", "notifications do not reach e-mail")
    teller = new_teller()
    teller.look(connection)
    assert keys(receiver.messages[0]["raised"]) == ["notify:e-mail"]
    alarms.raise_alarm(OWN_ALARM, "notifications do not reach webhook 127.0.0.1")
    for _ in range(5):
        clock.now += 10.0
        teller.look(connection)
    assert len(receiver.messages) == 2
    assert keys(receiver.messages[1]["raised"]) == []


def test_what_cannot_be_noted_is_not_told_again(connection, receiver, alarms, new_teller, tmp_path, monkeypatch):
    teller = new_teller()
    alarms.raise_alarm("archive", "the archive is full")
    teller.look(connection)
    alarms.raise_alarm("model", "the model is gone")
    with closing(open_database(tmp_path / "station.db")) as other:
        connection.execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                teller.look(connection)
        other.execute("ROLLBACK")
    teller.look(connection)
    assert [keys(message["raised"]) for message in receiver.messages] == [["archive"], ["model"]]
    assert Told(connection, "webhook 127.0.0.1").alarms().keys() == {"archive", "model"}
