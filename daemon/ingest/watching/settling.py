"""Decides when a file has settled: pure functions of what was observed and of the time.

A file has settled once it has not changed for the quiet time, and was observed at least three times meanwhile. An event
may shorten the quiet time but never ends it: a writer that opens, appends and closes twice causes two "closed" events,
and a rename from another folder causes none.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

MIN_OBSERVATIONS = 3
# Quiet time after the writer has closed the file: this share of the usual one ...
_WRITE_ENDED_SHARE = 0.4
# ... and at most so many seconds.
_WRITE_ENDED_LIMIT_S = 2.0
_OBSERVATIONS_IN_QUIET_TIME = 4


class FileStat(NamedTuple):
    """Size in bytes and time of last change in ns: a file with another pair is taken for another file.

    The time only tells files apart. Clocks and file systems deliver years far outside of SQLite's 64 bits (1677 to
    2262); those are wrapped into them.
    """

    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileStat:
        """Return what a call of stat found."""
        return cls(found.st_size, (found.st_mtime_ns + 2**63) % 2**64 - 2**63)


@dataclass(frozen=True, slots=True)
class Observation:
    """How long a file has not changed.

    Attributes
    ----------
    stat : FileStat
        Size and time of change, the same at every observation.
    since_s, last_s : float
        Time of the first and of the last observation of this `stat`, seconds of a monotonic clock.
    count : int
        Number of observations of this `stat`, from 1.
    write_ended : bool
        An event told that a writer closed the file, or that it was moved in, since the first of them.
    """

    stat: FileStat
    since_s: float
    last_s: float
    count: int = 1
    write_ended: bool = False

    @property
    def age_s(self) -> float:
        """Return for how many seconds the file has not changed."""
        return self.last_s - self.since_s


def observe_again(previous: Observation | None, stat: FileStat, now_s: float) -> Observation:
    """Return `previous` with one more observation of the file; any change starts the wait again."""
    if previous is None or previous.stat != stat:
        return Observation(stat, now_s, now_s)
    return replace(previous, last_s=now_s, count=previous.count + 1)


def note_write_end(observation: Observation) -> Observation:
    """Return the observation after an event that may mean that the file is written to its end."""
    return replace(observation, write_ended=True)


def has_settled(observation: Observation, quiet_s: float) -> bool:
    """Return whether a file has not changed for long enough, at enough observations."""
    long_enough = observation.age_s >= wait_s(quiet_s, write_ended=observation.write_ended)
    return observation.count >= MIN_OBSERVATIONS and long_enough


def next_observation_s(observation: Observation, quiet_s: float) -> float:
    """Return when the file has to be observed next, seconds of the same clock."""
    return observation.last_s + wait_s(quiet_s, write_ended=observation.write_ended) / _OBSERVATIONS_IN_QUIET_TIME


def wait_s(quiet_s: float, *, write_ended: bool) -> float:
    """Return for how many seconds a file must not change; less than `quiet_s` once its writer has closed it."""
    return min(_WRITE_ENDED_LIMIT_S, _WRITE_ENDED_SHARE * quiet_s) if write_ended else quiet_s


def stat_of(path: Path) -> FileStat | None:
    """Return size and time of change of a regular file; None if there is no file, or a link, folder or device.

    Raises
    ------
    OSError
        The disk or share does not answer.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Neither a link nor a folder is a film file, and the target of a link may lie anywhere.
    return FileStat.of(found) if stat.S_ISREG(found.st_mode) else None
