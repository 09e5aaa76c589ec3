"""A station with a roll of small frames, each cleaned once as a worker does it."""

from __future__ import annotations

from contextlib import closing

from filmscand.daemon.archive.records.known import frame_records
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from support.live_station import LiveStation, write_blank, write_inside

ROLL = Roll("unsorted", "unsorted", "r")


def frame(number):
    return FrameId(ROLL.collection, ROLL.box, ROLL.roll, number)


def station_with(folder, frames, write=write_inside, **station):
    """Return a station whose roll has so many cleaned frames."""
    live = LiveStation(folder, **station)
    live.station.database.parent.mkdir(parents=True, exist_ok=True)
    with closing(open_database(live.station.database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for number in range(1, frames + 1):
            _archive(live, connection, write(folder / "scans" / f"{number}.tif", number), frame(number))
    return live


def _archive(live, connection, scan, name):
    queue, request = Queue(connection), CleanRequest()
    stored = live.archive.copy_original(name, scan, Role.RAW)
    source = SourceFile("raw", stored.sha256, stored.size_bytes, stored.name)
    job = queue.reserve(ROLL, name.number, [source], request)
    queue.enqueue(job.job_id, request.model_copy(update={"originals": (stored,)}))
    lease = queue.take(ProcessId(1, 1), 60.0)
    queue.finish(lease, clean_into_archive(live.archive, name, lease.job.request))
    write_records(connection, frame_records(connection, live.archive.root, name))


def revisions(live, name):
    """Return number and sensitivity of each revision of a frame."""
    return [(one.number, one.options.sensitivity) for one in live.archive.read_sidecar(name).revisions]


__all__ = ["ROLL", "frame", "revisions", "station_with", "write_blank"]
