"""Tells one target what is news for it, and raises an alarm while the target cannot be reached."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.core.visible import visible
from filmscand.daemon.database.alarms import TARGET_ALARM, Alarm, Alarms, Told
from filmscand.daemon.database.session_records import Session, Taken
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.status import recorded_alarms
from filmscand.daemon.notification.delivery import deliver
from filmscand.daemon.notification.message import AlarmNews, DeliveryError, Message, SessionNews, clock
from filmscand.daemon.notification.news import News, Observer
from filmscand.daemon.station.configuration import Station, Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be noted once a message has arrived: alarms that it told, keys of cleared ones, finished sessions."""

    standing: tuple[Alarm, ...]
    cleared: tuple[str, ...]
    sessions: tuple[int, ...]


class Teller:
    """Tells one target; to be used by one thread.

    Parameters
    ----------
    target : Target
        The target.
    station : Station
        The station.
    timing : NotifyTiming
        Waiting times.
    further_alarms : callable
        Returns the alarms that are not in the database.
    now : callable
        Returns seconds since the epoch.
    """

    def __init__(
        self,
        target: Target,
        station: Station,
        timing: NotifyTiming,
        further_alarms: Callable[[], Sequence[Alarm]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._own_alarm = f"{TARGET_ALARM}{target.title}"
        self._root = station.root
        self._timing = timing
        self._further_alarms = further_alarms
        self._now = now
        self._observer = Observer(timing, station.notify.repeat_s)
        self._failures = 0
        self._not_before = 0.0
        self._unnoted: Notes | None = None

    def look(self, connection: sqlite3.Connection) -> None:
        """Tell the target what is news for it, if anything is, unless a message failed a moment ago.

        Raises
        ------
        sqlite3.Error
            The database does not answer. What was told is noted at the next look, before anything else is told.
        """
        told = Told(connection, self._target.title, self._now)
        self._note(told)
        now = self._now()
        # A longer pause than any that was set: the clock was put back meanwhile.
        if self._failures and 0 < self._not_before - now <= self._timing.retry_cap_s:
            return
        told.begin()
        alarms = (*recorded_alarms(connection), *self._further_alarms())
        own = next((alarm for alarm in alarms if alarm.key == self._own_alarm), None)
        # A target is told nothing of its own alarm: each failure would be news for it.
        news = self._observer.news([alarm for alarm in alarms if alarm is not own], told.alarms(), now)
        told.forget(news.outdated)
        over = Sessions(connection).untold(self._target.title)
        if news.due or over or own is not None:
            notes = Notes(news.raised + news.standing, tuple(one.key for one in news.cleared), _numbers(over))
            self._send(self._message(connection, news, over, own), notes, connection)
            self._note(told)

    def _note(self, told: Told) -> None:
        if self._unnoted is not None:
            told.note(self._unnoted.standing, self._unnoted.cleared, self._unnoted.sessions)
            self._unnoted = None

    def _send(self, message: Message, notes: Notes, connection: sqlite3.Connection) -> None:
        try:
            deliver(self._target, message, self._timing.limit_s)
        except DeliveryError as error:
            self._fail(str(error), connection)
            return
        self._unnoted = notes
        self._failures = 0
        if Alarms(connection).clear(self._own_alarm):
            log.warning("notifications reach %s again", self._target.title)
        log.info("told %s: %s", self._target.title, message.title)

    def _fail(self, reason: str, connection: sqlite3.Connection) -> None:
        retry = self._timing
        self._not_before = self._now() + backoff_s(self._failures, retry.retry_first_s, retry.retry_cap_s)
        self._failures += 1
        log.warning("%s could not be told, it is tried again: %s", self._target.title, reason)
        if self._failures >= retry.tries:
            message = f"notifications do not reach {self._target.title}: {reason}; tried again until it works"
            Alarms(connection).raise_alarm(self._own_alarm, message)

    def _message(self, connection: sqlite3.Connection, news: News, over: list[Session], own: Alarm | None) -> Message:
        return Message(
            station=self._root,
            raised=tuple(map(_alarm_news, news.raised)),
            standing=tuple(map(_alarm_news, news.standing)),
            cleared=tuple(AlarmNews.of(one.key, one.message, one.raised_at) for one in news.cleared),
            finished=tuple(_session_news(connection, session) for session in over),
            unreached_since=None if own is None else clock(own.raised_at),
        )


def _numbers(sessions: list[Session]) -> tuple[int, ...]:
    return tuple(session.session_id for session in sessions)


def _alarm_news(alarm: Alarm) -> AlarmNews:
    return AlarmNews.of(alarm.key, alarm.message, alarm.raised_at)


def _session_news(connection: sqlite3.Connection, session: Session) -> SessionNews:
    taken = [frame.taken for frame in Sessions(connection).frames(session.session_id)]
    return SessionNews(
        session=session.session_id,
        roll=str(session.plan.frame(session.plan.first_number).roll_folder),
        reason=str(session.reason),
        frames=session.plan.frames,
        captured=taken.count(Taken.CAPTURED),
        lost=taken.count(Taken.LOST),
        message=visible(" ".join(filter(None, (session.message, session.advice)))),
    )
