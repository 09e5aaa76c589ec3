"""What came of a scanning session, frame by frame."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.database.frames import JobState, Outcome
from filmscand.daemon.database.session_records import FinishReason, Session, SessionState, Taken
from filmscand.daemon.database.sessions import Sessions


@dataclass(frozen=True, slots=True)
class ScannedFrame:
    """One slide of a session.

    Attributes
    ----------
    frame : str
        Its name in the archive, kept free where the slide was lost.
    state : str or None
        Where it stands in line for cleaning; None where it was lost.
    flags, warnings : tuple of str
        Reason codes of what the picture says of the scanner, and of what cleaning met.
    """

    position: int
    frame: str
    taken: Taken
    state: JobState | None
    outcome: Outcome | None
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    leakage: float | None
    threshold: float | None
    defects: int | None
    error: str

    @property
    def settled(self) -> bool:
        """Whether nothing more will become of it."""
        return self.taken is Taken.LOST or self.state is JobState.FINISHED

    @property
    def good(self) -> bool:
        """Whether it lies cleaned in the archive."""
        return self.outcome is Outcome.ARCHIVED


@dataclass(frozen=True, slots=True)
class ScanReport:
    """A session and its frames."""

    session: Session
    frames: tuple[ScannedFrame, ...]

    @property
    def captured(self) -> int:
        """How many slides lie in the archive as captured."""
        return sum(frame.taken is Taken.CAPTURED for frame in self.frames)

    @property
    def cleaned(self) -> int:
        """How many are finished."""
        return sum(frame.taken is Taken.CAPTURED and frame.settled for frame in self.frames)

    @property
    def done(self) -> bool:
        """Whether the session is over and all that it captured is cleaned."""
        return self.session.state is SessionState.FINISHED and all(frame.settled for frame in self.frames)

    @property
    def exit_status(self) -> Exit:
        """The exit status that tells how it went."""
        session = self.session
        if session.state is SessionState.ATTENTION or session.reason is FinishReason.FAILED:
            return Exit.SCANNER
        asked = session.plan.frames or len(self.frames)
        good = sum(frame.good for frame in self.frames)
        whole = self.done and session.reason is not FinishReason.CANCELLED and good >= max(asked, len(self.frames))
        return Exit.DONE if whole else Exit.PART_FAILED

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        session = self.session
        return {
            "session": session.session_id,
            "state": session.state,
            "reason": session.reason,
            "message": session.message,
            "advice": session.advice,
            "plan": session.plan.model_dump(mode="json"),
            "captured": self.captured,
            "cleaned": self.cleaned,
            "lost": sum(frame.taken is Taken.LOST for frame in self.frames),
            "frames": [dataclasses.asdict(frame) for frame in self.frames],
        }


def report_of(connection: sqlite3.Connection, session_id: int) -> ScanReport:
    """Return what came of a session up to now.

    Raises
    ------
    SessionError
        If there is none of this number.
    """
    session = Sessions(connection).find(session_id)
    rows = connection.execute(
        "SELECT session_frames.*, frames.state, frames.outcome, frames.result, frames.error AS job_error"
        " FROM session_frames LEFT JOIN frames USING (job_id) WHERE session_id = ? ORDER BY position",
        (session_id,),
    ).fetchall()
    return ScanReport(session, tuple(_scanned(session, row) for row in rows))


def _scanned(session: Session, row: sqlite3.Row) -> ScannedFrame:
    result = json.loads(row["result"] or "{}")
    report = result.get("report", {})
    return ScannedFrame(
        position=row["position"],
        frame=str(session.plan.frame(row["number"])),
        taken=Taken(row["taken"]),
        state=None if row["state"] is None else JobState(row["state"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        flags=tuple(row["flags"].split()),
        warnings=tuple(result.get("warnings", ())),
        leakage=report.get("leakage", {}).get("red"),
        threshold=report.get("threshold"),
        defects=report.get("defects_found"),
        error=row["error"] or row["job_error"] or "",
    )
