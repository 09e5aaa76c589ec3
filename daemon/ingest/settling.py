"""When a file has come to rest: pure functions of what was seen and of the time.

An event may only shorten the wait, never end it: a writer that opens, appends and closes twice gives two "closed"
events, and a rename from another folder gives none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

LOOKS = 3
# After the writer has closed the file, 2 s of quiet do in place of 5.
_ENDED_SHARE = 0.4
_ENDED_AT_MOST_S = 2.0
_LOOKS_IN_QUIET_TIME = 4


class FileStat(NamedTuple):
    """What tells one state of a file from another."""

    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Look:
    """How long a file has looked the same.

    Attributes
    ----------
    stat : FileStat
        What it looks like.
    since_s, last_s : float
        First and last time that it looked like this, on a clock that only goes forward.
    times : int
        How often it was looked at since.
    ended : bool
        A writer was heard to close it, or it was moved in, since it looks like this.
    """

    stat: FileStat
    since_s: float
    last_s: float
    times: int = 1
    ended: bool = False

    @property
    def age_s(self) -> float:
        """Return for how long it has looked the same."""
        return self.last_s - self.since_s


def look_again(previous: Look | None, stat: FileStat, now_s: float) -> Look:
    """Return what is known of a file after one more look; any change begins the wait anew."""
    if previous is None or previous.stat != stat:
        return Look(stat, now_s, now_s)
    return replace(previous, last_s=now_s, times=previous.times + 1)


def heard_end(look: Look) -> Look:
    """Return the look after an event that may mean the end of the writing."""
    return replace(look, ended=True)


def is_quiet(look: Look, quiet_s: float) -> bool:
    """Tell whether a file has looked the same for long enough, and often enough."""
    return look.times >= LOOKS and look.age_s >= wait_s(quiet_s, ended=look.ended)


def next_look_s(look: Look, quiet_s: float) -> float:
    """Return when the next look is due."""
    return look.last_s + wait_s(quiet_s, ended=look.ended) / _LOOKS_IN_QUIET_TIME


def wait_s(quiet_s: float, *, ended: bool) -> float:
    """Return for how long a file has to look the same."""
    return min(_ENDED_AT_MOST_S, _ENDED_SHARE * quiet_s) if ended else quiet_s


def stat_of(path: Path) -> FileStat | None:
    """Return what a plain file looks like; None where there is no such file, or something else has its name.

    Raises
    ------
    OSError
        If its disk does not answer.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Neither a link nor a folder is a film file, and what lies behind a link may lie anywhere.
    return FileStat(found.st_size, found.st_mtime_ns) if found.st_mode & 0o170000 == 0o100000 else None
