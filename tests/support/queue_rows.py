"""Rows of the queue for tests: one roll, two workers, and frames that are told apart by a name."""

from __future__ import annotations

from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.database.frames import Roll, SourceFile

ROLL = Roll("museum", "box-1", "roll-a")
WORKER = ProcessId(4000, 1)
OTHER = ProcessId(4001, 1)
RESULT = CleanResult(revision=1, created=True, outcome="cleaned", seconds={"total": 1.5})


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


def picture(name):
    return SourceFile("raw", f"sha-of-{name}", 1000, name)


def reserve(queue, name, at_least=1):
    return queue.reserve(ROLL, at_least, [picture(name)], CleanRequest(sensitivity=0.5))


def enqueue(queue, name):
    return queue.enqueue(reserve(queue, name).job_id, CleanRequest(sensitivity=0.5))
