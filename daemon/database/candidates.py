"""Files that came into a watch folder, from the first sight until their frame is safe and they are out of the way.

    SEEN -> SETTLING -> COMPLETE -> WAIT_PAIR -> CLAIMED -> STORED -> RELEASED
    side exits DUPLICATE, AMBIGUOUS, QUARANTINED

A row is the file at one size and time: a file that was dealt with and is left where it is blocks itself from being
taken up again; a new picture under the same name, or the same one after it was moved away, is a new row.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from filmscand.daemon.core.retry import MAX_BACKOFF_S
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.queue import QueueError


class CandidateState(StrEnum):
    """How far a file in a watch folder has come."""

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
# Until the claim the row follows the file; from then on it stands for the bytes that were taken.
ARRIVING = frozenset({_S.SEEN, _S.SETTLING, _S.COMPLETE, _S.WAIT_PAIR})


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file in a watch folder, at one size and time.

    Attributes
    ----------
    watch : str
        Name of the watch.
    path : str
        Path below the watch's folder, with `/`.
    size_bytes, mtime_ns : int
        The file as it was looked at last.
    reason : str or None
        Why it stands aside, or what it waits for.
    in_place : bool
        False once the file was moved out of the way or deleted.
    job_id : int or None
        The frame that it became, or of which it is a duplicate.
    retries : int
        How often the world was in the way.
    not_before : float
        Next try, seconds since the epoch.
    changed_at : float
        Last change of state.
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

    def due(self, now: float) -> bool:
        """Tell whether it may be tried again; a clock that was set back puts nothing off for hours."""
        return self.not_before <= now or self.not_before > now + MAX_BACKOFF_S


class Candidates:
    """The candidates of one watch."""

    def __init__(self, connection: sqlite3.Connection, watch: str, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._watch = watch
        self._clock = clock

    def see(self, path: str, size_bytes: int, mtime_ns: int) -> Candidate | None:
        """Write down a file that was seen.

        Returns
        -------
        Candidate or None
            The row of an arriving file, brought up to date; None where exactly this file was dealt with before.
        """
        with transaction(self._connection):
            arriving = self._arriving(path)
            if arriving is not None:
                return self._follow(arriving, size_bytes, mtime_ns)
            now = self._clock()
            rows = self._connection.execute(
                "INSERT INTO candidates (watch, path, size_bytes, mtime_ns, state, seen_at, changed_at)"
                " VALUES (?, ?, ?, ?, 'seen', ?, ?) ON CONFLICT DO NOTHING RETURNING *",
                (self._watch, path, size_bytes, mtime_ns, now, now),
            ).fetchall()
        return _candidate(rows[0]) if rows else None

    def move(
        self, candidate: Candidate, state: CandidateState, reason: str | None = None, job_id: int | None = None
    ) -> Candidate:
        """Move a candidate on.

        Parameters
        ----------
        reason : str, optional
            Why, where a human should know.
        job_id : int, optional
            Its frame; without it the row keeps the frame that it has.

        Raises
        ------
        QueueError
            If the transition is not in the table, or the row has moved meanwhile.
        """
        if state not in NEXT_STATES[candidate.state]:
            raise QueueError(f"{candidate.path}: no way from {candidate.state} to {state}")
        return self._update(
            candidate,
            "state = ?, reason = ?, job_id = coalesce(?, job_id), retries = 0, not_before = 0, changed_at = ?",
            (state, reason, job_id, self._clock()),
        )

    def put_off(self, candidate: Candidate, reason: str, delay_s: float) -> Candidate:
        """Leave a candidate where it is and try again later; the world was in the way."""
        return self._update(
            candidate, "reason = ?, retries = retries + 1, not_before = ?", (reason, self._clock() + delay_s)
        )

    def moved_away(self, candidate: Candidate) -> Candidate:
        """Note that the file is no longer where it was found."""
        return self._update(candidate, "in_place = 0", ())

    def forget(self, candidate: Candidate) -> None:
        """Forget a file that went away before it was taken up."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM candidates WHERE candidate_id = ?", (candidate.candidate_id,))

    def reload(self, candidate: Candidate) -> Candidate | None:
        """Return the row as it is now; None where it is gone."""
        rows = self._connection.execute(
            "SELECT * FROM candidates WHERE candidate_id = ?", (candidate.candidate_id,)
        ).fetchall()
        return _candidate(rows[0]) if rows else None

    def in_state(self, states: Iterable[CandidateState]) -> list[Candidate]:
        """Return the candidates of these states, in the order in which they were seen."""
        wanted = sorted(states)
        marks = ", ".join("?" * len(wanted))
        rows = self._connection.execute(
            f"SELECT * FROM candidates WHERE watch = ? AND state IN ({marks}) ORDER BY candidate_id",
            (self._watch, *wanted),
        ).fetchall()
        return [_candidate(row) for row in rows]

    def of_job(self, job_id: int) -> list[Candidate]:
        """Return the candidates that became a frame."""
        rows = self._connection.execute(
            "SELECT * FROM candidates WHERE watch = ? AND job_id = ? ORDER BY candidate_id", (self._watch, job_id)
        ).fetchall()
        return [_candidate(row) for row in rows]

    def latest_claimed(self, paths: Iterable[str]) -> Candidate | None:
        """Return the newest candidate under one of these paths, compared without case, that became a frame."""
        wanted = [path.lower() for path in paths]
        marks = ", ".join("?" * len(wanted))
        rows = self._connection.execute(
            f"SELECT * FROM candidates WHERE watch = ? AND lower(path) IN ({marks}) AND state IN ('stored', 'released')"
            " AND job_id IS NOT NULL ORDER BY candidate_id DESC LIMIT 1",
            (self._watch, *wanted),
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
        # An earlier file of the very same size and time may have left its row: this one takes its place.
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
            raise QueueError(f"{candidate.path}: expected state {candidate.state}, but it has moved on")
        return _candidate(rows[0])


def _candidate(row: sqlite3.Row) -> Candidate:
    values = dict(row)
    return Candidate(**{**values, "state": CandidateState(values["state"]), "in_place": bool(values["in_place"])})
