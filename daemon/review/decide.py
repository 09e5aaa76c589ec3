"""Carries out what a person decides about a frame: recorded in the archive first, then queued where it needs cleaning.

A decision may be made only of an archived frame that nothing is being done with. Killed between archive and queue, the
decision is in the archive, and the frame is not cleaned with it yet: each further cleaning reads it from there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.archive.decisions import changing, record_decision
from filmscand.daemon.archive.records.known import frame_records
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.decision import (
    Decision,
    DecisionKind,
    Outline,
    Settings,
    Verdict,
    in_force,
    verdict_of,
)
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import reopen_database, transaction
from filmscand.daemon.database.frames import Job, JobOutcome, JobState, find_frame
from filmscand.daemon.database.queue import Queue, WrongStateError
from filmscand.daemon.database.sheets.notes import set_verdict
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import NoSuchFramesError
from filmscand.daemon.station.configuration import Station

# Areas of one frame; more are a film to be cleaned by hand.
MOST_AREAS: Final = 200


class DecisionRefusedError(DaemonError):
    """The decision does not fit the frame as it stands; nothing was recorded."""


class FrameBusyError(DecisionRefusedError):
    """The frame waits for cleaning or is being cleaned: decide when it is done."""


class StaleRevisionError(DecisionRefusedError):
    """The frame was cleaned again since the person looked at it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants to decide.

    Attributes
    ----------
    revision : int or None
        The revision that the person looked at; None: whichever counts now.
    sensitivity, film : float and FilmKind, or None
        Changes of CLEAN_AGAIN; None keeps what the frame has.
    excluded, marked : tuple of Outline
        Areas that CLEAN_AGAIN adds.
    by : str or None
        Who decides.
    """

    kind: DecisionKind
    revision: int | None = None
    sensitivity: float | None = None
    film: FilmKind | None = None
    excluded: tuple[Outline, ...] = ()
    marked: tuple[Outline, ...] = ()
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What came of a decision.

    Attributes
    ----------
    decision : Decision
        As it was recorded.
    verdict : Verdict or None
        How the review of the frame ended with it.
    is_queued : bool
        Whether the frame was queued for cleaning.
    """

    frame: str
    decision: Decision
    verdict: Verdict | None
    is_queued: bool


def decide(station: Station, frame: FrameId, asked: Asked) -> DecisionResult:
    """Record a decision about a frame, and queue the frame if it has to be cleaned because of it.

    Raises
    ------
    NoSuchFramesError
        The station does not know the frame.
    DecisionRefusedError
        The decision does not fit the frame as it stands.
    RollSealedError
        The roll was sealed and lost the mark of it. A roll that has the mark is reopened.
    IntegrityError, TransientError
        The archive's record of the frame cannot be read or written.
    """
    with closing(reopen_database(station.database)) as connection:
        archive = bound_archive(station, connection)
        require_idle(connection, frame)
        archive.require_mark(frame)
        with changing(archive, frame):
            # Once more, with the lock: a worker that finished a moment ago has written a new revision.
            job = require_idle(connection, frame)
            archive.require_known_sidecars([frame])
            before = archive.read_sidecar(frame)
            _require_current(frame, before, asked)
            decision, wanted = _decision(before, job, asked)
            sidecar = record_decision(archive, before, decision, wanted)
        _queue_or_note(connection, archive, job, (sidecar, wanted))
    verdict = verdict_of(sidecar.decisions, sidecar.current.number)
    return DecisionResult(str(frame), decision, verdict, wanted is not None)


def require_idle(connection: sqlite3.Connection, frame: FrameId) -> Job:
    """Return the row of an archived frame that nothing is being done with.

    Raises
    ------
    NoSuchFramesError
        The station does not know the frame.
    DecisionRefusedError
        It waits for cleaning or is being cleaned, or it has no revision.
    """
    job = find_frame(connection, frame)
    if job is None:
        raise NoSuchFramesError(f"the station has no frame {frame}")
    if job.state is not JobState.FINISHED:
        doing = "is being cleaned" if job.state is JobState.PROCESSING else "waits in the queue"
        raise FrameBusyError(f"{frame} {doing}: try again when it is done")
    if job.outcome is not JobOutcome.ARCHIVED:
        raise DecisionRefusedError(f"{frame} has no cleaned picture; clean it again first")
    return job


