"""Alarms: problems that a person should know about now, and what the targets of notifications were told of them.

The code that meets a problem raises and clears its alarm.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from filmscand.daemon.database.connection import transaction

# Key of the alarm that the archive cannot be read or written.
ARCHIVE_ALARM = "archive"
# Key of the alarm that a model which the station names cannot be used.
MODEL_ALARM = "model"
# Keys of the alarms that a target of notifications cannot be reached begin with this; the name of the target follows.
TARGET_ALARM = "notify:"


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


@dataclass(frozen=True, slots=True)
class ToldAlarm:
    """What a target of notifications was told of one alarm.

    Attributes
    ----------
    key, message, raised_at
        As in `Alarm`, when the target was told last.
    told_at : float
        When that was, seconds since the epoch.
    times : int
        How often the target was told that the alarm is raised, repetitions left out.
    standing : bool
        False once the target was told that the alarm is cleared.
    """

    key: str
    message: str
    raised_at: float
    told_at: float
    times: int
    standing: bool


def session_alarm(session_id: int, roll: str, message: str, advice: str) -> tuple[str, str]:
    """Return key and message of the alarm that a scanning session waits for a person."""
    return f"session:{session_id}", f"session {session_id} of roll {roll}: {message}. {advice}".rstrip()


class Told:
    """What one target of notifications was told; it outlives the service, so that nothing is told twice.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    target : str
        Name of the target.
    clock : callable
        Returns seconds since the epoch.
    """

    def __init__(self, connection: sqlite3.Connection, target: str, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._target = target
        self._clock = clock

    def begin(self) -> None:
        """Note a new target; sessions that are over by now are no news for it."""
        # Read first: it is called every few seconds, and the write lock is needed only once.
        known = self._connection.execute("SELECT 1 FROM notify_targets WHERE target = ?", (self._target,))
        if known.fetchone() is None:
            self._connection.execute(
                "INSERT INTO notify_targets (target, known_at) VALUES (?, ?)", (self._target, self._clock())
            )

    def alarms(self) -> Mapping[str, ToldAlarm]:
        """Return what the target was told of each alarm, by key."""
        rows = self._connection.execute(
            "SELECT key, message, raised_at, told_at, times, standing FROM told_alarms WHERE target = ?",
            (self._target,),
        ).fetchall()
        return {row[0]: ToldAlarm(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}

    def note(self, standing: Iterable[Alarm], cleared: Iterable[str], sessions: Iterable[int]) -> None:
        """Note what the target was told just now.

        Parameters
        ----------
        standing : iterable of Alarm
            Alarms that stand, new ones and others.
        cleared : iterable of str
            Keys of alarms that are cleared.
        sessions : iterable of int
            Numbers of sessions that are over.
        """
        now, target = self._clock(), self._target
        with transaction(self._connection):
            for alarm in standing:
                self._connection.execute(
                    "INSERT INTO told_alarms (target, key, message, raised_at, told_at, standing)"
                    " VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (target, key) DO UPDATE SET message = excluded.message,"
                    " raised_at = excluded.raised_at, told_at = excluded.told_at,"
                    " times = times + 1 - standing, standing = 1",
                    (target, alarm.key, alarm.message, alarm.raised_at, now),
                )
            self._connection.executemany(
                "UPDATE told_alarms SET standing = 0, told_at = ? WHERE target = ? AND key = ?",
                [(now, target, key) for key in cleared],
            )
            self._connection.executemany(
                "INSERT INTO told_sessions (target, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [(target, session_id) for session_id in sessions],
            )

    def forget(self, keys: Sequence[str]) -> None:
        """Forget alarms that were cleared long ago: how often they came no longer counts."""
        if not keys:
            return
        with transaction(self._connection):
            self._connection.executemany(
                "DELETE FROM told_alarms WHERE target = ? AND key = ? AND NOT standing",
                [(self._target, key) for key in keys],
            )


def keep_targets(connection: sqlite3.Connection, targets: Iterable[str]) -> None:
    """Forget every target of notifications but these, and clear the alarms that the others could not be reached."""
    names = tuple(targets)
    marks = ", ".join("?" * len(names))
    with transaction(connection):
        connection.execute(f"DELETE FROM notify_targets WHERE target NOT IN ({marks})", names)
        connection.execute(
            f"DELETE FROM alarms WHERE substr(key, 1, ?) = ? AND substr(key, ? + 1) NOT IN ({marks})",
            (len(TARGET_ALARM), TARGET_ALARM, len(TARGET_ALARM), *names),
        )
