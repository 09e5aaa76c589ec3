"""The durable queue of the station: one row per frame, with one state and one outcome.

    RESERVED -> QUEUED -> PROCESSING -> FINISHED        a reservation may be dropped; nothing else deletes a row
                  ^           |            |
                  +-----------+------------+            given back, taken from a dead worker, or retried by a technician

A worker holds a frame by a lease that it renews. Three events end a lease early, each with its own counter:

deaths          the worker died; after `MAX_DEATHS` the frame is set aside, because the frame may be the cause
interruptions   the service was interrupted; a power cut says nothing about the frame, but other frames go first
retries         the worker gave the frame back because a disk or a share failed (no space, not mounted)
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId, is_alive
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.core.retry import MAX_BACKOFF_S
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import ELSEWHERE, IS_FROZEN, Job, Lease, Roll, SourceFile, job_from_row

MAX_DEATHS = 3
_AGAIN = (
    "state = 'queued', outcome = NULL, error = NULL, result = NULL, finished_at = NULL, deaths = 0, interruptions = 0,"
    " retries = 0, not_before = 0"
)
_NO_LEASE = "lease_owner = NULL, lease_pid = NULL, lease_born = NULL, lease_until = NULL"


class QueueError(DaemonError):
    """The queue refused a change."""


class DuplicateSourceError(QueueError):
    """The picture is in the archive already.

    Attributes
    ----------
    job_id : int
        Row of the frame that has the picture.
    frame : FrameId
        That frame.
    """

    def __init__(self, job_id: int, frame: FrameId) -> None:
        super().__init__(f"the same picture is already in the archive as {frame}")
        self.job_id = job_id
        self.frame = frame


class LeaseLostError(QueueError):
    """The frame was taken away from this worker; its result does not count."""


class WrongStateError(QueueError):
    """The frame's state does not allow this change."""