def _require_current(frame: FrameId, before: Sidecar, asked: Asked) -> None:
    current = before.current.number
    if asked.revision not in (None, current):
        raise StaleRevisionError(f"{frame}: revision {current} counts now, not {asked.revision}; look at it again")


def _decision(before: Sidecar, job: Job, asked: Asked) -> tuple[Decision, Settings | None]:
    """Return the record of a decision, and with what the frame has to be cleaned because of it."""
    now = Settings(sensitivity=job.request.sensitivity, film=job.request.film)
    decision = Decision.made_now(asked.kind, before.current.number, asked.by)
    if asked.kind is DecisionKind.UNDO:
        last = _last(before, job)
        return decision.model_copy(update={"undoes": last.id}), last.earlier
    if asked.kind is not DecisionKind.CLEAN_AGAIN:
        return decision, None
    _require_areas(before, job, asked)
    changes = {"sensitivity": asked.sensitivity, "film": asked.film}
    wanted = now.model_copy(update={name: value for name, value in changes.items() if value is not None})
    added = {"excluded": asked.excluded, "marked": asked.marked}
    return decision.model_copy(update={"settings": wanted, "earlier": now, **added}), wanted


def _last(before: Sidecar, job: Job) -> Decision:
    valid = in_force(before.decisions)
    if not valid:
        raise DecisionRefusedError(f"{job.frame}: there is no decision to undo")
    return valid[-1]


def _require_areas(before: Sidecar, job: Job, asked: Asked) -> None:
    """Require that there is something to clean with, and that its areas lie in the frame."""
    outlines = (*asked.excluded, *asked.marked)
    if asked.sensitivity is None and asked.film is None and not outlines:
        raise DecisionRefusedError(f"{job.frame}: expected another sensitivity, another film or an area")
    rows, cols = before.capture.rows, before.capture.cols
    for row, col in (corner for outline in outlines for corner in outline):
        if not (0 <= row <= rows and 0 <= col <= cols):
            raise DecisionRefusedError(f"{job.frame}: the corner ({row}, {col}) is outside {rows} rows, {cols} columns")
    if any(_area_px(outline) < 1 for outline in outlines):
        raise DecisionRefusedError(f"{job.frame}: an area is smaller than a pixel")
    if len(before.drawn.excluded) + len(before.drawn.marked) + len(outlines) > MOST_AREAS:
        raise DecisionRefusedError(f"{job.frame}: expected {MOST_AREAS} areas at most; undo some")


def _area_px(outline: Sequence[tuple[float, float]]) -> float:
    """Return the area of an outline by the sum over its corners, pixels."""
    pairs = zip(outline, (*outline[1:], outline[0]), strict=True)
    twice = sum(row * next_col - next_row * col for (row, col), (next_row, next_col) in pairs)
    return abs(twice) / 2


def _queue_or_note(
    connection: sqlite3.Connection, archive: Archive, job: Job, recorded: tuple[Sidecar, Settings | None]
) -> None:
    sidecar, wanted = recorded
    records = frame_records(connection, archive.root, job.frame)
    with transaction(connection):
        write_records(connection, records)
        if wanted is None:
            set_verdict(connection, job.job_id, verdict_of(sidecar.decisions, sidecar.current.number))
            return
        try:
            Queue(connection).retry(job.job_id, _request(job, wanted))
        except WrongStateError as error:
            raise FrameBusyError(
                f"{job.frame} was queued by somebody else at the same moment: the decision is recorded, and the next "
                "cleaning uses its areas; look at the result"
            ) from error


def _request(job: Job, wanted: Settings) -> CleanRequest:
    return job.request.model_copy(update={"sensitivity": wanted.sensitivity, "film": wanted.film})
