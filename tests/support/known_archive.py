"""An archive of frames, and the database of the station that made them."""

from __future__ import annotations

from contextlib import closing

from filmscand.daemon.archive.records.known import frame_records
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, SourceFile
from filmscand.daemon.database.restore import RestoredFrame, restore_frame
from support.archive_frames import complete


def archive_known_frame(archive, folder, database, frame, *, records=True):
    """Put a complete frame into the archive, with its row and its digests in the database."""
    source = folder / f"{frame.stem}.source"
    source.mkdir(exist_ok=True)
    sidecar = complete(archive, source, frame)
    row = RestoredFrame(
        frame=frame,
        state=JobState.FINISHED,
        outcome=JobOutcome.ARCHIVED,
        source="scan.tif",
        request=CleanRequest(originals=sidecar.originals),
        sources=[SourceFile("raw", f"{frame.number:064d}", 1, "scan.tif")],
        result=None,
        error=None,
        created_at=1.0,
        finished_at=2.0,
    )
    with closing(open_database(database)) as connection:
        restore_frame(connection, row)
        if records:
            write_records(connection, frame_records(connection, archive.root, frame))
    return sidecar
