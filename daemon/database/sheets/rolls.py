"""Rolls and their frames as a contact sheet shows them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, outcome_of


@dataclass(frozen=True, slots=True)
class RollCount:
    """How the frames of a roll stand.

    Attributes
    ----------
    name : str or None
        The name that a person gave the roll; None where none was noted.
    waiting : int
        Frames that are captured, queued or being cleaned.
    archived, failed, set_aside : int
        Finished frames by outcome.
    """

    roll: Roll
    name: str | None
    waiting: int
    archived: int
    failed: int
    set_aside: int

    @property
    def frames(self) -> int:
        """The number of all frames."""
        return self.waiting + self.archived + self.failed + self.set_aside


# Triggers of the database keep the counts: see the schema.
_COUNTS = (
    "SELECT collection, box, roll, name, waiting, archived, failed, set_aside FROM roll_counts"
    " LEFT JOIN roll_names USING (collection, box, roll)"
)


def count_by_roll(connection: sqlite3.Connection) -> list[RollCount]:
    """Return how the frames of every roll stand, in the order of the rolls' names."""
    rows = connection.execute(f"{_COUNTS} ORDER BY collection, box, roll")
    return [_roll_count(row) for row in rows.fetchall()]


def count_roll(connection: sqlite3.Connection, roll: Roll) -> RollCount | None:
    """Return how the frames of one roll stand, None if it has none."""
    row = connection.execute(
        f"{_COUNTS} WHERE collection = ? AND box = ? AND roll = ?", (roll.collection, roll.box, roll.roll)
    ).fetchone()
    return None if row is None else _roll_count(row)


def _roll_count(row: sqlite3.Row) -> RollCount:
    collection, box, roll, *rest = row
    return RollCount(Roll(collection, box, roll), *rest)


@dataclass(frozen=True, slots=True)
class RollFrame:
    """One frame of a roll, for a contact sheet.

    Attributes
    ----------
    frame : str
        Frame as `collection/box/roll_0007`.
    stem : str
        Its last part: `roll_0007`.
    number : int
        Number on the roll.
    state : JobState
        Where it stands in the queue.
    outcome : JobOutcome or None
        How it finished.
    revision : int or None
        The newest revision; None before the first.
    flags, warnings : tuple of str
        Reason codes of what happened before cleaning, and of the engine.
    error : str or None
        The last error.
    verdict : str or None
        How its review ended (`filmscand.daemon.core.decision.Verdict`).
    """

    frame: str
    stem: str
    number: int
    state: JobState
    outcome: JobOutcome | None
    revision: int | None
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    error: str | None
    verdict: str | None = None


def frames_of_roll(connection: sqlite3.Connection, roll: Roll) -> list[RollFrame]:
    """Return the frames of a roll by number; of their records only what a contact sheet shows is read."""
    rows = connection.execute(
        "SELECT number, state, outcome, error, json_extract(result, '$.revision') AS revision,"
        " json_extract(request, '$.flags') AS flags, json_extract(result, '$.warnings') AS warnings,"
        " json_extract(result, '$.verdict') AS verdict"
        " FROM frames WHERE collection = ? AND box = ? AND roll = ? ORDER BY number",
        (roll.collection, roll.box, roll.roll),
    )
    return [_roll_frame(row, roll) for row in rows.fetchall()]


def neighbours(connection: sqlite3.Connection, frame: FrameId) -> tuple[FrameId | None, FrameId | None]:
    """Return the frames before and after this one on its roll, None at an end."""
    # One step along the index each way: a roll may hold thousands of frames.
    before, after = connection.execute(
        "SELECT (SELECT max(number) FROM frames WHERE collection = ?1 AND box = ?2 AND roll = ?3 AND number < ?4),"
        " (SELECT min(number) FROM frames WHERE collection = ?1 AND box = ?2 AND roll = ?3 AND number > ?4)",
        (frame.collection, frame.box, frame.roll, frame.number),
    ).fetchone()
    return _numbered(frame, before), _numbered(frame, after)


def _numbered(frame: FrameId, number: int | None) -> FrameId | None:
    return None if number is None else replace(frame, number=number)


def _roll_frame(row: sqlite3.Row, roll: Roll) -> RollFrame:
    frame = FrameId(roll.collection, roll.box, roll.roll, row["number"])
    return RollFrame(
        frame=str(frame),
        stem=frame.stem,
        number=frame.number,
        state=JobState(row["state"]),
        outcome=outcome_of(row["outcome"]),
        revision=row["revision"],
        flags=tuple(json.loads(row["flags"] or "[]")),
        warnings=tuple(json.loads(row["warnings"] or "[]")),
        error=row["error"],
        verdict=row["verdict"],
    )
