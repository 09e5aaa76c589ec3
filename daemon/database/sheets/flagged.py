"""Finished frames as their review needs them: reason codes, a few numbers, and the verdict."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from filmscand.daemon.core.decision import Verdict
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import Roll

# The condition of the index, word for word. SQLite would rather read every finished row.
_TO_REVIEW = (
    "frames INDEXED BY frames_to_review WHERE state = 'finished' AND outcome = 'archived'"
    " AND (json_extract(result, '$.warnings') != '[]' OR json_extract(request, '$.flags') != '[]'"
    " OR json_extract(result, '$.verdict') IS NOT NULL)"
)
_VERDICT = "json_extract(result, '$.verdict')"
_COLUMNS = (
    "collection, box, roll, number, json_extract(result, '$.revision') AS revision,"
    " json_extract(request, '$.flags') AS flags, json_extract(result, '$.warnings') AS warnings,"
    " json_extract(result, '$.verdict') AS verdict, json_extract(result, '$.report.coverage') AS coverage,"
    " json_extract(result, '$.report.shift.confidence') AS confidence,"
    " json_extract(result, '$.report.leakage.red') AS leakage_red,"
    " json_extract(result, '$.report.holder_fraction') AS holder_fraction,"
    " json_extract(result, '$.report.defects_found') AS defects_found,"
    " json_extract(result, '$.report.defects_left') AS defects_left,"
    " json_extract(result, '$.report.defects_unsure') AS defects_unsure,"
    " json_extract(result, '$.report.clipped') AS clipped, json_extract(result, '$.report.sharpness') AS sharpness"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of a frame's report that flags are told with; None: not known. See `filmscand.ir.report.CleanReport`."""

    coverage: float | None = None
    confidence: float | None = None
    leakage_red: float | None = None
    holder_fraction: float | None = None
    defects_found: int | None = None
    defects_left: int | None = None
    defects_unsure: int | None = None
    clipped: float | None = None
    sharpness: float | None = None


@dataclass(frozen=True, slots=True)
class FinishedFrame:
    """An archived frame.

    Attributes
    ----------
    codes : tuple of str
        Flags of what happened before cleaning, and cautions of the engine.
    verdict : Verdict or None
        How its review ended.
    """

    frame: FrameId
    revision: int
    codes: tuple[str, ...]
    numbers: Numbers
    verdict: Verdict | None


def frames_to_review(connection: sqlite3.Connection, codes: Iterable[str], at_most: int) -> list[FinishedFrame]:
    """Return the archived frames that have one of these reason codes, undecided ones first, then by name."""
    asked = json.dumps(list(codes))
    undecided = _with_codes(connection, f"{_VERDICT} IS NULL ORDER BY", asked, at_most)
    decided = f"{_VERDICT} IS NOT NULL ORDER BY {_VERDICT},"
    return undecided + _with_codes(connection, decided, asked, at_most - len(undecided))


def _with_codes(connection: sqlite3.Connection, which: str, codes: str, at_most: int) -> list[FinishedFrame]:
    # In the order of the index: SQLite stops at the last one that is wanted.
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TO_REVIEW}"
        " AND (EXISTS (SELECT 1 FROM json_each(result, '$.warnings') WHERE value IN (SELECT value FROM json_each(?1)))"
        " OR EXISTS (SELECT 1 FROM json_each(request, '$.flags') WHERE value IN (SELECT value FROM json_each(?1))))"
        f" AND {which} collection, box, roll, number LIMIT ?2",
        (codes, at_most),
    )
    return [_finished(row) for row in rows.fetchall()]


def frames_with_verdict(connection: sqlite3.Connection, verdict: Verdict, at_most: int) -> list[FinishedFrame]:
    """Return the archived frames whose review ended like this, by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {_TO_REVIEW} AND {_VERDICT} = ? ORDER BY collection, box, roll, number LIMIT ?",
        (verdict, at_most),
    )
    return [_finished(row) for row in rows.fetchall()]


def finished_frames(connection: sqlite3.Connection, roll: Roll) -> list[FinishedFrame]:
    """Return the archived frames of a roll by number."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM frames WHERE state = 'finished' AND outcome = 'archived'"
        " AND collection = ? AND box = ? AND roll = ? ORDER BY number",
        (roll.collection, roll.box, roll.roll),
    )
    return [_finished(row) for row in rows.fetchall()]


def last_rolls(connection: sqlite3.Connection, frames: int) -> list[Roll]:
    """Return the rolls of the `frames` frames that finished last, newest roll first."""
    rows = connection.execute(
        "SELECT collection, box, roll FROM (SELECT collection, box, roll, finished_at FROM frames"
        " WHERE state = 'finished' ORDER BY finished_at DESC, job_id DESC LIMIT ?)"
        " GROUP BY collection, box, roll ORDER BY max(finished_at) DESC",
        (frames,),
    )
    return [Roll(*row) for row in rows.fetchall()]


def _finished(row: sqlite3.Row) -> FinishedFrame:
    return FinishedFrame(
        frame=FrameId(row["collection"], row["box"], row["roll"], row["number"]),
        revision=row["revision"],
        codes=(*json.loads(row["flags"] or "[]"), *json.loads(row["warnings"] or "[]")),
        numbers=Numbers(**{name: row[name] for name in Numbers.__dataclass_fields__}),
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
    )
