"""Notes of what people decided and wrote about finished frames, for the lists; the archive has the records."""

from __future__ import annotations

import sqlite3
from typing import Any

from filmscand.daemon.core.decision import Verdict
from filmscand.daemon.core.description.record import Description


def set_verdict(connection: sqlite3.Connection, job_id: int, verdict: Verdict | None) -> bool:
    """Note how the review of a finished frame ended; False if the frame is not finished any more."""
    return _note(connection, job_id, "json_set(result, '$.verdict', ?)", verdict)


def set_description(connection: sqlite3.Connection, job_id: int, description: Description) -> bool:
    """Note what people wrote about a finished frame; False if the frame is not finished any more."""
    return _note(connection, job_id, "json_set(result, '$.description', json(?))", description.model_dump_json())


def _note(connection: sqlite3.Connection, job_id: int, result: str, value: Any) -> bool:
    changed = connection.execute(
        f"UPDATE frames SET result = {result} WHERE job_id = ? AND state = 'finished' AND outcome = 'archived'",
        (value, job_id),
    )
    return changed.rowcount == 1
