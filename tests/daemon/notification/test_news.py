"""Which alarms are news, told with a clock of the test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.database.alarms import Alarm, ToldAlarm
from filmscand.daemon.notification.news import Observer

DAY_S = 86400.0
TIMING = NotifyTiming(gather_s=10.0, settle_s=300.0)


class Listener:
    """A target that hears everything, as `Told` notes it."""

    def __init__(self, repeat_s=DAY_S):
        self.repeat_s = repeat_s
        self.restart()
        self.told = {}
        self.heard = []

    def restart(self):
        self.observer = Observer(TIMING, self.repeat_s)

    def look(self, now, *keys):
        alarms = [Alarm(key, key, now, now, 1) for key in keys]
        news = self.observer.news(alarms, self.told, now)
        for key in news.outdated:
            del self.told[key]
        if news.due:
            self.heard.append(
                (now, *(tuple(one.key for one in part) for part in (news.raised, news.standing, news.cleared)))
            )
            for alarm in news.raised:
                times = self.told[alarm.key].times + 1 if alarm.key in self.told else 1
                self.told[alarm.key] = ToldAlarm(alarm.key, "", 0.0, now, times, True)
            for alarm in news.standing:
                self.told[alarm.key] = replace(self.told[alarm.key], told_at=now)
            for alarm in news.cleared:
                self.told[alarm.key] = replace(alarm, told_at=now, standing=False)


@pytest.fixture
def listener():
    return Listener()


def test_alarms_of_one_cause_make_one_message(listener):
    listener.look(0.0, "archive")
    listener.look(5.0, "archive", "watch:drop")
    listener.look(10.0, "archive", "watch:drop", "model")
    listener.look(15.0, "archive", "watch:drop", "model")
    assert listener.heard == [(10.0, ("archive", "watch:drop", "model"), (), ())]


def test_an_alarm_that_ends_at_once_is_not_told(listener):
    for now in range(0, 100, 10):
        listener.look(float(now), *(["archive"] if now % 20 == 0 else []))
    assert listener.heard == []


def test_an_alarm_that_lasts_is_told_once_a_day_with_all_others(listener):
    for hour in range(73):
        listener.look(hour * 3600.0, *(["archive"] if hour < 5 else ["archive", "space"]))
    assert listener.heard == [
        (3600.0, ("archive",), (), ()),
        (6 * 3600.0, ("space",), ("archive",), ()),
        (30 * 3600.0, (), ("archive", "space"), ()),
        (54 * 3600.0, (), ("archive", "space"), ()),
    ]


def test_an_end_is_told_once_the_alarm_has_been_away_for_a_while(listener):
    for now in (0.0, 10.0):
        listener.look(now, "archive")
    for now in (20.0, 319.0, 320.0, 330.0):
        listener.look(now)
    assert listener.heard[1:] == [(320.0, (), (), ("archive",))]


@pytest.mark.parametrize("period_s", [30, 120, 700, 3000, 20000])
def test_an_alarm_that_comes_and_goes_is_no_flood(listener, period_s):
    for now in range(0, 2 * 86400, 10):
        listener.look(float(now), *(["archive"] if now % period_s < period_s / 2 else []))
    assert 1 <= len(listener.heard) <= 14


def test_after_a_day_of_peace_an_end_is_told_soon_again(listener):
    for start in (0.0, 1000.0, 3000.0, 3000.0 + DAY_S + 5000.0):
        listener.look(start, "archive")
        listener.look(start + 10.0, "archive")
        for away in range(20, 2000, 10):
            listener.look(start + away)
        listener.look(start + 1999.0)
    ends = [now for now, _, _, cleared in listener.heard if cleared]
    assert ends[-1] == 3000.0 + DAY_S + 5000.0 + 320.0


def test_a_restart_tells_nothing_twice_and_an_end_once(listener):
    for now in (0.0, 10.0):
        listener.look(now, "archive")
    listener.restart()
    for now in (20.0, 40.0):
        listener.look(now, "archive")
    listener.restart()
    for now in (50.0, 350.0, 400.0):
        listener.look(now)
    listener.restart()
    for now in (500.0, 900.0):
        listener.look(now)
    assert listener.heard == [(10.0, ("archive",), (), ()), (350.0, (), (), ("archive",))]


def test_a_clock_that_is_put_back_repeats_once(listener):
    for now in (1e9, 1e9 + 10.0, 1000.0, 1010.0, 1020.0):
        listener.look(now, "archive")
    assert [now for now, *_ in listener.heard] == [1e9 + 10.0, 1000.0]
