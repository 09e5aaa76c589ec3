"""A run on a Dask cluster: frames are taken out of the station's queue, cleaned by workers, and entered again."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.bulk.recleaning.cluster.crew import Crew, Wanted
from filmscand.daemon.bulk.recleaning.cluster.holdings import Holdings
from filmscand.daemon.bulk.recleaning.cluster.task import Answer, Order, clean
from filmscand.daemon.bulk.recleaning.comparison import Recleaned, compare, unfinished
from filmscand.daemon.bulk.recleaning.plan import Plan
from filmscand.daemon.core.errors import DaemonError, Fault, TransientError
from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.database.frames import Lease
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.sheets.cleanings import FrameCleaning, cleanings_of
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.station.configuration import Cleaning, Station
from filmscand.ir.identity import engine_identity

if TYPE_CHECKING:
    from distributed import Client, Future

# Between two looks at workers and scheduler while nothing ends, seconds.
_LOOK_S: Final = 0.5
# Frames that are out for each worker: the one that it cleans and the next, so that it never waits for this process.
_FOR_EACH_WORKER: Final = 2
# So many frames in a row that fail because of a share or a model, and not of themselves: the next ones would, too.
_MOST_FAULTS: Final = 3
_CONNECT_S: Final = 15.0
# An answer is a few kilobytes.
_GATHER_S: Final = 5.0


class ClusterMissingError(DaemonError):
    """The package for clusters is not installed."""


class SchedulerSilentError(DaemonError):
    """No scheduler answers at the address, or it does not answer any more."""


class ClusterUnfitError(DaemonError):
    """The workers cannot clean, whatever the frame: their archive or a model cannot be used."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a run needs.

    Attributes
    ----------
    scheduler : str
        Address of the scheduler: `tcp://host:8786`.
    connection : sqlite3.Connection
        A connection that writes.
    changes : Changes
        Changes of the frames' settings.
    work : callable
        What a worker does with an order.
    """

    scheduler: str
    station: Station
    connection: sqlite3.Connection
    changes: Changes
    work: Callable[[Order], Answer] = clean


def clean_on_cluster(plan: Plan, cluster: Cluster) -> Generator[Recleaned, None, None]:
    """Have the frames of a plan cleaned, and yield each when it is entered.

    Raises
    ------
    ClusterMissingError
        The extra `cluster` is not installed.
    SchedulerSilentError
        The scheduler does not answer.
    NoWorkersError
        No worker may clean.
    ClusterUnfitError
        The workers cannot clean.
    """
    require_cluster()
    archive = bound_archive(cluster.station, cluster.connection)
    holdings = Holdings(cluster.connection, archive, cluster.changes)
    with _connected(cluster.scheduler) as client:
        run = _Run(client, cluster, (archive, holdings))
        try:
            yield from run.clean(plan)
        finally:
            run.stop()


def require_cluster() -> None:
    """Require the package `distributed`."""
    if find_spec("distributed") is None:
        advice = pip_install("'distributed>=2025.3'", "the extra `cluster` of filmscand")
        raise ClusterMissingError(f"--scheduler needs the package distributed, which is not installed: {advice}")


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    from distributed import Client

    silent = f"{scheduler}: no Dask scheduler answers"
    try:
        client = Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SchedulerSilentError(f"{silent}: {error}") from error
    try:
        yield client
    except OSError as error:
        # The archive's errors are `DaemonError`s.
        raise SchedulerSilentError(f"{silent} any more: {error}. The same command goes on") from error
    finally:
        with suppress(OSError, TimeoutError):
            client.close()


@dataclass(frozen=True, slots=True)
class _Out:
    """A frame that is out: what it was, the lease, the task, the workers that may do it, and how often it was sent."""

    before: FrameCleaning
    lease: Lease
    future: Future[Answer]
    workers: frozenset[str]
    times: int


class _Run:
    def __init__(self, client: Client, cluster: Cluster, station: tuple[Archive, Holdings]) -> None:
        self._client = client
        self._cluster = cluster
        self._archive, self._holdings = station
        self._identity = identity_of(cluster.connection)
        self._engine = engine_identity().label
        self._crew = Crew(client, Wanted(self._archive.root, self._identity, self._engine))
        self._out: dict[int, _Out] = {}
        self._faults = 0
        # Rung whenever a task ends.
        self._bell = threading.Event()

    def clean(self, plan: Plan) -> Iterator[Recleaned]:
        due = deque([*plan.queued, *plan.due])
        while due or self._out:
            self._crew.look()
            self._send_again()
            while due and (room := _FOR_EACH_WORKER * len(self._crew.workers) - len(self._out)) > 0:
                yield from self._send([due.popleft() for _ in range(min(room, len(due)))])
            self._bell.clear()
            ended = [(one, answer) for one in self._out.values() if (answer := _answer(one.future)) is not None]
            yield from self._enter(ended)
            if not ended:
                self._require_scheduler()
                self._bell.wait(_LOOK_S)

    def stop(self) -> None:
        """Queue what is still out; workers that clean a frame at this moment end it, and it is found done then."""
        with suppress(OSError, TimeoutError):
            self._client.cancel([one.future for one in self._out.values()])
        self._out.clear()
        self._holdings.let_go()

    def _send(self, frames: list[FrameCleaning]) -> Iterator[Recleaned]:
        """Take frames out and have them cleaned; yield those that a worker of the station is cleaning already."""
        held = {lease.job.job_id: lease for lease in self._holdings.take(one.job_id for one in frames)}
        for one in frames:
            if one.job_id not in held:
                yield unfinished(one)
                continue
            self._out[one.job_id] = self._submitted(one, held[one.job_id])

    def _submitted(self, before: FrameCleaning, lease: Lease, times: int = 1) -> _Out:
        job, workers = lease.job, self._crew.workers
        cleaning: Cleaning = self._cluster.station.cleaning
        order = Order(self._archive.root, self._identity, self._engine, job.frame, job.request, cleaning)
        # Wherever it runs, a second time makes nothing: a worker that died took nothing with it but its time.
        key = task_key(order) if times == 1 else f"{task_key(order)}-{times}"
        future = self._client.submit(self._cluster.work, order, key=key, workers=sorted(workers), pure=False)
        future.add_done_callback(self._ring)
        return _Out(before, lease, future, workers, times)

    def _ring(self, _ended: Future[Answer]) -> None:
        self._bell.set()

    def _send_again(self) -> None:
        """Send frames to other workers if all that were to clean them have gone."""
        for job_id, one in list(self._out.items()):
            if not one.future.done() and self._crew.workers and not one.workers & self._crew.workers:
                self._client.cancel([one.future])
                self._out[job_id] = self._submitted(one.before, one.lease, one.times + 1)

    def _enter(self, ended: list[tuple[_Out, Answer]]) -> Iterator[Recleaned]:
        if not ended:
            return
        self._holdings.enter([(one.lease, answer) for one, answer in ended])
        rows = cleanings_of(self._cluster.connection, [one.before.job_id for one, _ in ended])
        now = {one.job_id: one for one in rows}
        for one, answer in ended:
            del self._out[one.before.job_id]
            self._tidy(one)
            if answer.fault in (None, Fault.FRAME):
                self._faults = 0
                yield compare(one.before, now[one.before.job_id])
                continue
            self._faults += 1
            yield unfinished(one.before, answer.error)
            if self._faults >= _MOST_FAULTS:
                raise ClusterUnfitError(
                    f"{self._faults} frames in a row could not be cleaned; the last: {answer.error}"
                )

    def _tidy(self, one: _Out) -> None:
        """Remove what a worker left behind that died over the frame."""
        if one.workers - self._crew.workers:
            with suppress(OSError, TransientError):
                self._archive.remove_leftovers([one.lease.job.frame])

    def _require_scheduler(self) -> None:
        if self._client.status != "running":
            raise SchedulerSilentError(
                f"{self._cluster.scheduler}: the Dask scheduler is gone; start it, and the same command goes on"
            )


def task_key(order: Order) -> str:
    """Return the name of a frame's task: equal for the same frame, originals, options and engine."""
    # Two frames may have the same originals: one that was archived twice.
    inputs = [file.sha256 for file in order.request.originals]
    options = order.request.model_dump_json(include={"film", "sensitivity", "fourth_sample_is_infrared"})
    whole = "\n".join((str(order.frame), *inputs, options, order.cleaning.model_dump_json(), order.engine))
    return f"clean-{hashlib.sha256(whole.encode()).hexdigest()}"


def _answer(future: Future[Answer]) -> Answer | None:
    """Return what came of a task, None before it has ended; without an answer, it says nothing about its frame."""
    if not future.done():
        return None
    if future.status == "finished":
        try:
            return future.result(timeout=_GATHER_S)
        except TimeoutError:
            # The worker that had the answer died: another one does the task again.
            return None
    error = None if future.cancelled() else future.exception()
    if type(error).__name__ == "KilledWorker":
        return Answer(None, f"every worker that cleaned it died: {error}", Fault.FRAME)
    return Answer(None, f"the cluster lost the task: {error or 'cancelled'}", Fault.WORLD)
