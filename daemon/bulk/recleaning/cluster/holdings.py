"""The frames that are out on a cluster, in the station's database: no worker of the station takes them meanwhile.

The command that runs is their holder. If it dies, the service queues them again (`Queue.release_of_dead_commands`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from filmscand.daemon.archive.records.known import frame_records
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.bulk.recleaning.cluster.task import Answer
from filmscand.daemon.core.errors import Fault, storing
from filmscand.daemon.core.process_id import this_process
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Lease
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.reclean import Changes


class Holdings:
    """The frames that this process has out.

    Parameters
    ----------
    connection : sqlite3.Connection
        A connection that writes.
    archive : Archive
        The station's archive.
    changes : Changes
        Changes of the frames' settings.
    """

    def __init__(self, connection: sqlite3.Connection, archive: Archive, changes: Changes) -> None:
        self._connection = connection
        self._archive = archive
        self._changes = changes.fields
        self._queue = Queue(connection)
        self._holder = this_process()
        self._queue.release_of_dead_commands()

    def take(self, job_ids: Iterable[int]) -> list[Lease]:
        """Take frames that are finished or queued; those that a worker of the station cleans are left to it."""
        listed = list(job_ids)
        with transaction(self._connection):
            self._queue.retry_all(listed, self._changes)
            return self._queue.hold(listed, self._holder)

    def enter(self, ended: Sequence[tuple[Lease, Answer]]) -> None:
        """Enter what came of frames, as a worker of the station does; all of it in one transaction."""
        cleaned = [lease.job.frame for lease, answer in ended if answer.result is not None]
        with storing(self._archive.root, "read"):
            records = [one for frame in cleaned for one in frame_records(self._connection, self._archive.root, frame)]
        with transaction(self._connection):
            for lease, answer in ended:
                if answer.result is not None:
                    self._queue.finish(lease, answer.result)
                elif answer.fault is Fault.FRAME:
                    self._queue.fail(lease, answer.error or "")
                else:
                    self._queue.give_back(lease, answer.error)
            write_records(self._connection, records)

    def let_go(self) -> None:
        """Queue whatever is still out."""
        self._queue.release(self._holder, interrupted=False)
