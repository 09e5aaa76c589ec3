"""The records of a scanning session: its plan, its state and its frames.

    IDLE -> WARMING -> SCANNING -> FINISHED (with a reason)
               ^  ^       |  |
               |  +-------+  +--> PAUSED, ATTENTION --> WARMING when a person resumes it

A session outlives the process that runs it: a service that finds one WARMING or SCANNING continues with its first
missing frame.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import MAX_NUMBER, FrameId, checked_slug
from filmscand.daemon.database.frames import Roll

Slug = Annotated[str, AfterValidator(checked_slug)]


class SessionState(StrEnum):
    """State of a session."""

    IDLE = "idle"
    WARMING = "warming"
    SCANNING = "scanning"
    PAUSED = "paused"
    ATTENTION = "attention"
    FINISHED = "finished"


class FinishReason(StrEnum):
    """Why a session ended."""

    COMPLETE = "complete"
    MAGAZINE_EMPTY = "magazine_empty"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Wish(StrEnum):
    """Request of a person to a session; the session reads it between two frames."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class Taken(StrEnum):
    """State of a session's frame."""

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
    """Settings of the scanner.

    Attributes
    ----------
    resolution_dpi : int or None
        Samples per inch; None: the highest that the scanner offers.
    samples : int
        How often each line is read; the readings are averaged.
    """

    resolution_dpi: int | None = Field(default=None, ge=1)
    depth_bits: Literal[8, 16] = 16
    samples: int = Field(default=1, ge=1)
    infrared: bool = True
    autofocus: bool = True
    autoexposure: bool = False


def ascending(positions: tuple[int, ...]) -> tuple[int, ...]:
    """Return positions if they ascend from 1 on; else raise ValueError."""
    if not positions or positions[0] < 1 or any(later <= before for before, later in pairwise(positions)):
        raise ValueError(f"expected positions from 1 on, ascending, found {positions}")
    return positions


class ScanPlan(_Plan):
    """What one session is to scan.

    Attributes
    ----------
    first_number : int
        Number of the first frame on the roll.
    frames : int or None
        Number of slides; None: until the magazine is empty.
    positions : tuple of int or None
        Frames of the strip or holder to scan, ascending, from 1; None: from the first on.
    device : str
        Name of the scanner, as listed.
    """

    collection: Slug = "unsorted"
    box: Slug = "unsorted"
    roll: Slug
    first_number: int = Field(default=1, ge=1, le=MAX_NUMBER)
    frames: int | None = Field(default=None, ge=1)
    positions: Annotated[tuple[int, ...], AfterValidator(ascending)] | None = None
    film: FilmKind = FilmKind.UNKNOWN
    scanner: ScannerProfile = ScannerProfile()
    device: str = Field(min_length=1)
    operator: str | None = None
    sensitivity: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _count_fits(self) -> ScanPlan:
        if self.positions is not None and self.frames != len(self.positions):
            raise ValueError(f"frames: expected {len(self.positions)}, the number of positions, found {self.frames}")
        return self

    def position(self, index: int) -> int:
        """Return the position of the frame that is scanned as number `index` of the session, from 0."""
        return index + 1 if self.positions is None else self.positions[index]

    @property
    def place(self) -> Roll:
        """The roll that the frames go into."""
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
        The last error, or what the session waits for.
    advice : str
        What a person should do; empty if nothing is needed.
    wish : Wish or None
        Request of a person that the session has not read yet.
    fraction : float
        Part of the current frame that has been read, 0..1, updated a few times a second.
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
        The slide's place in the magazine, from 1.
    number : int
        The frame's number on the roll.
    job_id : int or None
        Row in the queue; None if the slide was lost.
    flags : tuple of str
        Reason codes of the checks of the picture ("blank_clear", "same_slide" ...).
    error : str
        Why the slide was lost; empty if it was not.
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
