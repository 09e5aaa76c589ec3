"""Frames of a station for tests of its page: queued, and finished with files in the archive."""

from __future__ import annotations

import numpy as np
import tifffile

from filmscand.daemon.archive.frames.revisions import RevisionContent
from filmscand.daemon.archive.records.sidecar import Sidecar, frame_record
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult, Role
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from filmscand.drivers.base import CaptureInfo
from filmscand.drivers.files.writer import TiffTags
from support.archive_frames import counts, revision

ROLL = Roll("museum", "box-1", "roll-a")


def put(connection, name, request=None):
    """Queue one more frame of the roll."""
    queue = Queue(connection)
    request = request or CleanRequest(sensitivity=0.5)
    job = queue.reserve(ROLL, 1, [SourceFile("raw", f"sha-of-{name}", 1000, name)], request)
    return queue.enqueue(job.job_id, request)


def finish(connection, station, tmp_path, warnings=()):
    """Finish the next queued frame: its files are in the archive."""
    queue = Queue(connection)
    lease = queue.take(ProcessId(1, 1), 60.0)
    store(Archive(station.archive), tmp_path, lease.job.frame)
    return queue.finish(
        lease, CleanResult(revision=1, created=True, outcome="cleaned", warnings=warnings, seconds={"total": 1.5})
    )


def store(archive, tmp_path, frame):
    rgb = counts((90, 120, 3), frame.number)
    tifffile.imwrite(tmp_path / f"{frame.stem}.tif", rgb, photometric="rgb", metadata=None)
    raw = archive.copy_original(frame, tmp_path / f"{frame.stem}.tif", Role.RAW)
    mask = np.zeros((90, 120), np.bool_)
    mask[40:44, 50:60] = True
    tags = TiffTags(document_name="x")
    files = archive.store_revision(frame, RevisionContent(1, rgb, mask, (rgb >> 8).astype(np.uint8), tags, tags)).files
    archive.write_sidecar(
        frame,
        Sidecar(
            frame=frame_record(frame),
            film=FilmKind.SLIDE,
            capture=CaptureInfo(rows=90, cols=120, layout="tiff_rgb"),
            originals=(raw,),
            revisions=(revision(1, files),),
        ),
    )
