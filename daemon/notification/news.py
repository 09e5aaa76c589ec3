"""Decides what a target has to be told: the difference between the alarms that stand and those that it was told.

A new alarm is told once it has stood for `gather_s`, together with all other new ones. Its end is told once it has been
away for `settle_s` * 2 ** (n - 1), where n counts how often the target was told that it is raised; an alarm that comes
and goes therefore makes fewer and fewer messages. An alarm that stays is told again every `repeat_s`. After `repeat_s`
without the alarm the count begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.database.alarms import Alarm, ToldAlarm


@dataclass(frozen=True, slots=True)
class News:
    """What a target has to be told, and what may be forgotten of it.

    Attributes
    ----------
    raised, standing : tuple of Alarm
        Alarms that are new to the target, and those that it knows and that still stand.
    cleared : tuple of ToldAlarm
        Alarms that have ended.
    due : bool
        Whether any of this has to be told now.
    outdated : tuple of str
        Keys of alarms that ended so long ago that their count begins anew.
    """

    raised: tuple[Alarm, ...]
    standing: tuple[Alarm, ...]
    cleared: tuple[ToldAlarm, ...]
    due: bool
    outdated: tuple[str, ...]


class Observer:
    """Remembers since when each alarm has been there or away, and says what is news. Keeps nothing on the disk.

    Parameters
    ----------
    timing : NotifyTiming
        Waiting times.
    repeat_s : float
        Seconds between two tellings of an alarm that lasts.
    """

    def __init__(self, timing: NotifyTiming, repeat_s: float) -> None:
        self._timing = timing
        self._repeat_s = repeat_s
        self._there: dict[str, float] = {}
        self._away: dict[str, float] = {}

    def news(self, alarms: Sequence[Alarm], told: Mapping[str, ToldAlarm], now: float) -> News:
        """Return what a target has to be told.

        Parameters
        ----------
        alarms : sequence of Alarm
            Alarms that stand.
        told : mapping of str to ToldAlarm
            What the target was told, by key.
        now : float
            Seconds since the epoch.
        """
        known = {key: alarm for key, alarm in told.items() if alarm.standing}
        keys = {alarm.key for alarm in alarms}
        self._there = _since(self._there, keys - known.keys(), now)
        self._away = _since(self._away, known.keys() - keys, now)
        raised = tuple(alarm for alarm in alarms if alarm.key not in known)
        standing = tuple(alarm for alarm in alarms if alarm.key in known)
        cleared = tuple(known[key] for key, since in self._away.items() if self._has_settled(known[key], since, now))
        return News(
            raised=raised,
            standing=standing,
            cleared=cleared,
            due=bool(cleared) or self._has_gathered(now) or any(self._is_old(known[one.key], now) for one in standing),
            outdated=tuple(key for key in sorted(told.keys() - known.keys()) if self._is_old(told[key], now)),
        )

    def _has_gathered(self, now: float) -> bool:
        return any(_has_passed(self._timing.gather_s, since, now) for since in self._there.values())

    def _has_settled(self, alarm: ToldAlarm, away_since: float, now: float) -> bool:
        return _has_passed(backoff_s(alarm.times - 1, self._timing.settle_s, self._repeat_s), away_since, now)

    def _is_old(self, alarm: ToldAlarm, now: float) -> bool:
        return _has_passed(self._repeat_s, alarm.told_at, now)


def _has_passed(seconds: float, since: float, now: float) -> bool:
    # A time in the future: the clock was put back meanwhile, and nobody knows how long it is ago.
    return not 0 <= now - since < seconds


def _since(before: Mapping[str, float], keys: Iterable[str], now: float) -> dict[str, float]:
    """Return since when each key is there: as before, or since now."""
    return {key: before.get(key, now) for key in sorted(keys)}
