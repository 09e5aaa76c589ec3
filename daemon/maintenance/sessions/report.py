"""The report of a scanning session, frame by frame."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.request import ReportRecord
from filmscand.daemon.database.frames import Job, JobOutcome, JobState
from filmscand.daemon.database.session_records import (
    HALTED,
    FinishReason,
    ScanPlan,
    Session,
    SessionFrame,
    SessionState,
    Taken,
)
from filmscand.daemon.database.sessions import Sessions


@dataclass(frozen=True, slots=True)
class ScannedFrame:
    """One slide of a session.

    Attributes
    ----------
    position : int
        Place of the slide in the magazine, from 1.
    frame : str
        Frame as `collection/box/roll_0007`; its number stays unused if the slide was lost.
    number : int
        Number of the frame on the roll.
    taken : Taken
        Whether the slide is reserved, captured or lost.
    state : JobState or None
        State of the frame in the queue; None if the slide was lost.
    outcome : Outcome or None
        How the frame finished.
    flags, warnings : tuple of str
        Reason codes of faults of the scanner that the picture shows, and of warnings while cleaning.
    leakage : float or None
        Slope of infrared density on red density.
    threshold : float or None
        Infrared density above which a region counts as a defect.
    defects : int or None
        Number of defects found.
    error : str
        Why the slide was lost, or why cleaning failed.
    """

    position: int
    frame: str
    number: int
    taken: Taken
    state: JobState | None
    outcome: JobOutcome | None
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    leakage: float | None
    threshold: float | None
    defects: int | None
    error: str

    @property
    def settled(self) -> bool:
        """Whether the frame is finished or the slide lost."""
        return self.taken is Taken.LOST or self.state is JobState.FINISHED

    @property
    def good(self) -> bool:
        """Whether the frame is archived and cleaned."""
        return self.outcome is JobOutcome.ARCHIVED


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """A session and its frames, for a program; the fields are described in docs/reference/command-line.md."""

    session: int
    state: SessionState
    reason: FinishReason | None
    message: str
    advice: str
    plan: ScanPlan
    captured: int
    cleaned: int
    lost: int
    next_number: int | None
    frames: tuple[ScannedFrame, ...]


@dataclass(frozen=True, slots=True)
class ScanReport:
    """A session and its frames."""

    session: Session
    frames: tuple[ScannedFrame, ...]

    @property
    def captured(self) -> int:
        """Number of slides whose raw frame is in the archive."""
        return sum(frame.taken is Taken.CAPTURED for frame in self.frames)

    @property
    def cleaned(self) -> int:
        """Number of captured slides that are finished."""
        return sum(frame.taken is Taken.CAPTURED and frame.settled for frame in self.frames)

    @property
    def done(self) -> bool:
        """Whether the session is over, and every captured frame is finished."""
        return self.session.state is SessionState.FINISHED and all(frame.settled for frame in self.frames)

    @property
    def waits_at_slide(self) -> bool:
        """Whether the session is halted at a slide, which can be skipped."""
        return self.session.state in HALTED and bool(self.frames) and self.frames[-1].taken is Taken.RESERVED

    @property
    def exit_status(self) -> Exit:
        """The exit status of the command that followed the session."""
        session = self.session
        if session.state is SessionState.ATTENTION or session.reason is FinishReason.FAILED:
            return Exit.SCANNER
        expected = session.plan.frames or len(self.frames)
        good = sum(frame.good for frame in self.frames)
        whole = self.done and session.reason is not FinishReason.CANCELLED and good >= max(expected, len(self.frames))
        return Exit.DONE if whole else Exit.PART_FAILED

    @property
    def next_number(self) -> int | None:
        """Number on the roll of the slide that is scanned now or next; None once the session is over."""
        if self.session.state is SessionState.FINISHED:
            return None
        if not self.frames:
            return self.session.plan.first_number
        last = self.frames[-1]
        return last.number if last.taken is Taken.RESERVED else last.number + 1

    def summary(self) -> ScanSummary:
        """Return what `filmscand scan --json` prints."""
        session = self.session
        return ScanSummary(
            session=session.session_id,
            state=session.state,
            reason=session.reason,
            message=session.message,
            advice=session.advice,
            plan=session.plan,
            captured=self.captured,
            cleaned=self.cleaned,
            lost=sum(frame.taken is Taken.LOST for frame in self.frames),
            next_number=self.next_number,
            frames=self.frames,
        )


def report_of(connection: sqlite3.Connection, session_id: int) -> ScanReport:
    """Return the report of a session up to now.

    Raises
    ------
    SessionError
        There is no session of this number.
    """
    sessions = Sessions(connection)
    session = sessions.find(session_id)
    return ScanReport(session, tuple(_scanned(session, *found) for found in sessions.frames_with_jobs(session_id)))


def _scanned(session: Session, frame: SessionFrame, job: Job | None) -> ScannedFrame:
    result = None if job is None else job.result
    report = ReportRecord() if result is None else result.report
    return ScannedFrame(
        position=frame.position,
        frame=str(session.plan.frame(frame.number)),
        number=frame.number,
        taken=frame.taken,
        state=None if job is None else job.state,
        outcome=None if job is None else job.outcome,
        flags=frame.flags,
        warnings=() if result is None else result.warnings,
        leakage=report.leakage.red,
        threshold=report.threshold,
        defects=report.defects_found,
        error=frame.error or (job.error if job is not None else None) or "",
    )
