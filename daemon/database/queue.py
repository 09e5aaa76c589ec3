"""The durable queue of the station: one row a frame, with one state and one outcome.

    RESERVED -> QUEUED -> PROCESSING -> FINISHED        a reservation may be dropped; nothing else deletes a row
                  ^           |            |
                  +-----------+------------+            given back, taken from a dead worker, or retried by a technician

A worker holds a frame by a lease that it renews. Three different things end a lease early, and they are counted apart:
the *worker died* (after `MAX_DEATHS` the frame is set aside, for it may well be what kills them), the *service was
interrupted* (a power cut says nothing about the frame, but the others go first), or the frame was *given back* because
the world was in the way (no space, no share).
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.core.retry import MAX_BACKOFF_S
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, Lease, Roll, SourceFile, job_from_row

MAX_DEATHS = 3
_NO_LEASE = "lease_owner = NULL, lease_pid = NULL, lease_born = NULL, lease_until = NULL"


class QueueError(DaemonError):
    """The queue refused what was asked."""


class DuplicateSourceError(QueueError):
    """The picture is in the archive already."""

    def __init__(self, job_id: int, frame: FrameId) -> None:
        super().__init__(f"the same picture is already in the archive as {frame}")
        self.job_id = job_id
        self.frame = frame


class LeaseLostError(QueueError):
    """The frame was taken away from this worker; whatever it made does not count."""


class WrongStateError(QueueError):
    """The frame is in a state that does not allow this."""


class Queue:
    """Every way in which a frame moves through the queue; each is one transaction."""

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._clock = clock

    def reserve(self, roll: Roll, at_least: int, sources: Sequence[SourceFile], request: CleanRequest) -> Job:
        """Reserve the next frame number of a roll for a picture that was never seen before.

        Parameters
        ----------
        roll : Roll
            Where the frame belongs.
        at_least : int
            The next number that is free in the archive.
        sources : sequence of SourceFile
            The picture first, then its infrared half if it has one.
        request : CleanRequest
            How the frame is to be cleaned.

        Raises
        ------
        DuplicateSourceError
            If a frame with the same picture exists.
        """
        with transaction(self._connection):
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
        """Reserve exactly this number of a roll for a frame that is about to be scanned; None where it is taken."""
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
        """Drop a reservation whose picture turned out not to come; its number becomes free again."""
        with transaction(self._connection):
            dropped = self._connection.execute("DELETE FROM frames WHERE job_id = ? AND state = 'reserved'", (job_id,))
            if dropped.rowcount != 1:
                raise WrongStateError(f"frame {job_id}: expected state reserved")

    def enqueue(self, job_id: int, request: CleanRequest) -> Job:
        """Put a reserved frame, whose raw files are now safe in the archive, in line."""
        return self._move(
            "UPDATE frames SET state = 'queued', request = ? WHERE job_id = ? AND state = 'reserved' RETURNING *",
            request.model_dump_json(),
            job_id,
        )

    def retry(self, job_id: int, request: CleanRequest | None = None) -> Job:
        """Put a finished frame in line again, with a clean slate and, where given, with another request."""
        return self._move(
            "UPDATE frames SET state = 'queued', outcome = NULL, error = NULL, result = NULL, finished_at = NULL,"
            " deaths = 0, interruptions = 0, retries = 0, not_before = 0, request = coalesce(?, request)"
            " WHERE job_id = ? AND state = 'finished' RETURNING *",
            None if request is None else request.model_dump_json(),
            job_id,
        )

    def add_source(self, job_id: int, source: SourceFile) -> None:
        """Note a file that came after its frame; one of the same role takes its place."""
        with transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO sources (job_id, role, sha256, size_bytes, name) VALUES (?, ?, ?, ?, ?)",
                (job_id, source.role, source.sha256, source.size_bytes, source.name),
            )

    def take(self, worker: ProcessId, lease_s: float) -> Lease | None:
        """Take the next frame in line, or None where nothing is due."""
        owner = uuid.uuid4().hex
        now = self._clock()
        with transaction(self._connection):
            job = self._maybe(
                "UPDATE frames SET state = 'processing', lease_owner = ?, lease_pid = ?, lease_born = ?,"
                " lease_until = ?, taken_at = ? WHERE job_id = (SELECT job_id FROM frames WHERE state = 'queued'"
                " AND (not_before <= ? OR not_before > ?) ORDER BY deaths, interruptions, job_id LIMIT 1) RETURNING *",
                owner,
                worker.pid,
                worker.born,
                time.monotonic() + lease_s,
                time.monotonic(),
                now,
                now + MAX_BACKOFF_S,
            )
        return None if job is None else Lease(job, owner)

    def heartbeat(self, lease: Lease, lease_s: float) -> None:
        """Renew a lease.

        Raises
        ------
        LeaseLostError
            If the frame was taken away.
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
        """Finish a frame that cannot be cleaned, whatever is tried; its raw files stay."""
        return self._held(
            f"UPDATE frames SET state = 'finished', outcome = 'failed', error = ?, finished_at = ?, {_NO_LEASE}",
            lease,
            error,
            self._clock(),
        )

    def give_back(self, lease: Lease, error: str | None = None, delay_s: float = 0.0) -> Job:
        """Give a frame back that the world kept from being finished; never counted against the frame."""
        return self._held(
            "UPDATE frames SET state = 'queued', error = coalesce(?, error), retries = retries + ?, not_before = ?, "
            + _NO_LEASE,
            lease,
            error,
            int(error is not None),
            self._clock() + delay_s,
        )

    def bury(self, worker: ProcessId, error: str) -> Job | None:
        """Take the frame of a dead worker up again, or set it aside when it has killed too many.

        Parameters
        ----------
        worker : ProcessId
            The worker that is certainly dead.
        error : str
            How it died.

        Returns
        -------
        Job or None
            The frame it held; None where it held none.
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
        """Take the frame of a worker up again that was stopped through no fault of the frame."""
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
        # fetchall, for only a statement that has run out lets SQLite commit.
        rows = self._connection.execute(statement, values).fetchall()
        return job_from_row(rows[0]) if rows else None
