"""Candidates: files in a watch folder, from the first observation until their frame is archived and they are put away.

    SEEN -> SETTLING -> COMPLETE -> WAIT_PAIR -> CLAIMED -> STORED -> RELEASED
    exits at the side: DUPLICATE, AMBIGUOUS, QUARANTINED

A row stands for a file with one size and time of change. A file that was handled and left in place has a row, so it is
not ingested again. Another picture of the same name gets a new row; so does the same file after it was moved away.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.queue import QueueError
from filmscand.drivers.files.pairs import name_key

# Longest pause of a candidate, seconds. A later time than that from now was written before the machine started, when
# its clock began anew.
MAX_PAUSE_S = 60.0
# A time of change that lies so far ahead is no matter of time zones (at most 14 hours): a clock was wrong. Seconds.
_AHEAD_S = 86400.0
# Years after 2262 do not fit into 64 bits of nanoseconds and are stored as years before 1823 (`FileStat`).
_WRAPPED_NS = -(2**62)


class CandidateState(StrEnum):
    """Progress of a file in a watch folder."""

    SEEN = "seen"
    SETTLING = "settling"
    COMPLETE = "complete"
    WAIT_PAIR = "wait_pair"
    CLAIMED = "claimed"
    STORED = "stored"
    RELEASED = "released"
    DUPLICATE = "duplicate"
    AMBIGUOUS = "ambiguous"
    QUARANTINED = "quarantined"


_S = CandidateState
_ASIDE = frozenset({_S.AMBIGUOUS, _S.QUARANTINED})
NEXT_STATES: Mapping[CandidateState, frozenset[CandidateState]] = {
    _S.SEEN: frozenset({_S.SETTLING}) | _ASIDE,
    _S.SETTLING: frozenset({_S.COMPLETE}) | _ASIDE,
    _S.COMPLETE: frozenset({_S.SETTLING, _S.WAIT_PAIR, _S.CLAIMED, _S.DUPLICATE}) | _ASIDE,
    _S.WAIT_PAIR: frozenset({_S.SETTLING, _S.COMPLETE, _S.CLAIMED, _S.DUPLICATE}) | _ASIDE,
    _S.CLAIMED: frozenset({_S.SETTLING, _S.COMPLETE, _S.STORED}) | _ASIDE,
    _S.STORED: frozenset({_S.RELEASED}),
    _S.RELEASED: frozenset(),
    _S.DUPLICATE: frozenset({_S.RELEASED}),
    _S.AMBIGUOUS: frozenset({_S.SETTLING, _S.RELEASED}),
    _S.QUARANTINED: frozenset({_S.SETTLING, _S.RELEASED}),
}
# Until the claim the row follows changes of the file; after it, the row stands for the bytes that were claimed.
ARRIVING = frozenset({_S.SEEN, _S.SETTLING, _S.COMPLETE, _S.WAIT_PAIR})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file in a watch folder, with one size and time of change.

    Attributes
    ----------
    candidate_id : int
        Key of the row.
    watch : str
        Path of the watch folder.
    path : str
        Path below the watch folder, with `/`.
    size_bytes, mtime_ns : int
        Size and time of change at the last observation.
    state : CandidateState
        Progress of the file.
    reason : str or None
        Why a person has to decide about it, or what it waits for.
    in_place : bool
        False once the file was moved away or deleted.
    job_id : int or None
        Row of the frame that it became, or whose duplicate it is.
    retries : int
        Number of tries in this state that failed because of a disk, a share or the archive.
    not_before : float
        Time of the next try, seconds of the machine's monotonic clock.
    seen_at, changed_at : float
        Time of the first observation and of the last change of state, seconds since the epoch.
    """

    candidate_id: int
    watch: str
    path: str
    size_bytes: int
    mtime_ns: int
    state: CandidateState
    reason: str | None
    in_place: bool
    job_id: int | None
    retries: int
    not_before: float
    seen_at: float
    changed_at: float

    def due(self, now_s: float) -> bool:
        """Return whether it may be tried at `now_s`, seconds of the machine's monotonic clock, which nobody sets."""
        return self.not_before <= now_s or self.not_before > now_s + MAX_PAUSE_S

    @property
    def is_dated_ahead(self) -> bool:
        """Whether its time of change lay in the future when it was seen first."""
        return self.mtime_ns / 1e9 > self.seen_at + _AHEAD_S or self.mtime_ns < _WRAPPED_NS


