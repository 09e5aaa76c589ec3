"""Scanning sessions in the station's database; each change is one transaction."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.frame_id import MAX_NUMBER, FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, Roll, SourceFile, job_from_row
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.session_records import (
    HALTED,
    NEXT_STATES,
    FinishReason,
    ScanPlan,
    Session,
    SessionFrame,
    SessionState,
    Taken,
    Wish,
    frame_from_row,
    session_from_row,
)

IsFree = Callable[[FrameId], bool]

# First schema with sessions: a station whose database is older has never scanned.
SESSIONS_SCHEMA = 2


class SessionError(DaemonError):
    """A session does not exist, or its state does not allow the change."""


class NoSuchSessionError(SessionError):
    """There is no session of this number."""


class Sessions:
    """The tables of sessions and of their frames.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._queue = Queue(connection, clock)
        self._clock = clock

    def add(self, plan: ScanPlan) -> Session:
        """Add a session; it starts when its scanner is free."""
        now = self._clock()
        statement = "INSERT INTO sessions (plan, state, created_at, changed_at) VALUES (?, 'idle', ?, ?) RETURNING *"
        return self._one(statement, plan.model_dump_json(), now, now)

    def find(self, session_id: int) -> Session:
        """Return a session.

        Raises
        ------
        SessionError
            There is no session of this number.
        """
        return self._one("SELECT * FROM sessions WHERE session_id = ?", session_id)

    def unfinished(self) -> list[Session]:
        """Return every session that has not finished, oldest first."""
        rows = self._connection.execute("SELECT * FROM sessions WHERE state != 'finished' ORDER BY session_id")
        return [session_from_row(row) for row in rows.fetchall()]

    def newest(self, count: int) -> list[Session]:
        """Return the newest sessions, newest first."""
        rows = self._connection.execute("SELECT * FROM sessions ORDER BY session_id DESC LIMIT ?", (count,))
        return [session_from_row(row) for row in rows.fetchall()]

    def untold(self, target: str) -> list[Session]:
        """Return the sessions that are over, and whose end a target of notifications was not told, oldest first."""
        rows = self._connection.execute(
            "SELECT sessions.* FROM notify_targets JOIN sessions ON finished_at >= known_at"
            " WHERE target = ?1 AND NOT EXISTS (SELECT 1 FROM told_sessions AS told"
            "  WHERE told.target = ?1 AND told.session_id = sessions.session_id) ORDER BY finished_at",
            (target,),
        )
        return [session_from_row(row) for row in rows.fetchall()]

    def frames(self, session_id: int) -> list[SessionFrame]:
        """Return the frames of a session, in the order of the magazine."""
        rows = self._connection.execute(
            "SELECT * FROM session_frames WHERE session_id = ? ORDER BY position", (session_id,)
        )
        return [frame_from_row(row) for row in rows.fetchall()]

    def frames_with_jobs(self, session_id: int) -> list[tuple[SessionFrame, Job | None]]:
        """Return the frames of a session with their rows in the queue, None where the slide was lost."""
        rows = self._connection.execute(
            "SELECT frames.* FROM session_frames JOIN frames USING (job_id) WHERE session_id = ?", (session_id,)
        )
        jobs = {row["job_id"]: job_from_row(row) for row in rows.fetchall()}
        return [(frame, jobs.get(frame.job_id or 0)) for frame in self.frames(session_id)]

    def move(self, session_id: int, state: SessionState, message: str = "", advice: str = "") -> Session:
        """Move a session to its next state, or keep the state and change the message and the advice.

        Raises
        ------
        SessionError
            `state` is not among `NEXT_STATES` of the session's state.
        """
        with transaction(self._connection):
            session = self.find(session_id)
            if state is not session.state and state not in NEXT_STATES[session.state]:
                raise SessionError(f"session {session_id} is {session.state} and cannot become {state}")
            return self._one(
                "UPDATE sessions SET state = ?, message = ?, advice = ?, fraction = 0, changed_at = ?"
                " WHERE session_id = ? RETURNING *",
                state,
                message,
                advice,
                self._clock(),
                session_id,
            )

    def finish(self, session_id: int, reason: FinishReason, message: str = "", advice: str = "") -> Session:
        """End a session; the number that was reserved for the next slide becomes free again."""
        with transaction(self._connection):
            if SessionState.FINISHED not in NEXT_STATES[self.find(session_id).state]:
                raise SessionError(f"session {session_id} is over already")
            for frame in self.frames(session_id):
                if frame.taken is Taken.RESERVED and frame.job_id is not None:
                    self._queue.drop(frame.job_id)
            self._connection.execute(
                "DELETE FROM session_frames WHERE session_id = ? AND taken = 'reserved'", (session_id,)
            )
            now = self._clock()
            return self._one(
                "UPDATE sessions SET state = 'finished', reason = ?, message = ?, advice = ?, wish = NULL,"
                " fraction = 0, changed_at = ?, finished_at = ? WHERE session_id = ? RETURNING *",
                reason,
                message,
                advice,
                now,
                now,
                session_id,
            )

    def ask(self, session_id: int, wish: Wish) -> Session:
        """Request something of a session; the session reads the request between two frames.

        Raises
        ------
        SessionError
            The session is over, or there is no session of this number.
        """
        with transaction(self._connection):
            session = self.find(session_id)
            if session.state is SessionState.FINISHED:
                raise SessionError(f"session {session_id} is over ({session.reason}): nothing to {wish}")
            return self._one("UPDATE sessions SET wish = ? WHERE session_id = ? RETURNING *", wish, session_id)

    def ask_to_skip(self, session_id: int) -> Session:
        """Tell a halted session to go on without the slide that halted it.

        Raises
        ------
        SessionError
            The session is not halted at a slide, or there is no session of this number.
        """
        with transaction(self._connection):
            session, frames = self.find(session_id), self.frames(session_id)
            if session.state not in HALTED or not frames or frames[-1].taken is not Taken.RESERVED:
                raise SessionError(f"session {session_id} is {session.state} and waits at no slide: nothing to skip")
            return self._one(
                "UPDATE sessions SET wish = 'resume', skip = 1 WHERE session_id = ? RETURNING *", session_id
            )

    def hear_skip(self, session_id: int) -> bool:
        """Return whether the slide that halted a session is to be skipped, and clear the request."""
        with transaction(self._connection):
            told = self._connection.execute(
                "UPDATE sessions SET skip = 0 WHERE session_id = ? AND skip = 1", (session_id,)
            )
        return told.rowcount == 1

    def hear(self, session_id: int) -> Wish | None:
        """Return the request to the session and clear it; only a cancel stays until the session is over."""
        wish = self.find(session_id).wish
        if wish in (Wish.PAUSE, Wish.RESUME):
            with transaction(self._connection):
                self._connection.execute(
                    "UPDATE sessions SET wish = NULL WHERE session_id = ? AND wish = ?", (session_id, wish)
                )
        return wish

    def hear_halted(self, session_id: int) -> Wish | None:
        """Return the request to a halted session and clear it; a resume moves the session to WARMING."""
        with transaction(self._connection):
            wish = self.hear(session_id)
            if wish is Wish.RESUME:
                self.move(session_id, SessionState.WARMING)
        return wish

    def note_progress(self, session_id: int, fraction: float) -> None:
        """Note which fraction (0..1) of the current frame has been read."""
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE sessions SET fraction = ? WHERE session_id = ? AND state = 'scanning'", (fraction, session_id)
            )

    def reserve(self, session: Session, is_free: IsFree, request: CleanRequest) -> SessionFrame:
        """Reserve the number of the next slide, or return the current reservation.

        Parameters
        ----------
        session : Session
            The session.
        is_free : callable
            Returns whether the number is free in the archive, or takes it there (`Archive.reserve`).
        request : CleanRequest
            How the frame is to be cleaned.
        """
        with transaction(self._connection):
            frames = self.frames(session.session_id)
            if frames and frames[-1].taken is Taken.RESERVED:
                return frames[-1]
            number = frames[-1].number + 1 if frames else session.plan.first_number
            number, job_id = self._free_number(session.plan, number, is_free, request)
            row = self._connection.execute(
                "INSERT INTO session_frames (session_id, position, number, taken, job_id)"
                " VALUES (?, ?, ?, 'reserved', ?) RETURNING *",
                (session.session_id, session.plan.position(len(frames)), number, job_id),
            ).fetchall()[0]
        return frame_from_row(row)

    def note_capture(self, frame: SessionFrame, request: CleanRequest) -> None:
        """Store how a frame was captured before its files are stored: the files do not hold all of it."""
        with transaction(self._connection):
            self._connection.execute(
                "UPDATE frames SET request = ? WHERE job_id = ? AND state = 'reserved'",
                (request.model_dump_json(), frame.job_id),
            )

    def keep(self, session_id: int, frame: SessionFrame, sources: list[SourceFile], request: CleanRequest) -> None:
        """Queue a frame whose raw files are in the archive, and note it as captured."""
        assert frame.job_id is not None
        with transaction(self._connection):
            for source in sources:
                self._queue.add_source(frame.job_id, source)
            self._queue.enqueue(frame.job_id, request)
            self._connection.execute(
                "UPDATE session_frames SET taken = 'captured', flags = ? WHERE session_id = ? AND position = ?",
                (" ".join(request.flags), session_id, frame.position),
            )

    def lose(self, session_id: int, frame: SessionFrame, error: str) -> None:
        """Note a slide as lost that the scanner has moved past; its number stays empty on the roll."""
        with transaction(self._connection):
            if frame.job_id is not None:
                self._queue.drop(frame.job_id)
            self._connection.execute(
                "UPDATE session_frames SET taken = 'lost', error = ?, job_id = NULL"
                " WHERE session_id = ? AND position = ?",
                (error, session_id, frame.position),
            )

    def at_this_position(self, session: Session, position: int) -> list[int]:
        """Return the numbers of the roll's frames that other sessions captured from a position of strip or holder."""
        rows = self._connection.execute(
            "SELECT frames.number FROM session_frames JOIN frames USING (job_id)"
            " WHERE session_id != ? AND position = ? AND collection = ? AND box = ? AND roll = ? AND taken = 'captured'"
            " ORDER BY frames.number",
            (session.session_id, position, session.plan.collection, session.plan.box, session.plan.roll),
        )
        return [row["number"] for row in rows.fetchall()]

    def _free_number(self, plan: ScanPlan, number: int, is_free: IsFree, request: CleanRequest) -> tuple[int, int]:
        while number <= MAX_NUMBER:
            frame = plan.frame(number)
            job = self._queue.reserve_number(frame, f"scanner {plan.device}", request)
            # The row first: a folder must not be made for a number that a watch folder is about to use.
            if job is not None and is_free(frame):
                return number, job.job_id
            if job is not None:
                self._queue.drop(job.job_id)
            # A watch folder may fill the same roll at the same time.
            number += 1
        raise SessionError(f"{plan.collection}/{plan.box}/{plan.roll}: no frame number up to {MAX_NUMBER} is free")

    def _one(self, statement: str, *values: object) -> Session:
        # fetchall: SQLite commits only after a statement has returned all its rows.
        rows = self._connection.execute(statement, values).fetchall()
        if not rows:
            raise NoSuchSessionError(f"there is no session {values[-1]}")
        return session_from_row(rows[0])


def highest_number(connection: sqlite3.Connection, place: Roll) -> int:
    """Return the highest frame number of a roll in the database, 0 if it has none."""
    taken = connection.execute(
        "SELECT max(number) FROM frames WHERE collection = ? AND box = ? AND roll = ?",
        (place.collection, place.box, place.roll),
    ).fetchone()[0]
    return int(taken or 0)