class Queue:
    """The transitions of frames in the queue; each method is one transaction.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    clock : callable
        Returns the time, seconds since the epoch.
    clock_s : callable
        Returns seconds of a clock that nobody sets, the same in every process: pauses are measured by it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Callable[[], float] = time.time,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._clock_s = clock_s

    def reserve(
        self,
        roll: Roll,
        at_least: int,
        sources: Sequence[SourceFile],
        request: CleanRequest,
        *,
        instead_of: int | None = None,
    ) -> Job:
        """Reserve the next frame number of a roll for a new picture.

        Parameters
        ----------
        roll : Roll
            The roll that the frame goes into.
        at_least : int
            Lowest number that is free in the archive, from 1.
        sources : sequence of SourceFile
            The picture, then its infrared file if it has one.
        request : CleanRequest
            How the frame is to be cleaned.
        instead_of : int, optional
            Row of a frame that had the picture and that is gone from the archive; it loses its sources.

        Raises
        ------
        DuplicateSourceError
            Another frame with the same picture exists.
        """
        with transaction(self._connection):
            if instead_of is not None:
                self._connection.execute("DELETE FROM sources WHERE job_id = ?", (instead_of,))
            self._refuse_duplicate(sources[0].sha256)
            job = self._one(
                "INSERT INTO frames (collection, box, roll, number, state, request, source, created_at)"
                " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?) RETURNING *",
                roll.collection,
                roll.box,
                roll.roll,
                max(at_least, self._highest(roll) + 1),
                request.model_dump_json(),
                sources[0].name,
                self._clock(),
            )
            self._connection.executemany(
                "INSERT INTO sources (job_id, role, sha256, size_bytes, name) VALUES (?, ?, ?, ?, ?)",
                [(job.job_id, source.role, source.sha256, source.size_bytes, source.name) for source in sources],
            )
        return job

    def reserve_number(self, frame: FrameId, source: str, request: CleanRequest) -> Job | None:
        """Reserve one number of a roll for a frame that is about to be scanned; None if the number is taken."""
        with transaction(self._connection):
            return self._maybe(
                "INSERT OR IGNORE INTO frames (collection, box, roll, number, state, request, source, created_at)"
                " VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?) RETURNING *",
                frame.collection,
                frame.box,
                frame.roll,
                frame.number,
                request.model_dump_json(),
                source,
                self._clock(),
            )

    def renumber(self, job: Job, at_least: int) -> Job:
        """Give a reserved frame the next number of its roll from `at_least` on."""
        frame = job.frame
        with transaction(self._connection):
            highest = self._highest(Roll(frame.collection, frame.box, frame.roll))
            return self._move(
                "UPDATE frames SET number = ? WHERE job_id = ? AND state = 'reserved' RETURNING *",
                max(at_least, highest + 1),
                job.job_id,
            )

    def drop(self, job_id: int) -> None:
        """Drop a reservation whose picture does not come; its number becomes free again."""
        with transaction(self._connection):
            dropped = self._connection.execute("DELETE FROM frames WHERE job_id = ? AND state = 'reserved'", (job_id,))
            if dropped.rowcount != 1:
                raise WrongStateError(f"frame {job_id}: expected state reserved")

    def enqueue(self, job_id: int, request: CleanRequest) -> Job:
        """Queue a reserved frame whose raw files are in the archive."""
        return self._move(
            "UPDATE frames SET state = 'queued', request = ? WHERE job_id = ? AND state = 'reserved' RETURNING *",
            request.model_dump_json(),
            job_id,
        )

    def retry(self, job_id: int, request: CleanRequest | None = None) -> Job:
        """Queue a finished frame again, with all counters at 0 and, if given, another request."""
        return self._move(
            f"UPDATE frames SET {_AGAIN}, request = coalesce(?, request)"
            " WHERE job_id = ? AND state = 'finished' RETURNING *",
            None if request is None else request.model_dump_json(),
            job_id,
        )

    def retry_all(self, job_ids: Iterable[int], changes: Mapping[str, object]) -> set[int]:
        """Queue finished frames again, as `retry` does; return the rows that were finished.

        Parameters
        ----------
        changes : mapping
            Fields of the requests that change, by name.
        """
        with transaction(self._connection):
            rows = self._connection.execute(
                f"UPDATE frames SET {_AGAIN}, request = json_patch(request, ?)"
                " WHERE job_id IN (SELECT value FROM json_each(?)) AND state = 'finished' RETURNING job_id",
                (json.dumps(dict(changes)), json.dumps(list(job_ids))),
            ).fetchall()
        return {row["job_id"] for row in rows}

    def hold(self, job_ids: Iterable[int], holder: ProcessId) -> list[Lease]:
        """Lease queued frames to a command that has them cleaned on other machines, for as long as it lives.

        Returns
        -------
        list of Lease
            The frames that were queued; workers of this machine hold the others, or their roll is frozen.
        """
        owner = f"{ELSEWHERE}{uuid.uuid4().hex}"
        with transaction(self._connection):
            rows = self._connection.execute(
                "UPDATE frames SET state = 'processing', lease_owner = ?, lease_pid = ?, lease_born = ?,"
                " lease_until = ?, taken_at = ?"
                " WHERE job_id IN (SELECT value FROM json_each(?)) AND state = 'queued'"
                f" AND NOT {IS_FROZEN} RETURNING *",
                (owner, *holder, math.inf, time.monotonic(), json.dumps(list(job_ids))),
            ).fetchall()
        return [Lease(job_from_row(row), owner) for row in rows]

    def release_of_dead_commands(self) -> int:
        """Queue what commands held that died (see `hold`); return the number of these commands."""
        rows = self._connection.execute(
            "SELECT DISTINCT lease_pid, lease_born FROM frames WHERE state = 'processing' AND lease_owner GLOB ?",
            (f"{ELSEWHERE}*",),
        ).fetchall()
        dead = [holder for row in rows if not is_alive(holder := ProcessId(*row))]
        for holder in dead:
            self.release(holder, interrupted=False)
        return len(dead)

    def add_source(self, job_id: int, source: SourceFile) -> None:
        """Note a source file that came later; it replaces one of the same role."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO sources (job_id, role, sha256, size_bytes, name) VALUES (?, ?, ?, ?, ?)",
                (job_id, source.role, source.sha256, source.size_bytes, source.name),
            )

    def take(self, worker: ProcessId, lease_s: float) -> Lease | None:
        """Lease the next due frame to a worker; None if none is due.

        Frames with fewer deaths come first, then those with fewer interruptions, then older ones. Frames of a roll that
        is frozen wait.
        """
        owner = uuid.uuid4().hex
        now_s = self._clock_s()
        with transaction(self._connection):
            job = self._maybe(
                "UPDATE frames SET state = 'processing', lease_owner = ?, lease_pid = ?, lease_born = ?,"
                " lease_until = ?, taken_at = ? WHERE job_id = (SELECT job_id FROM frames WHERE state = 'queued'"
                f" AND (not_before <= ? OR not_before > ?) AND NOT {IS_FROZEN}"
                " ORDER BY deaths, interruptions, job_id LIMIT 1) RETURNING *",
                owner,
                worker.pid,
                worker.born,
                time.monotonic() + lease_s,
                time.monotonic(),
                now_s,
                # A later time than that was written before the machine started, when its clock began anew.
                now_s + MAX_BACKOFF_S,
            )
        return None if job is None else Lease(job, owner)

    def heartbeat(self, lease: Lease, lease_s: float) -> None:
        """Renew a lease for `lease_s` seconds.

        Raises
        ------
        LeaseLostError
            The frame was taken away.
        """
        self._held("UPDATE frames SET lease_until = ?", lease, time.monotonic() + lease_s)

    def finish(self, lease: Lease, result: CleanResult) -> Job:
        """Finish a frame that is complete in the archive."""
        return self._held(
            "UPDATE frames SET state = 'finished', outcome = 'archived', error = NULL, result = ?, finished_at = ?, "
            + _NO_LEASE,
            lease,
            result.model_dump_json(),
            self._clock(),
        )

    def fail(self, lease: Lease, error: str) -> Job:
        """Finish a frame that cannot be cleaned; its raw files stay."""
        return self._held(
            f"UPDATE frames SET state = 'finished', outcome = 'failed', error = ?, finished_at = ?, {_NO_LEASE}",
            lease,
            error,
            self._clock(),
        )

    def give_back(self, lease: Lease, error: str | None = None, delay_s: float = 0.0) -> Job:
        """Queue a leased frame again after `delay_s` seconds, because a disk or a share failed."""
        return self._held(
            "UPDATE frames SET state = 'queued', error = coalesce(?, error), retries = retries + ?, not_before = ?, "
            + _NO_LEASE,
            lease,
            error,
            int(error is not None),
            self._clock_s() + delay_s,
        )

    def bury(self, worker: ProcessId, error: str) -> Job | None:
        """Queue the frame of a dead worker again, or set it aside after `MAX_DEATHS` deaths.

        Parameters
        ----------
        worker : ProcessId
            The worker; it has to be dead.
        error : str
            How it died.

        Returns
        -------
        Job or None
            The frame that it held; None if it held none.
        """
        with transaction(self._connection):
            return self._maybe(
                "UPDATE frames SET deaths = deaths + 1, error = ?1,"
                " state = iif(deaths + 1 >= ?2, 'finished', 'queued'),"
                " outcome = iif(deaths + 1 >= ?2, 'set_aside', NULL),"
                f" finished_at = iif(deaths + 1 >= ?2, ?3, NULL), {_NO_LEASE}"
                " WHERE state = 'processing' AND lease_pid = ?4 AND lease_born = ?5 RETURNING *",
                error,
                MAX_DEATHS,
                self._clock(),
                worker.pid,
                worker.born,
            )

    def release(self, worker: ProcessId, *, interrupted: bool) -> Job | None:
        """Queue what a stopped worker or command held; `interrupted` counts as an interruption of the service."""
        with transaction(self._connection):
            return self._maybe(
                f"UPDATE frames SET state = 'queued', interruptions = interruptions + ?, {_NO_LEASE}"
                " WHERE state = 'processing' AND lease_pid = ? AND lease_born = ? RETURNING *",
                int(interrupted),
                worker.pid,
                worker.born,
            )

    def _refuse_duplicate(self, sha256: str) -> None:
        known = self._maybe(
            "SELECT frames.* FROM frames JOIN sources USING (job_id) WHERE sources.sha256 = ? AND sources.role = 'raw'",
            sha256,
        )
        if known is not None:
            raise DuplicateSourceError(known.job_id, known.frame)

    def _highest(self, roll: Roll) -> int:
        taken = self._connection.execute(
            "SELECT max(number) FROM frames WHERE collection = ? AND box = ? AND roll = ?",
            (roll.collection, roll.box, roll.roll),
        ).fetchone()[0]
        return int(taken or 0)

    def _move(self, statement: str, *values: object) -> Job:
        with transaction(self._connection):
            job = self._maybe(statement, *values)
        if job is None:
            raise WrongStateError(f"frame {values[-1]}: its state does not allow this, or it does not exist")
        return job

    def _held(self, statement: str, lease: Lease, *values: object) -> Job:
        with transaction(self._connection):
            job = self._maybe(
                f"{statement} WHERE job_id = ? AND lease_owner = ? RETURNING *", *values, lease.job.job_id, lease.owner
            )
        if job is None:
            raise LeaseLostError(f"{lease.job.frame}: the lease was taken away")
        return job

    def _one(self, statement: str, *values: object) -> Job:
        job = self._maybe(statement, *values)
        assert job is not None
        return job

    def _maybe(self, statement: str, *values: object) -> Job | None:
        # fetchall: SQLite commits only after a statement has returned all its rows.
        rows = self._connection.execute(statement, values).fetchall()
        return job_from_row(rows[0]) if rows else None
