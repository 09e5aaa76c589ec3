"""Puts frames into an empty database that are known from elsewhere: from their sidecars."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.database.frames import JobOutcome, JobState, SourceFile


@dataclass(frozen=True, slots=True)
class RestoredFrame:
    """A frame as it is to stand in the queue; the fields are those of `filmscand.daemon.database.frames.Job`.

    Attributes
    ----------
    sources : sequence of SourceFile
        The files that it came from, picture first.
    """

    frame: FrameId
    state: JobState
    outcome: JobOutcome | None
    source: str
    request: CleanRequest
    sources: Sequence[SourceFile]
    result: CleanResult | None
    error: str | None
    created_at: float
    finished_at: float | None


def restore_frame(connection: sqlite3.Connection, restored: RestoredFrame) -> bool:
    """Insert a frame; False where another frame has the same picture, and only that frame has it as its source."""
    frame, result = restored.frame, restored.result
    job_id = connection.execute(
        "INSERT INTO frames (collection, box, roll, number, state, outcome, request, source, result, error, created_at,"
        " finished_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(frame.collection, frame.box, frame.roll, frame.number, restored.state, restored.outcome),
            *(
                restored.request.model_dump_json(),
                restored.source,
                None if result is None else result.model_dump_json(),
            ),
            *(restored.error, restored.created_at, restored.finished_at),
        ),
    ).lastrowid
    inserted = [
        connection.execute(
            "INSERT OR IGNORE INTO sources (job_id, role, sha256, size_bytes, name) VALUES (?, ?, ?, ?, ?)",
            (job_id, source.role, source.sha256, source.size_bytes, source.name),
        ).rowcount
        for source in restored.sources
    ]
    return all(inserted)
