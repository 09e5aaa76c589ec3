"""The rows of the queue: a frame's state and outcome, and the queries that change nothing."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.database.connection import schema_version

# From this schema on the database counts the finished frames of each roll; readers may meet an older one.
COUNTS_SCHEMA = 11
_COUNT_ALL = "SELECT state, outcome, count(*) FROM frames GROUP BY state, outcome"
_COUNT_BY_ROLLS = (
    "SELECT state, NULL, count(*) FROM frames WHERE state IN ('reserved', 'queued', 'processing') GROUP BY state"
    " UNION ALL SELECT 'finished', 'archived', sum(archived) FROM roll_counts"
    " UNION ALL SELECT 'finished', 'failed', sum(failed) FROM roll_counts"
    " UNION ALL SELECT 'finished', 'set_aside', sum(set_aside) FROM roll_counts"
)
# Whether the roll of a row of `frames` is frozen; see `keeping.audits`.
IS_FROZEN = (
    "EXISTS (SELECT 1 FROM audits WHERE audits.collection = frames.collection AND audits.box = frames.box"
    " AND audits.roll = frames.roll AND audits.damaged_at IS NOT NULL)"
)
# The secret of a lease begins with this if the frame is cleaned on another machine.
ELSEWHERE = "elsewhere-"


class JobState(StrEnum):
    """Where a frame stands in the queue."""

    RESERVED = "reserved"
    QUEUED = "queued"
    PROCESSING = "processing"
    FINISHED = "finished"


class JobOutcome(StrEnum):
    """How a finished frame ended."""

    ARCHIVED = "archived"
    FAILED = "failed"
    SET_ASIDE = "set_aside"


NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.RESERVED: frozenset({JobState.QUEUED}),
    JobState.QUEUED: frozenset({JobState.PROCESSING}),
    JobState.PROCESSING: frozenset({JobState.QUEUED, JobState.FINISHED}),
    JobState.FINISHED: frozenset({JobState.QUEUED}),
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that a frame was made from.

    Attributes
    ----------
    role : str
        "raw" for the picture, "infrared" for a separate infrared file.
    sha256 : str
        Hexadecimal digest of the content.
    size_bytes : int
        Size of the file.
    name : str
        Path below the watch folder, or file name in the archive.
    """

    role: str
    sha256: str
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class Roll:
    """A roll of the archive: `<collection>/<box>/<roll>`."""

    collection: str
    box: str
    roll: str


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the queue.

    Attributes
    ----------
    frame : FrameId
        The frame, which names its place in the archive.
    outcome : JobOutcome or None
        Set only when `state` is FINISHED.
    source : str
        File or scanner that it came from, for people.
    request : CleanRequest
        How it is to be cleaned.
    deaths, interruptions, retries : int
        How many workers died on it, how often the service was interrupted, how often it was given back.
    error : str or None
        The last error.
    result : CleanResult or None
        What came of cleaning; None where the frame is not archived.
    """

    job_id: int
    frame: FrameId
    state: JobState
    outcome: JobOutcome | None
    source: str
    request: CleanRequest
    deaths: int
    interruptions: int
    retries: int
    error: str | None
    result: CleanResult | None
    created_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class Lease:
    """A frame that one worker holds; `owner` is the secret that tells this lease from later ones."""

    job: Job
    owner: str


def job_from_row(row: sqlite3.Row) -> Job:
    """Read a row of the table `frames`."""
    return Job(
        job_id=row["job_id"],
        frame=FrameId(row["collection"], row["box"], row["roll"], row["number"]),
        state=JobState(row["state"]),
        outcome=outcome_of(row["outcome"]),
        source=row["source"],
        request=CleanRequest.model_validate_json(row["request"]),
        deaths=row["deaths"],
        interruptions=row["interruptions"],
        retries=row["retries"],
        error=row["error"],
        result=None if row["result"] is None else CleanResult.model_validate_json(row["result"]),
        created_at=row["created_at"],
        finished_at=row["finished_at"],
    )


@dataclass(frozen=True, slots=True)
class HeldFrame:
    """A frame that a worker holds, as the supervisor sees it.

    Attributes
    ----------
    overdue_s : float
        Seconds since the lease ran out; negative while the lease holds.
    age_s : float
        Seconds since the worker took the frame.
    is_elsewhere : bool
        `worker` is a command that has the frame cleaned on a cluster.
    """

    job: Job
    worker: ProcessId
    overdue_s: float
    age_s: float
    is_elsewhere: bool


def held_frames(connection: sqlite3.Connection) -> list[HeldFrame]:
    """Return every frame that a worker holds."""
    now = time.monotonic()
    rows = connection.execute("SELECT * FROM frames WHERE state = 'processing'").fetchall()
    return [
        HeldFrame(
            job_from_row(row),
            ProcessId(row["lease_pid"], row["lease_born"]),
            now - row["lease_until"],
            now - row["taken_at"],
            row["lease_owner"].startswith(ELSEWHERE),
        )
        for row in rows
    ]


def unfinished_frames(connection: sqlite3.Connection) -> list[Job]:
    """Return every frame that has not finished."""
    return [
        job_from_row(row) for row in connection.execute("SELECT * FROM frames WHERE state != 'finished'").fetchall()
    ]


def count_frames(connection: sqlite3.Connection) -> dict[tuple[JobState, JobOutcome | None], int]:
    """Count the frames of each state and outcome."""
    older = schema_version(connection) < COUNTS_SCHEMA
    rows = connection.execute(_COUNT_ALL if older else _COUNT_BY_ROLLS).fetchall()
    return {(JobState(state), outcome_of(outcome)): count for state, outcome, count in rows if count}


def find_job(connection: sqlite3.Connection, job_id: int) -> Job | None:
    """Return one frame, None if there is no such row."""
    row = connection.execute("SELECT * FROM frames WHERE job_id = ?", (job_id,)).fetchone()
    return None if row is None else job_from_row(row)


def sources_of(connection: sqlite3.Connection, job_id: int) -> list[SourceFile]:
    """Return the source files of a frame, picture first."""
    rows = connection.execute(
        "SELECT role, sha256, size_bytes, name FROM sources WHERE job_id = ? ORDER BY role = 'infrared'", (job_id,)
    ).fetchall()
    return [SourceFile(*row) for row in rows]


def raw_sizes_bytes(connection: sqlite3.Connection, count: int) -> list[int]:
    """Return the size of the source files of each of the newest `count` frames, bytes."""
    rows = connection.execute(
        "SELECT sum(size_bytes) FROM sources GROUP BY job_id ORDER BY job_id DESC LIMIT ?", (count,)
    ).fetchall()
    return [int(row[0]) for row in rows]


def last_finished(connection: sqlite3.Connection, count: int) -> list[Job]:
    """Return the `count` frames that finished last, newest first."""
    rows = connection.execute(
        "SELECT * FROM frames WHERE state = 'finished' ORDER BY finished_at DESC, job_id DESC LIMIT ?", (count,)
    ).fetchall()
    return [job_from_row(row) for row in rows]


@dataclass(frozen=True, slots=True)
class FrameState:
    """Where one frame stands.

    Attributes
    ----------
    outcome, finished_at : JobOutcome and float, or None
        Set only when `state` is FINISHED.
    """

    job_id: int
    frame: FrameId
    state: JobState
    outcome: JobOutcome | None
    finished_at: float | None


_STATE_COLUMNS = "job_id, collection, box, roll, number, state, outcome, finished_at"


def unfinished_states(connection: sqlite3.Connection) -> list[FrameState]:
    """Return where every frame stands that has not finished."""
    # Named one by one: `!=` would read every row of a station with 200,000 finished frames.
    rows = connection.execute(
        f"SELECT {_STATE_COLUMNS} FROM frames WHERE state IN ('reserved', 'queued', 'processing')"
    )
    return [_state(row) for row in rows.fetchall()]


def states_of(connection: sqlite3.Connection, job_ids: Iterable[int], ended_since: float = inf) -> list[FrameState]:
    """Return where these rows of the queue stand, and what ended since a time; a row that is gone is left out."""
    rows = connection.execute(
        f"SELECT {_STATE_COLUMNS} FROM frames WHERE job_id IN (SELECT value FROM json_each(?))"
        " OR (state = 'finished' AND finished_at >= ?)",
        (json.dumps(list(job_ids)), ended_since),
    )
    return [_state(row) for row in rows.fetchall()]


def _state(row: sqlite3.Row) -> FrameState:
    frame = FrameId(row["collection"], row["box"], row["roll"], row["number"])
    return FrameState(row["job_id"], frame, JobState(row["state"]), outcome_of(row["outcome"]), row["finished_at"])


def outcome_of(stored: str | None) -> JobOutcome | None:
    """Return the outcome of a row, None if it has none."""
    return None if stored is None else JobOutcome(stored)


def find_frame(connection: sqlite3.Connection, frame: FrameId) -> Job | None:
    """Return the row of a frame, None where the station does not know it."""
    row = connection.execute(
        "SELECT * FROM frames WHERE collection = ? AND box = ? AND roll = ? AND number = ?",
        (frame.collection, frame.box, frame.roll, frame.number),
    ).fetchone()
    return None if row is None else job_from_row(row)
