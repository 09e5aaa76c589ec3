"""The copies of sealed rolls: what each target has, what it waits for, and why.

A roll's generation is the SHA-256 of its tag manifest, which the station records when the roll is sealed: sealed again,
it has another one. Everything here can be found again by comparing the target with the archive.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filmscand.daemon.database.connection import transaction

# Keys of the alarms of a target begin with these; its name follows: it fails, a roll cannot be copied there, a copy was
# damaged.
FAILING_ALARM: Final = "replica:"
ROLL_ALARM: Final = "replica_roll:"
DAMAGE_ALARM: Final = "replica_damage:"
_ALARMS: Final = (FAILING_ALARM, ROLL_ALARM, DAMAGE_ALARM)
# The sealed rolls with their generation. CROSS JOIN keeps SQLite to one lookup for each roll: the records of all
# sidecars are in the same table.
_SEALED: Final = (
    "SELECT roll, sha256 FROM (SELECT collection || '/' || box || '/' || roll AS roll FROM roll_counts)"
    " CROSS JOIN archive_records ON path IN (roll || '/tagmanifest-sha512.txt', roll || '/tagmanifest-sha256.txt',"
    " roll || '/tagmanifest-md5.txt')"
)


class CopyState(StrEnum):
    """Where the copy of a roll stands at a target."""

    WAITING = "waiting"
    COPYING = "copying"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class RollReplica:
    """One roll at one target.

    Attributes
    ----------
    target, roll : str
        Name of the target; `collection/box/roll`.
    state : CopyState
        Where the copy of the roll's present generation stands.
    generation : str
        The generation that is to be there.
    verified : str or None
        The generation that was read back from the target and was right.
    verified_at : float or None
        When that was, seconds since the epoch.
    files_done, files, bytes_done, bytes : int
        Files and bytes that are there and right, and all of them; 0 before the first try.
    tries : int
        Failures of the present generation in a row.
    error : str or None
        The last of them.
    not_before : float
        Time of the next try, seconds since the epoch.
    blocked : bool
        The roll itself cannot be copied, and a person has to look at it; other rolls can.
    """

    target: str
    roll: str
    state: CopyState
    generation: str
    verified: str | None
    verified_at: float | None
    files_done: int
    files: int
    bytes_done: int
    bytes: int
    tries: int
    error: str | None
    not_before: float
    blocked: bool


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How the copies at one target stand.

    Attributes
    ----------
    target, place : str
        Its name, and its folder or address.
    verified, waiting, blocked : int
        Rolls whose copy is right, rolls that wait or are being copied, and those of them that need a person.
    copying : RollReplica or None
        The roll that is being copied.
    failing_since : float or None
        Since when the target has failed, seconds since the epoch; None: it works.
    error : str or None
        Why it failed last.
    tries : int
        Failures in a row.
    next_try_at : float or None
        When it is tried again, seconds since the epoch.
    last_verified_at : float or None
        When a copy was found right last.
    """

    target: str
    place: str
    verified: int
    waiting: int
    blocked: int
    copying: RollReplica | None
    failing_since: float | None
    error: str | None
    tries: int
    next_try_at: float | None
    last_verified_at: float | None


