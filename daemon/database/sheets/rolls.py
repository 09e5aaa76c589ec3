"""Rolls and their frames as a contact sheet shows them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from typing import NamedTuple

from filmscand.daemon.core.description.record import NOTHING, Description
from filmscand.daemon.core.frame_id import FrameId, stem_of
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll


# Tuples, for there may be thousands: to make a frozen dataclass takes three times as long.
class RollCount(NamedTuple):
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


class RollFrame(NamedTuple):
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


# To call an enumeration for each of thousands of frames takes milliseconds.
_STATES = {str(state): state for state in JobState}
_OUTCOMES = {str(outcome): outcome for outcome in JobOutcome}


def frames_of_roll(connection: sqlite3.Connection, roll: Roll) -> list[RollFrame]:
    """Return the frames of a roll by number; of their records only what a contact sheet shows is read."""
    rows = connection.execute(
        "SELECT number, state, outcome, json_extract(result, '$.revision'), json_extract(request, '$.flags'),"
        " json_extract(result, '$.warnings'), error, json_extract(result, '$.verdict'),"
        " json_extract(result, '$.description')"
        " FROM frames WHERE collection = ? AND box = ? AND roll = ? ORDER BY number",
        (roll.collection, roll.box, roll.roll),
    )
    # Thousands of frames: what they have in common is checked once.
    place = str(FrameId(roll.collection, roll.box, roll.roll, 1).roll_folder.parent)
    return [_roll_frame(row, roll.roll, place) for row in rows.fetchall()]


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


def _roll_frame(row: sqlite3.Row, roll: str, place: str) -> RollFrame:
    number, state, outcome, revision, flags, warnings, error, verdict, description = row
    stem = stem_of(roll, number)
    return RollFrame(
        f"{place}/{stem}",
        stem,
        number,
        _STATES[state],
        outcome and _OUTCOMES[outcome],
        revision,
        _codes(flags),
        _codes(warnings),
        error,
        verdict,
        NOTHING if description is None else Description.model_validate_json(description),
    )


def _codes(listed: str | None) -> tuple[str, ...]:
    # Most frames have none.
    return () if listed is None or listed == "[]" else tuple(json.loads(listed))
