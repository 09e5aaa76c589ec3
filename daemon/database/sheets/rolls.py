"""Rolls and their frames as a contact sheet shows them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace

from filmscand.daemon.core.description.record import NOTHING, Description
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, outcome_of


@dataclass(frozen=True, slots=True)
class RollCount:
    """How many frames of a roll are in one state, and have one outcome."""

    roll: Roll
    state: JobState
    outcome: JobOutcome | None
    frames: int


def count_by_roll(connection: sqlite3.Connection, roll: Roll | None = None) -> list[RollCount]:
    """Count the frames of each roll by state and outcome, in the order of the rolls' names; `roll`: of this one."""
    which = "" if roll is None else " WHERE collection = ? AND box = ? AND roll = ?"
    rows = connection.execute(
        f"SELECT collection, box, roll, state, outcome, count(*) AS frames FROM frames{which}"
        " GROUP BY collection, box, roll, state, outcome ORDER BY collection, box, roll",
        () if roll is None else (roll.collection, roll.box, roll.roll),
    )
    return [
        RollCount(
            Roll(row["collection"], row["box"], row["roll"]),
            JobState(row["state"]),
            outcome_of(row["outcome"]),
            row["frames"],
        )
        for row in rows.fetchall()
    ]


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
    description : Description
        What people wrote about it.
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
    description: Description = NOTHING


def frames_of_roll(connection: sqlite3.Connection, roll: Roll) -> list[RollFrame]:
    """Return the frames of a roll by number; of their records only what a contact sheet shows is read."""
    rows = connection.execute(
        "SELECT number, state, outcome, error, json_extract(result, '$.revision') AS revision,"
        " json_extract(request, '$.flags') AS flags, json_extract(result, '$.warnings') AS warnings,"
        " json_extract(result, '$.verdict') AS verdict, json_extract(result, '$.description') AS description"
        " FROM frames WHERE collection = ? AND box = ? AND roll = ? ORDER BY number",
        (roll.collection, roll.box, roll.roll),
    )
    return [_roll_frame(row, roll) for row in rows.fetchall()]


def set_description(connection: sqlite3.Connection, job_id: int, description: Description) -> bool:
    """Note what people wrote about a finished frame; False if the frame is not finished any more."""
    changed = connection.execute(
        "UPDATE frames SET result = json_set(result, '$.description', json(?)) WHERE job_id = ? AND state = 'finished'"
        " AND outcome = 'archived'",
        (description.model_dump_json(), job_id),
    )
    return changed.rowcount == 1


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
        description=Description.model_validate_json(row["description"] or "{}"),
    )
