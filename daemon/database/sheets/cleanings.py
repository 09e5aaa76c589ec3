"""Frames as a bulk cleaning needs them: what they are to be cleaned with, what made their revision, what was found.

Hundreds of thousands are read at once, so their records are parsed as plain JSON and not checked.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import intern
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.sheets.selection import CHOSEN, Selector

_COLUMNS: Final = "job_id, collection, box, roll, number, state, outcome, error, request, result"
_FAILED: Final = "state = 'finished' AND outcome IN ('failed', 'set_aside')"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report tells of a frame; None: not known. See `filmscand.ir.report.CleanReport`.

    Attributes
    ----------
    method : str or None
        The evidence that decided.
    coverage : float or None
        Changed part of the film, 0..1.
    defects_found, defects_left : int or None
        Defects, and regions that were left unchanged.
    cautions : tuple of str
        Caution codes of the engine.
    """

    method: str | None
    coverage: float | None
    defects_found: int | None
    defects_left: int | None
    cautions: tuple[str, ...]


class Setting(NamedTuple):
    """What a request says of how a frame is cleaned; see `CleanRequest`."""

    film: FilmKind
    sensitivity: float
    fourth_sample_is_infrared: bool | None


class FrameCleaning(NamedTuple):
    """A frame of the queue.

    Attributes
    ----------
    setting : Setting
        How it is to be cleaned, or was.
    inputs_sha256 : tuple of str
        Digests of its originals, raw file first; empty where the request does not tell.
    flags : tuple of str
        Reason codes of what happened before cleaning.
    revision, is_new, engine, made_from, findings
        Of the revision that counts; None before it is archived. See `CleanResult`.
    """

    job_id: int
    frame: FrameId
    state: JobState
    outcome: JobOutcome | None
    error: str | None
    setting: Setting
    inputs_sha256: tuple[str, ...]
    flags: tuple[str, ...]
    revision: int | None
    is_new: bool
    engine: str | None
    made_from: str | None
    findings: Findings | None


def chosen_cleanings(
    connection: sqlite3.Connection, selector: Selector | None, *, failed: bool = False
) -> Iterator[FrameCleaning]:
    """Yield the frames that a selector chooses, sorted.

    Parameters
    ----------
    selector : Selector or None
        None: every frame of the station.
    failed : bool
        Only those that failed or were set aside.
    """
    which = "TRUE" if selector is None else CHOSEN
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM frames WHERE {which} AND {_FAILED if failed else 'TRUE'}"
        " ORDER BY collection, box, roll, number",
        () if selector is None else selector.values,
    )
    yield from map(_cleaning, rows)


def cleanings_of(
    connection: sqlite3.Connection, job_ids: Iterable[int], *, finished: bool = False
) -> list[FrameCleaning]:
    """Return these rows of the queue; `finished`: only those that have finished."""
    state = " AND state = 'finished'" if finished else ""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM frames WHERE job_id IN (SELECT value FROM json_each(?)){state}",
        (json.dumps(list(job_ids)),),
    )
    return [_cleaning(row) for row in rows.fetchall()]


# To call an enumeration takes longer than to look a word up.
_STATES: Final = {str(state): state for state in JobState}
_OUTCOMES: Final = {str(outcome): outcome for outcome in JobOutcome}
_FILMS: Final = {str(film): film for film in FilmKind}


def _cleaning(row: sqlite3.Row) -> FrameCleaning:
    job_id, collection, box, roll, number, state, outcome, error, request_text, result_text = row
    request = from_json(request_text)
    result = None if result_text is None else from_json(result_text)
    setting = Setting(
        _FILMS[request.get("film", FilmKind.UNKNOWN)],
        request.get("sensitivity", 0.5),
        request.get("fourth_sample_is_infrared"),
    )
    return FrameCleaning(
        job_id,
        # A roll's frames share the words: of a million frames all are kept at once.
        FrameId(intern(collection), intern(box), intern(roll), number),
        _STATES[state],
        outcome and _OUTCOMES[outcome],
        error,
        setting,
        tuple(file["sha256"] for file in request.get("originals", ())),
        tuple(request.get("flags", ())),
        *((None, False, None, None, None) if result is None else _revision(result)),
    )


def _revision(result: dict[str, Any]) -> tuple[int, bool, str | None, str | None, Findings]:
    report = result.get("report") or {}
    findings = Findings(
        _shared(report.get("method")),
        report.get("coverage"),
        report.get("defects_found"),
        report.get("defects_left"),
        tuple(map(intern, result.get("warnings", ()))),
    )
    engine = _shared(result.get("engine"))
    return result["revision"], bool(result["created"]), engine, result.get("made_from"), findings


def _shared(word: str | None) -> str | None:
    return None if word is None else intern(word)
