"""Alarms: problems that a person should know about now. The code that meets a problem raises and clears its alarm."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

# Key of the alarm that the archive cannot be read or written.
ARCHIVE_ALARM = "archive"
# Key of the alarm that a model which the station names cannot be used.
MODEL_ALARM = "model"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One problem that persists.

    Attributes
    ----------
    key : str
        Part of the station that has the problem: "archive", "watch:drop", "worker".
    message : str
        Message of the last occurrence.
    raised_at, last_at : float
        Time of the first and of the last occurrence, seconds since the epoch.
    times : int
        Number of occurrences since the first.
    """

    key: str
    message: str
    raised_at: float
    last_at: float
    times: int


class Alarms:
    """The table of alarms that are not cleared.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock

    def raise_alarm(self, key: str, message: str) -> bool:
        """Raise an alarm, or count one more occurrence of it; return True if it is new."""
        now = self._clock()
        # fetchall: SQLite commits only after the statement has returned its last row.
        rows = self._connection.execute(
            "INSERT INTO alarms (key, message, raised_at, last_at) VALUES (?1, ?2, ?3, ?3) ON CONFLICT (key) DO UPDATE"
            " SET message = excluded.message, last_at = excluded.last_at, times = times + 1 RETURNING times",
            (key, message, now),
        ).fetchall()
        return bool(rows[0][0] == 1)

    def clear(self, key: str) -> bool:
        """Clear an alarm; return True if it was raised."""
        # Read first: usually there is no alarm, and the write lock is not needed.
        if self._connection.execute("SELECT 1 FROM alarms WHERE key = ?", (key,)).fetchone() is None:
            return False
        return self._connection.execute("DELETE FROM alarms WHERE key = ?", (key,)).rowcount > 0

    def standing(self) -> list[Alarm]:
        """Return all alarms that are not cleared, oldest first."""
        rows = self._connection.execute("SELECT key, message, raised_at, last_at, times FROM alarms ORDER BY raised_at")
        return [Alarm(*row) for row in rows]

    def count(self) -> int:
        """Return how many alarms stand."""
        return int(self._connection.execute("SELECT count(*) FROM alarms").fetchone()[0])
