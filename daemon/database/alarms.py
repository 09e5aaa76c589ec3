"""What a human should know about now: raised where trouble is met, cleared where the same thing works again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

# Key of the alarm that the archive does not take or give what is asked of it.
ARCHIVE_ALARM = "archive"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One standing trouble.

    Attributes
    ----------
    key : str
        What is in trouble ("archive", "watch:drop", "worker").
    message : str
        What was found, the last time.
    raised_at, last_at : float
        First and last time, seconds since the epoch.
    times : int
        How often since it was raised.
    """

    key: str
    message: str
    raised_at: float
    last_at: float
    times: int


class Alarms:
    """The table of standing alarms."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock

    def raise_alarm(self, key: str, message: str) -> bool:
        """Raise an alarm, or renew it; True where it is new."""
        now = self._clock()
        # fetchall, for only a statement that has run out lets SQLite commit.
        rows = self._connection.execute(
            "INSERT INTO alarms (key, message, raised_at, last_at) VALUES (?1, ?2, ?3, ?3) ON CONFLICT (key) DO UPDATE"
            " SET message = excluded.message, last_at = excluded.last_at, times = times + 1 RETURNING times",
            (key, message, now),
        ).fetchall()
        return bool(rows[0][0] == 1)

    def clear(self, key: str) -> bool:
        """Take an alarm back; True where it stood."""
        # Read first: the common case must not take the write lock.
        if self._connection.execute("SELECT 1 FROM alarms WHERE key = ?", (key,)).fetchone() is None:
            return False
        return self._connection.execute("DELETE FROM alarms WHERE key = ?", (key,)).rowcount > 0

    def standing(self) -> list[Alarm]:
        """Return every alarm that stands, oldest first."""
        rows = self._connection.execute("SELECT key, message, raised_at, last_at, times FROM alarms ORDER BY raised_at")
        return [Alarm(*row) for row in rows]
