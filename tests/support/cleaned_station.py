"""A station with cleaned frames, and a worker's hands."""

from __future__ import annotations

from contextlib import closing

from filmscand.daemon.archive.records.known import frame_records
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from support.live_station import LiveStation


class CleanedStation:
    """A station in a folder, with these frames cleaned."""

    def __init__(self, folder, *frames):
        self.live = LiveStation(folder)
        self.station, self.archive = self.live.station, self.live.archive
        self.station.database.parent.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            self.live.store_raw(frame)
            with self.open() as connection:
                queue = Queue(connection)
                source = SourceFile("raw", f"{frame.number:064d}", 1, f"{frame.number}.tif")
                roll = Roll(frame.collection, frame.box, frame.roll)
                queue.enqueue(queue.reserve(roll, frame.number, [source], CleanRequest()).job_id, CleanRequest())
            self.work()

    def open(self):
        """Open the database (a context manager)."""
        return closing(open_database(self.station.database))

    def work(self):
        """Clean what is queued, as a worker does; return what came of it."""
        with self.open() as connection:
            queue = Queue(connection)
            lease = queue.take(ProcessId(1, 1), 60.0)
            result = clean_into_archive(self.archive, lease.job.frame, lease.job.request)
            queue.finish(lease, result)
            write_records(connection, frame_records(connection, self.archive.root, lease.job.frame))
        return result

    def problems(self):
        """Verify everything; return what is wrong."""
        return verify_rolls(self.archive, database=self.station.database).problems