class Candidates:
    """The candidates of one watch folder.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    watch : str
        Path of the watch folder.
    clock : callable
        Returns seconds since the epoch.
    clock_s : callable
        Returns seconds of a clock that nobody sets: pauses are measured by it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        watch: str,
        clock: Callable[[], float] = time.time,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._watch = watch
        self._clock = clock
        self._clock_s = clock_s

    def see(self, path: str, size_bytes: int, mtime_ns: int) -> Candidate | None:
        """Record a file that was observed.

        Returns
        -------
        Candidate or None
            The updated row of an arriving file; None if a file of this path, size and time was handled before.
        """
        with transaction(self._connection):
            arriving = self._arriving(path)
            if arriving is not None:
                return self._follow(arriving, size_bytes, mtime_ns)
            now = self._clock()
            rows = self._connection.execute(
                "INSERT INTO candidates (watch, path, name_key, size_bytes, mtime_ns, state, seen_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, 'seen', ?, ?) ON CONFLICT DO NOTHING RETURNING *",
                (self._watch, path, name_key(path), size_bytes, mtime_ns, now, now),
            ).fetchall()
        return _candidate(rows[0]) if rows else None

    def set_aside(self, path: str, size_bytes: int, mtime_ns: int, reason: str) -> bool:
        """Record something that a person has to look at; `path` is only shown. Return whether it is new."""
        now = self._clock()
        with transaction(self._connection):
            rows = self._connection.execute(
                "INSERT INTO candidates (watch, path, size_bytes, mtime_ns, state, reason, seen_at, changed_at)"
                " VALUES (?, ?, ?, ?, 'quarantined', ?, ?, ?) ON CONFLICT DO NOTHING RETURNING candidate_id",
                (self._watch, path, size_bytes, mtime_ns, reason, now, now),
            ).fetchall()
        return bool(rows)

    def move(
        self, candidate: Candidate, state: CandidateState, reason: str | None = None, job_id: int | None = None
    ) -> Candidate:
        """Move a candidate to another state.

        Parameters
        ----------
        candidate : Candidate
            The row as it was read.
        state : CandidateState
            Its next state; `NEXT_STATES` lists the allowed ones.
        reason : str, optional
            Explanation for a person.
        job_id : int, optional
            Row of its frame; without it the row keeps the one that it has.

        Raises
        ------
        QueueError
            The transition is not allowed, or another thread has moved the row meanwhile.
        """
        if state not in NEXT_STATES[candidate.state]:
            raise QueueError(f"{candidate.path}: a candidate cannot go from {candidate.state} to {state}")
        return self._update(
            candidate,
            "state = ?, reason = ?, job_id = coalesce(?, job_id), retries = 0, not_before = 0, changed_at = ?",
            (state, reason, job_id, self._clock()),
        )

    def put_off(self, candidate: Candidate, reason: str, delay_s: float) -> Candidate:
        """Leave a candidate in its state and try again after `delay_s` seconds, at most `MAX_PAUSE_S`."""
        return self._update(
            candidate,
            "reason = ?, retries = retries + 1, not_before = ?",
            (reason, self._clock_s() + min(delay_s, MAX_PAUSE_S)),
        )

    def moved_away(self, candidate: Candidate) -> Candidate:
        """Note that the file was moved away or deleted."""
        return self._update(candidate, "in_place = 0", ())

    def forget(self, candidate: Candidate) -> None:
        """Delete the row of a file that disappeared before it was claimed."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM candidates WHERE candidate_id = ?", (candidate.candidate_id,))

    def reload(self, candidate: Candidate) -> Candidate | None:
        """Return the row as it is now; None if it is gone."""
        rows = self._connection.execute(
            "SELECT * FROM candidates WHERE candidate_id = ?", (candidate.candidate_id,)
        ).fetchall()
        return _candidate(rows[0]) if rows else None

    def in_state(self, states: Iterable[CandidateState]) -> list[Candidate]:
        """Return the candidates in these states, in the order of their first observation."""
        names = sorted(states)
        placeholders = ", ".join("?" * len(names))
        rows = self._connection.execute(
            f"SELECT * FROM candidates WHERE watch = ? AND state IN ({placeholders}) ORDER BY candidate_id",
            (self._watch, *names),
        ).fetchall()
        return [_candidate(row) for row in rows]

    def of_job(self, job_id: int) -> list[Candidate]:
        """Return the candidates that became this frame: the picture, and its infrared if that was a separate file."""
        rows = self._connection.execute(
            "SELECT * FROM candidates WHERE watch = ? AND job_id = ? ORDER BY candidate_id", (self._watch, job_id)
        ).fetchall()
        return [_candidate(row) for row in rows]

    def latest_claimed(self, paths: Iterable[str]) -> Candidate | None:
        """Return the newest candidate with one of these paths (compared by `name_key`) that became a frame."""
        names = [name_key(path) for path in paths]
        placeholders = ", ".join("?" * len(names))
        rows = self._connection.execute(
            f"SELECT * FROM candidates WHERE watch = ? AND name_key IN ({placeholders})"
            " AND state IN ('stored', 'released') AND job_id IS NOT NULL ORDER BY candidate_id DESC LIMIT 1",
            (self._watch, *names),
        ).fetchall()
        return _candidate(rows[0]) if rows else None

    def _arriving(self, path: str) -> Candidate | None:
        rows = self._connection.execute(
            "SELECT * FROM candidates WHERE watch = ? AND path = ?"
            " AND state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed')",
            (self._watch, path),
        ).fetchall()
        return _candidate(rows[0]) if rows else None

    def _follow(self, candidate: Candidate, size_bytes: int, mtime_ns: int) -> Candidate:
        if candidate.state is CandidateState.CLAIMED or (candidate.size_bytes, candidate.mtime_ns) == (
            size_bytes,
            mtime_ns,
        ):
            return candidate
        # A row of an earlier file with the same path, size and time may still be there; this row replaces it.
        self._connection.execute(
            "DELETE FROM candidates WHERE watch = ? AND path = ? AND size_bytes = ? AND mtime_ns = ? AND in_place",
            (self._watch, candidate.path, size_bytes, mtime_ns),
        )
        return self._update(
            candidate,
            "size_bytes = ?, mtime_ns = ?, state = 'settling', reason = NULL, retries = 0, not_before = 0,"
            " changed_at = ?",
            (size_bytes, mtime_ns, self._clock()),
        )

    def _update(self, candidate: Candidate, assignments: str, values: tuple[object, ...]) -> Candidate:
        with transaction(self._connection):
            rows = self._connection.execute(
                f"UPDATE candidates SET {assignments} WHERE candidate_id = ? AND state = ? RETURNING *",
                (*values, candidate.candidate_id, candidate.state),
            ).fetchall()
        if not rows:
            raise QueueError(f"{candidate.path}: expected state {candidate.state}, but the row was moved meanwhile")
        return _candidate(rows[0])


