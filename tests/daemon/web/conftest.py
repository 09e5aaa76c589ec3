"""What tests of the page ask for by name: a station with a few frames, and its page."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from filmscand.daemon.archive.frames.revisions import RevisionContent
from filmscand.daemon.archive.records.sidecar import Sidecar, frame_record
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult, Role
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.station.configuration import Page, Station
from filmscand.drivers.base import CaptureInfo
from filmscand.drivers.files.writer import TiffTags
from support.archive_frames import counts, revision, write
from support.page_site import served

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
    raw = archive.copy_original(frame, write(tmp_path / f"{frame.stem}.tif"), Role.RAW)
    rgb = counts((90, 120, 3), frame.number)
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


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station", page=Page(port=0))


@pytest.fixture
def connection(station):
    station.database.parent.mkdir(parents=True)
    with closing(open_database(station.database)) as opened:
        yield opened


@pytest.fixture
def frames(connection, station, tmp_path):
    """Three frames of one roll: one done, one done and flagged, one that waits."""
    for name in ("one.tif", "two.tif", "three.tif"):
        put(connection, name)
    finish(connection, station, tmp_path)
    finish(connection, station, tmp_path, warnings=("many_defects", "silver_film"))
    return [FrameId(ROLL.collection, ROLL.box, ROLL.roll, number) for number in (1, 2, 3)]


@pytest.fixture
def page(connection, station):
    with served(station) as site:
        yield site
