"""What a scanning session is about: its plan, its state, and what became of each of its frames.

    IDLE -> WARMING -> SCANNING -> FINISHED (with a reason)
               ^  ^       |  |
               |  +-------+  +--> PAUSED, ATTENTION --> WARMING once a person says so

A session outlives the process that runs it: whoever finds it WARMING or SCANNING goes on with its first missing frame.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import MAX_NUMBER, FrameId, checked_slug
from filmscand.daemon.database.frames import Roll

Slug = Annotated[str, AfterValidator(checked_slug)]


class SessionState(StrEnum):
    """Where a session stands."""

    IDLE = "idle"
    WARMING = "warming"
    SCANNING = "scanning"
    PAUSED = "paused"
    ATTENTION = "attention"
    FINISHED = "finished"


class FinishReason(StrEnum):
    """Why a finished session ended."""

    COMPLETE = "complete"
    MAGAZINE_EMPTY = "magazine_empty"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Wish(StrEnum):
    """What a person asked a session for; heard between two frames."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Taken(StrEnum):
    """What became of a session's frame."""

    RESERVED = "reserved"
    CAPTURED = "captured"
    LOST = "lost"


_STOPS = frozenset({SessionState.PAUSED, SessionState.ATTENTION, SessionState.FINISHED})
NEXT_STATES: Mapping[SessionState, frozenset[SessionState]] = {
    SessionState.IDLE: frozenset({SessionState.WARMING}) | _STOPS,
    SessionState.WARMING: frozenset({SessionState.SCANNING}) | _STOPS,
    SessionState.SCANNING: frozenset({SessionState.WARMING}) | _STOPS,
    SessionState.PAUSED: frozenset({SessionState.WARMING, SessionState.FINISHED}),
    SessionState.ATTENTION: frozenset({SessionState.WARMING, SessionState.PAUSED, SessionState.FINISHED}),
    SessionState.FINISHED: frozenset(),
}
RUNNABLE = frozenset({SessionState.IDLE, SessionState.WARMING, SessionState.SCANNING})
HALTED = frozenset({SessionState.PAUSED, SessionState.ATTENTION})


class _Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScannerProfile(_Plan):
    """How the scanner is set.

    Attributes
    ----------
    resolution_dpi : int or None
        None takes the highest that the scanner offers.
    samples : int
        How often each line is read and averaged.
    """

    resolution_dpi: int | None = Field(default=None, ge=1)
    depth_bits: Literal[8, 16] = 16
    samples: int = Field(default=1, ge=1)
    infrared: bool = True
    autofocus: bool = True
    autoexposure: bool = False


class ScanPlan(_Plan):
    """A scanning run as data.

    Attributes
    ----------
    first_number : int
        Number of the first frame on the roll.
    frames : int or None
        How many; None: until the magazine is empty.
    device : str
        Name by which SANE opens the scanner.
    """

    collection: Slug = "unsorted"
    box: Slug = "unsorted"
    roll: Slug
    first_number: int = Field(default=1, ge=1, le=MAX_NUMBER)
    frames: int | None = Field(default=None, ge=1)
    film: FilmKind = FilmKind.UNKNOWN
    scanner: ScannerProfile = ScannerProfile()
    device: str = Field(min_length=1)
    operator: str | None = None
    sensitivity: float = Field(default=0.5, ge=0, le=1)

    @property
    def place(self) -> Roll:
        """The folder of the archive that the frames go into."""
        return Roll(self.collection, self.box, self.roll)

    def frame(self, number: int) -> FrameId:
        """Return the frame of this number on the roll."""
        return FrameId(self.collection, self.box, self.roll, number)


@dataclass(frozen=True, slots=True)
class Session:
    """One row of the table of sessions.

    Attributes
    ----------
    reason : FinishReason or None
        Set only when `state` is FINISHED.
    message : str
        What went wrong last, or what is being waited for.
    advice : str
        What a person should do about it; empty where nothing is needed.
    wish : Wish or None
        What a person asked for and the session has not heard yet.
    fraction : float
        Part of the frame under way that has come, 0..1, as it was a moment ago.
    """

    session_id: int
    plan: ScanPlan
    state: SessionState
    reason: FinishReason | None
    message: str
    advice: str
    wish: Wish | None
    fraction: float
    created_at: float
    changed_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class SessionFrame:
    """One frame of a session.

    Attributes
    ----------
    position : int
        Counted from 1 within the session: the slide's place in the magazine.
    number : int
        Its number on the roll.
    job_id : int or None
        Its row in the queue; None where it was lost.
    flags : tuple of str
        Reason codes of what was seen in the picture.
    error : str
        Why it was lost.
    """

    position: int
    number: int
    taken: Taken
    job_id: int | None
    flags: tuple[str, ...]
    error: str


def session_from_row(row: sqlite3.Row) -> Session:
    """Read a row of the table `sessions`."""
    return Session(
        session_id=row["session_id"],
        plan=ScanPlan.model_validate_json(row["plan"]),
        state=SessionState(row["state"]),
        reason=None if row["reason"] is None else FinishReason(row["reason"]),
        message=row["message"],
        advice=row["advice"],
        wish=None if row["wish"] is None else Wish(row["wish"]),
        fraction=row["fraction"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        finished_at=row["finished_at"],
    )


def frame_from_row(row: sqlite3.Row) -> SessionFrame:
    """Read a row of the table `session_frames`."""
    return SessionFrame(
        position=row["position"],
        number=row["number"],
        taken=Taken(row["taken"]),
        job_id=row["job_id"],
        flags=tuple(row["flags"].split()),
        error=row["error"],
    )
