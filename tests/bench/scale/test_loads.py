"""A few empty frames go through the real queue and the real scheduler, and every one of them is counted."""

from __future__ import annotations

from contextlib import closing

import pytest

from bench.measures.dask_cluster import DaskCluster
from bench.scale.frame_cost import FrameCost
from bench.scale.loads import command_rate, planned, queue_again_rate, queue_rate, scheduler_rate
from bench.scale.rows import add_records, database_cost, empty_result, make_station
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, count_frames
from support.queue_rows import RESULT

ORIGINAL = StoredFile(role=Role.RAW, name="a.tif", size_bytes=1, sha256="0" * 64, sha512="0" * 128)
COST = FrameCost(10.0, 200_000_000, 100_000_000, 8000, 4000, 3, 3, ORIGINAL, RESULT)
FRAMES = 50


@pytest.fixture
def station(tmp_path):
    (tmp_path / "station").mkdir()
    return make_station(tmp_path / "station", COST, FRAMES)


def counted(station):
    with closing(open_database(station.database)) as connection:
        return count_frames(connection)


def test_frames_go_through_the_queue_and_through_a_cluster(station, tmp_path):
    result = empty_result(COST)
    assert queue_rate(station, result, 1, 10) > 0
    assert counted(station) == {(JobState.FINISHED, JobOutcome.ARCHIVED): 10, (JobState.QUEUED, None): 40}
    assert queue_rate(station, result, 2) > 0
    assert counted(station) == {(JobState.FINISHED, JobOutcome.ARCHIVED): FRAMES}
    # The frame, its raw file, its sidecar; and of two rolls the events and the counts.
    assert database_cost(station, FRAMES).rows == pytest.approx(3 + 5 / FRAMES, abs=0.05)
    plan, rate = planned(station, "bench")
    assert (plan.frames, rate > 0) == (FRAMES, True)
    add_records(station, COST, FRAMES)
    with DaskCluster(tmp_path) as cluster:
        cluster.add_worker("one")
        assert scheduler_rate(cluster, 20) > 0
        assert command_rate(station, cluster, plan, result) > 0
    assert counted(station) == {(JobState.FINISHED, JobOutcome.ARCHIVED): FRAMES}
    assert queue_again_rate(station) > 0
    assert counted(station) == {(JobState.QUEUED, None): FRAMES}