class Replicas:
    """The copies at one target.

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

    def enter(self) -> None:
        """Enter the rolls that were sealed since, and those that were sealed again."""
        # Read first: it is called every few seconds, and the write lock is needed only where there is something new.
        news = self._connection.execute(
            f"SELECT 1 FROM ({_SEALED}) LEFT JOIN (SELECT * FROM replicas WHERE target = ?) AS known USING (roll)"
            " WHERE known.generation IS NOT sha256 LIMIT 1",
            (self._target,),
        ).fetchone()
        if news is None:
            return
        with transaction(self._connection):
            self._connection.execute(
                f"INSERT INTO replicas (target, roll, generation) SELECT ?, roll, sha256 FROM ({_SEALED}) WHERE true"
                " ON CONFLICT (target, roll) DO UPDATE SET generation = excluded.generation, state = 'waiting',"
                " files_done = 0, files = 0, bytes_done = 0, bytes = 0, tries = 0, error = NULL, not_before = 0,"
                " blocked = 0 WHERE generation != excluded.generation",
                (self._target,),
            )

    def begin(self) -> None:
        """Note that no roll is being copied, whatever an earlier run had begun."""
        self._update("state = 'waiting' WHERE state = 'copying'", ())

    def due(self, longest_pause_s: float) -> RollReplica | None:
        """Return the roll to copy next, None where all wait or are verified.

        Always the first by name, those that need a person last: a target that comes and goes gets one roll whole before
        the next is begun. A pause beyond `longest_pause_s` was set by a clock that has been put back since.
        """
        now = self._clock()
        row = self._connection.execute(
            "SELECT * FROM replicas WHERE target = ? AND state != 'verified' AND (not_before <= ? OR not_before > ?)"
            " ORDER BY blocked, roll LIMIT 1",
            (self._target, now, now + longest_pause_s),
        ).fetchone()
        return None if row is None else _replica(row)

    def copying(self, one: RollReplica, files: int, size_bytes: int) -> None:
        """Note that the copy of a roll has begun, with so many files and bytes."""
        self._update(
            "state = 'copying', files = ?, bytes = ?, files_done = 0, bytes_done = 0 WHERE roll = ? AND generation = ?",
            (files, size_bytes, one.roll, one.generation),
        )

    def progress(self, one: RollReplica, files_done: int, bytes_done: int) -> None:
        """Note how much of the roll is there and right."""
        self._update(
            "files_done = ?, bytes_done = ? WHERE roll = ? AND generation = ? AND state = 'copying'",
            (files_done, bytes_done, one.roll, one.generation),
        )

    def verified(self, one: RollReplica) -> None:
        """Note that the copy of this generation is whole and right; one that was sealed again meanwhile still waits."""
        self._update(
            "state = CASE generation WHEN ? THEN 'verified' ELSE 'waiting' END, verified = ?, verified_at = ?,"
            " files_done = files, bytes_done = bytes, tries = 0, error = NULL, not_before = 0, blocked = 0"
            " WHERE roll = ?",
            (one.generation, one.generation, self._clock(), one.roll),
        )

    def failed(self, one: RollReplica, error: str, pause_s: float, *, blocked: bool = False) -> None:
        """Note that a roll could not be copied, and that it is tried again after `pause_s` seconds."""
        self._update(
            "state = 'waiting', tries = tries + 1, error = ?, not_before = ?, blocked = ?"
            " WHERE roll = ? AND generation = ?",
            (error, self._clock() + pause_s, blocked, one.roll, one.generation),
        )

    def blocked(self) -> list[RollReplica]:
        """Return the rolls that a person has to look at."""
        rows = self._connection.execute(
            "SELECT * FROM replicas WHERE target = ? AND blocked ORDER BY roll", (self._target,)
        ).fetchall()
        return [_replica(row) for row in rows]

    def replica_id(self) -> str | None:
        """Return the id of the marker at the target, None before the first copy."""
        row = self._connection.execute(
            "SELECT replica_id FROM replica_targets WHERE target = ?", (self._target,)
        ).fetchone()
        return None if row is None else row[0]

    def note_replica_id(self, replica_id: str) -> str | None:
        """Note the id of the marker at the target; return the name of another target that has the same id already."""
        with transaction(self._connection):
            row = self._connection.execute(
                "SELECT target FROM replica_targets WHERE replica_id = ? AND target != ?", (replica_id, self._target)
            ).fetchone()
            if row is not None:
                return str(row[0])
            self._connection.execute(
                "UPDATE replica_targets SET replica_id = ? WHERE target = ?", (replica_id, self._target)
            )
        return None

    def target_failed(self, error: str, pause_s: float) -> float:
        """Note that the target fails, and is tried again after `pause_s` seconds; return since when it has failed."""
        now = self._clock()
        rows = self._connection.execute(
            "UPDATE replica_targets SET failing_since = min(coalesce(failing_since, ?1), ?1), error = ?2,"
            " tries = tries + 1, not_before = ?3 WHERE target = ?4 RETURNING failing_since",
            (now, error, now + pause_s, self._target),
        ).fetchall()
        return float(rows[0][0]) if rows else now

    def target_works(self) -> bool:
        """Note that the target works; return whether it failed before."""
        failed = self._connection.execute(
            "SELECT 1 FROM replica_targets WHERE target = ? AND failing_since IS NOT NULL", (self._target,)
        ).fetchone()
        if failed is None:
            return False
        self._connection.execute(
            "UPDATE replica_targets SET failing_since = NULL, error = NULL, tries = 0, not_before = 0 WHERE target = ?",
            (self._target,),
        )
        return True

    def target_failures(self) -> tuple[int, float]:
        """Return how often the target has failed in a row, and when it is tried again, seconds since the epoch."""
        row = self._connection.execute(
            "SELECT tries, not_before FROM replica_targets WHERE target = ?", (self._target,)
        ).fetchone()
        return (0, 0.0) if row is None else (int(row[0]), float(row[1]))

    def _update(self, what: str, values: tuple[object, ...]) -> None:
        self._connection.execute(f"UPDATE replicas SET {what} AND target = ?", (*values, self._target))


def keep_replica_targets(connection: sqlite3.Connection, targets: Mapping[str, str]) -> None:
    """Forget every target but these (name and place), with its alarms; one that has moved begins anew."""
    with transaction(connection):
        known = connection.execute("SELECT target, place FROM replica_targets").fetchall()
        gone = [name for name, place in known if targets.get(name) != place]
        for name in gone:
            connection.execute("DELETE FROM replica_targets WHERE target = ?", (name,))
            keys = [f"{alarm}{name}" for alarm in _ALARMS]
            connection.execute("DELETE FROM alarms WHERE key IN (?, ?, ?)", keys)
        connection.executemany(
            "INSERT INTO replica_targets (target, place) VALUES (?, ?) ON CONFLICT DO NOTHING", targets.items()
        )


def target_statuses(connection: sqlite3.Connection) -> tuple[TargetStatus, ...]:
    """Return how the copies at every target stand, by name."""
    if not _has_tables(connection):
        return ()
    rows = connection.execute(
        "SELECT replica_targets.*, count(roll) AS rolls, coalesce(sum(state = 'verified'), 0) AS verified,"
        " coalesce(sum(blocked), 0) AS blocked, max(verified_at) AS verified_at"
        " FROM replica_targets LEFT JOIN (SELECT target, roll, state, blocked, verified_at FROM replicas)"
        " USING (target) GROUP BY target ORDER BY target"
    ).fetchall()
    under_way = {
        row["target"]: _replica(row)
        for row in connection.execute("SELECT * FROM replicas WHERE state = 'copying'").fetchall()
    }
    return tuple(_target_status(row, under_way.get(row["target"])) for row in rows)


def replicas_of_roll(connection: sqlite3.Connection, roll: str) -> list[RollReplica]:
    """Return how one roll (`collection/box/roll`) stands at every target, by the target's name."""
    if not _has_tables(connection):
        return []
    rows = connection.execute("SELECT * FROM replicas WHERE roll = ? ORDER BY target", (roll,)).fetchall()
    return [_replica(row) for row in rows]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a watch folder that is archived and not put away: its candidate, its frame, and the frame's roll."""

    candidate_id: int
    job_id: int
    roll: str


