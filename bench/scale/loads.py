"""The real queue and the real scheduler on empty frames: how many go through them in a second."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from bench.measures.dask_cluster import DaskCluster
from bench.measures.process import seconds_of
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.bulk.recleaning.cluster.run import Cluster, clean_on_cluster
from filmscand.daemon.bulk.recleaning.cluster.task import Answer, Order
from filmscand.daemon.bulk.recleaning.plan import Choice, Plan, plan_recleaning
from filmscand.daemon.core.process_id import this_process
from filmscand.daemon.core.request import CleanResult
from filmscand.daemon.database.archive_records import ArchiveRecord, write_records
from filmscand.daemon.database.connection import open_database, reopen_database, transaction
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.station.configuration import Station

# Tasks that are with the scheduler at once, of the load on Dask alone.
_WINDOW: Final = 2000
_DIGEST: Final = "0" * 64


def queue_rate(station: Station, result: CleanResult, workers: int, frames: int | None = None) -> float:
    """Return how many frames in a second worker processes take and finish that do nothing with them.

    Parameters
    ----------
    frames : int, optional
        Take only so many; default: all.
    """
    each = None if frames is None else frames // workers
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # Every process starts and imports first.
        list(pool.map(_wait, [1.0] * workers))
        began = time.perf_counter()
        done = list(pool.map(_take_and_finish, *zip(*[(station.database, result, each)] * workers, strict=True)))
        return sum(done) / (time.perf_counter() - began)


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _take_and_finish(database: Path, result: CleanResult, at_most: int | None) -> int:
    done = 0
    with closing(reopen_database(database)) as connection:
        queue = Queue(connection)
        while (at_most is None or done < at_most) and (lease := queue.take(this_process(), 600.0)) is not None:
            frame = lease.job.frame
            with transaction(connection):
                queue.finish(lease, result)
                sidecar = ArchiveRecord(f"{frame.folder}/{frame.stem}.json", 1, _DIGEST)
                write_records(connection, [sidecar, ArchiveRecord(f"{frame.roll_folder}/{EVENTS}", 1, _DIGEST)])
            done += 1
    return done


def queue_again_rate(station: Station) -> float:
    """Return how many frames in a second are queued again."""
    with closing(open_database(station.database)) as connection:
        job_ids = [row[0] for row in connection.execute("SELECT job_id FROM frames")]
        return len(job_ids) / seconds_of(lambda: Queue(connection).retry_all(job_ids, {}))


def planned(station: Station, name: str) -> tuple[Plan, float]:
    """Plan to clean a part of the station again; return the plan, and the frames that were looked at in a second."""
    with closing(open_database(station.database)) as connection:
        archive, asked = bound_archive(station, connection), (Choice((name,)), Changes())
        began = time.perf_counter()
        plan = plan_recleaning(connection, archive, station.cleaning, asked)
        return plan, plan.frames / (time.perf_counter() - began)


def scheduler_rate(cluster: DaskCluster, tasks: int) -> float:
    """Return how many tasks in a second go through the scheduler of Dask that do nothing."""
    from distributed import Client, as_completed

    # `as_completed` asks for the client of the process.
    with Client(cluster.address) as client:
        client.submit(_wait, 0.0, pure=False).result()
        numbers = iter(range(tasks))
        began = time.perf_counter()
        running = as_completed(client.map(_nothing, list(islice(numbers, _WINDOW)), pure=False))
        for _ in running:
            for number in islice(numbers, 1):
                running.add(client.submit(_nothing, number, pure=False))
        return tasks / (time.perf_counter() - began)


def _nothing(number: int) -> int:
    return number


def command_rate(station: Station, cluster: DaskCluster, plan: Plan, result: CleanResult) -> float:
    """Return how many frames in a second a run on a cluster takes out and enters whose workers do nothing."""
    with closing(open_database(station.database)) as connection:
        answered = Answered(result)
        run = clean_on_cluster(plan, Cluster(cluster.address, station, connection, Changes(), answered))
        began = time.perf_counter()
        return sum(1 for _ in run) / (time.perf_counter() - began)


class Answered:
    """What a worker does that does nothing: it answers with a result.

    Parameters
    ----------
    result : CleanResult
        The answer.
    """

    def __init__(self, result: CleanResult) -> None:
        self._result = result

    def __call__(self, _order: Order) -> Answer:
        return Answer(self._result)
