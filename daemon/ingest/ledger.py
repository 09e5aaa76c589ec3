"""The tables that a claim changes together."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from filmscand.daemon.database.candidates import Candidates
from filmscand.daemon.database.queue import Queue


@dataclass(frozen=True, slots=True)
class Ledger:
    """The two tables that a claim changes together.

    Attributes
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    connection: sqlite3.Connection
    queue: Queue
    candidates: Candidates
