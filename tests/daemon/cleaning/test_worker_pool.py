"""The pool of real worker processes without frames; with frames it is in test_worker.py."""

from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import closing
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from filmscand.daemon.cleaning.worker import WorkerPlan
from filmscand.daemon.cleaning.worker_pool import WorkerPool
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import LogLevel, Station
from support.queue_rows import Clock

TIMING = Timing(worker_poll_s=60.0, retry_first_s=0.4)


def make_pool(root, count, supervisor_pid=None, clock_s=None):
    plan = WorkerPlan(
        database=root / "station.db",
        archive=root / "archive",
        threads=1,
        memory_limit_bytes=2048 << 20,
        supervisor_pid=os.getpid() if supervisor_pid is None else supervisor_pid,
        log_level=LogLevel.WARNING,
        timing=TIMING,
    )
    return WorkerPool(plan, count, clock_s or time.monotonic)


@pytest.fixture
def queue(tmp_path):
    with closing(connect_station(Station(root=tmp_path))) as connection:
        yield Queue(connection)


def test_idle_workers_end_when_they_are_told_to_stop(queue, tmp_path):
    pool = make_pool(tmp_path, 2)
    pool.fill()
    pool.fill()
    assert len(pool.handles()) == 2
    pool.wake()
    assert pool.stop(queue, 60.0) == []
    assert pool.handles() == []


def test_a_worker_that_dies_early_without_a_frame_is_replaced_after_a_pause(queue, tmp_path):
    clock = Clock()
    pool = make_pool(tmp_path, 1, clock_s=clock)
    try:
        pool.fill()
        os.kill(wait_for_child(), signal.SIGKILL)
        assert wait(pool.handles())
        # The handle is ready a moment before the kernel reports the end of the process.
        while not (losses := pool.collect(queue)):
            assert wait(pool.handles())
        (loss,) = losses
        assert (loss.reason, loss.job) == ("its worker was killed by SIGKILL", None)
        assert pool.early_deaths == 1
        pool.fill()
        assert pool.handles() == []
        clock.now += TIMING.retry_first_s
        pool.fill()
        assert len(pool.handles()) == 1
    finally:
        pool.stop(queue, 0.0)


def test_without_a_file_descriptor_for_a_worker_the_pool_tries_again_after_a_pause(queue, tmp_path):
    clock = Clock()
    pool = make_pool(tmp_path, 1, clock_s=clock)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        pool.fill()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert pool.handles() == []
        assert "Too many open files" in pool.start_problem
        clock.now += TIMING.retry_first_s
        pool.fill()
        assert (len(pool.handles()), pool.start_problem) == (1, None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        pool.stop(queue, 0.0)


def wait_for_child(at_most_s=120.0):
    """Return the number of the only worker process; just after its start it still runs under the name of this one."""
    deadline_s = time.monotonic() + at_most_s
    while not (pids := children()):
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
    (pid,) = pids
    return pid


def children():
    """Return the worker processes of this one."""
    lists = Path("/proc/self/task").glob("*/children")
    pids = [int(pid) for path in lists for pid in path.read_text().split()]
    return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
