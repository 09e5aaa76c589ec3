"""The row that says which service runs on the station, and what a starting service clears away."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.database.connection import transaction


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """The service that started last on the station.

    Attributes
    ----------
    process : ProcessId
        Its process, alive or dead.
    started_at : float
        When it started, seconds since the epoch.
    """

    process: ProcessId
    started_at: float


def find_service(connection: sqlite3.Connection) -> ServiceRecord | None:
    """Return the service that started last, None where none ever did."""
    row = connection.execute("SELECT pid, born, started_at FROM service").fetchone()
    return None if row is None else ServiceRecord(ProcessId(row["pid"], row["born"]), row["started_at"])


def begin_service(connection: sqlite3.Connection, service: ServiceRecord) -> None:
    """Note the service that starts; clear the alarms and the waiting times that an earlier service left."""
    with transaction(connection):
        connection.execute(
            "INSERT OR REPLACE INTO service (one, pid, born, started_at) VALUES (1, ?, ?, ?)",
            (*service.process, service.started_at),
        )
        connection.execute("DELETE FROM alarms")
        # They were meant for the disks and shares of then.
        connection.execute("UPDATE frames SET not_before = 0 WHERE state = 'queued'")
        connection.execute("UPDATE candidates SET not_before = 0 WHERE not_before != 0")