def sealed_rolls(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the generation of every roll (`collection/box/roll`) that the station remembers as sealed."""
    return dict(connection.execute(_SEALED).fetchall())


def replicated_rolls(connection: sqlite3.Connection, targets: Collection[str]) -> dict[str, str]:
    """Return the generation of every roll of which it was verified at all of these targets; without targets, of none.

    A generation that a target has verified stays in `verified` while a newer one waits.
    """
    names = tuple(dict.fromkeys(targets))
    marks = ", ".join("?" * len(names))
    rows = connection.execute(
        f"SELECT roll, sha256 FROM ({_SEALED}) JOIN replicas USING (roll)"
        f" WHERE verified = sha256 AND target IN ({marks}) GROUP BY roll HAVING count(*) = ?",
        (*names, len(names)),
    ).fetchall()
    return dict(rows)


def stored_files(connection: sqlite3.Connection, watch: str) -> list[StoredFile]:
    """Return the files of a watch folder that are archived and not put away."""
    rows = connection.execute(
        "SELECT candidate_id, job_id, collection || '/' || box || '/' || roll FROM candidates"
        " JOIN frames USING (job_id) WHERE watch = ? AND candidates.state = 'stored'",
        (watch,),
    ).fetchall()
    return [StoredFile(*row) for row in rows]


def _has_tables(connection: sqlite3.Connection) -> bool:
    """Return whether a database that was opened to read has these tables: an older filmscand may have made it."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'replicas'").fetchone() is not None


def _replica(row: sqlite3.Row) -> RollReplica:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118
    return RollReplica(**{**values, "state": CopyState(values["state"]), "blocked": bool(values["blocked"])})


def _target_status(row: sqlite3.Row, copying: RollReplica | None) -> TargetStatus:
    failing = row["failing_since"] is not None
    return TargetStatus(
        target=row["target"],
        place=row["place"],
        verified=row["verified"],
        waiting=row["rolls"] - row["verified"],
        blocked=row["blocked"],
        copying=copying,
        failing_since=row["failing_since"],
        error=row["error"],
        tries=row["tries"],
        next_try_at=row["not_before"] if failing else None,
        last_verified_at=row["verified_at"],
    )