def _candidate(row: sqlite3.Row) -> Candidate:
    values = {name: row[name] for name in row.keys() if name != "name_key"}  # noqa: SIM118
    return Candidate(**{**values, "state": CandidateState(values["state"]), "in_place": bool(values["in_place"])})


def count_arriving(connection: sqlite3.Connection) -> int:
    """Return how many files of all watch folders are not in the archive yet."""
    states = [*sorted(ARRIVING), CandidateState.CLAIMED]
    marks = ", ".join("?" * len(states))
    return int(connection.execute(f"SELECT count(*) FROM candidates WHERE state IN ({marks})", states).fetchone()[0])


def paths_arriving(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Return the full paths of the first files that are not in the archive yet, at most `limit`."""
    states = [*sorted(ARRIVING), CandidateState.CLAIMED]
    marks = ", ".join("?" * len(states))
    rows = connection.execute(
        f"SELECT watch, path FROM candidates WHERE state IN ({marks}) ORDER BY candidate_id LIMIT ?", (*states, limit)
    )
    return [f"{watch}/{path}" for watch, path in rows]


def files_dated_ahead(connection: sqlite3.Connection, since: float) -> list[Candidate]:
    """Return the files seen since a time, seconds since the epoch, whose own time of change lay in the future then."""
    # The plus keeps SQLite from reading the whole table in the order of its key instead of the index of times.
    rows = connection.execute(
        "SELECT * FROM candidates WHERE seen_at >= ? AND (mtime_ns / 1e9 > seen_at + ? OR mtime_ns < ?)"
        " ORDER BY +candidate_id",
        (since, _AHEAD_S, _WRAPPED_NS),
    ).fetchall()
    return [_candidate(row) for row in rows]


def files_incomplete(connection: sqlite3.Connection, until: float) -> list[Candidate]:
    """Return the files that are incomplete, and have not changed since before `until`, seconds since the epoch."""
    rows = connection.execute(
        "SELECT * FROM candidates WHERE state = 'settling' AND reason IS NOT NULL AND changed_at < ?"
        " ORDER BY candidate_id",
        (until,),
    ).fetchall()
    return [_candidate(row) for row in rows]


def files_in_place(connection: sqlite3.Connection, states: Iterable[CandidateState]) -> list[Candidate]:
    """Return the candidates of all watch folders in these states whose files are still there, oldest first."""
    wanted = sorted(states)
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT * FROM candidates WHERE state IN ({marks}) AND in_place ORDER BY candidate_id", wanted
    ).fetchall()
    return [_candidate(row) for row in rows]
