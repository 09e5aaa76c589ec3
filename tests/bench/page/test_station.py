"""The station of the bench: a long roll whose frames are real for the page, and rolls that only the queue knows."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import tifffile

from bench.frames.large import Planes
from bench.page.station import FRAMES_OF_A_ROLL, LONG_ROLL, drop, fill, make_station
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import SourceFile, find_frame
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.flagged import frames_to_review
from filmscand.daemon.database.sheets.rolls import count_by_roll, count_roll
from support.page_frames import store


def frame(number):
    return FrameId(LONG_ROLL.collection, LONG_ROLL.box, LONG_ROLL.roll, number)


def archive_the_first(station, tmp_path):
    with closing(open_database(station.database)) as connection:
        queue = Queue(connection)
        job = queue.reserve(LONG_ROLL, 1, [SourceFile("raw", "sha", 1000, "1.tif")], CleanRequest())
        queue.enqueue(job.job_id, CleanRequest())
        lease = queue.take(ProcessId(1, 1), 60.0)
        queue.finish(lease, CleanResult(revision=1, created=True, outcome="cleaned", seconds={"total": 1.5}))
    store(Archive(station.archive), tmp_path, frame(1))


def test_the_frames_of_the_long_roll_have_files_and_the_others_have_rows(tmp_path):
    station = make_station(tmp_path / "station")
    archive_the_first(station, tmp_path)
    fill(station, 5, 5 + 3 * FRAMES_OF_A_ROLL)
    archive = Archive(station.archive)
    assert [list(archive.verify(frame(number))) for number in range(1, 6)] == [[]] * 5
    assert archive.read_sidecar(frame(4)).frame_id == frame(4)
    with closing(open_database(station.database)) as connection:
        assert count_roll(connection, LONG_ROLL).frames == 5
        assert [one.frames for one in count_by_roll(connection)] == [FRAMES_OF_A_ROLL] * 3 + [5]
        assert find_frame(connection, frame(5)).result.revision == 1
        assert frames_to_review(connection, ["many_defects"], 10)


def test_dropped_scans_of_the_same_planes_differ(tmp_path):
    station = make_station(tmp_path / "station")
    drop(station, "batch", Planes(np.full((4, 6, 3), 7, np.uint16), np.full((4, 6), 9, np.uint16)), range(3, 5))
    scans = [tifffile.imread(station.root / "drop" / "batch" / f"{number:04d}.tif") for number in (3, 4)]
    assert scans[0].shape == (4, 6, 4)
    assert (scans[0] != scans[1]).sum() == 1
