"""The worker processes: started, restarted when they die, killed when they hang, stopped when the service stops."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from filmscand.daemon.cleaning.worker import EXIT_OUT_OF_MEMORY, WorkerPlan, work
from filmscand.daemon.core.process_id import ProcessId, identify
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.database.frames import HeldFrame, Job
from filmscand.daemon.database.queue import Queue

log = logging.getLogger(__name__)

# A worker that dies this young and held no frame dies of something else: it is not started again at once.
_YOUNG_S = 10.0


@dataclass(slots=True)
class _Member:
    process: BaseProcess
    orders: Connection
    identity: ProcessId
    started_s: float
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that ended when nobody had asked it to.

    Attributes
    ----------
    reason : str
        How it died.
    job : Job or None
        The frame that it held, as it stands in the queue now.
    """

    reason: str
    job: Job | None


class WorkerPool:
    """All workers of the station. Only to be used from the main thread, whose end would otherwise kill them.

    Parameters
    ----------
    plan : WorkerPlan
        What each of them is told.
    count : int
        How many there are.
    """

    def __init__(self, plan: WorkerPlan, count: int) -> None:
        self._plan = plan
        self._count = count
        # fork would take along locks of threads that exist only in the parent, numba's among them.
        self._context = multiprocessing.get_context("spawn")
        self._members: list[_Member] = []
        self._early_deaths = 0
        self._start_at_s = 0.0

    @property
    def early_deaths(self) -> int:
        """Return how many workers in a row died young without a frame."""
        return self._early_deaths

    def fill(self) -> None:
        """Start the workers that are missing, unless they only just died."""
        while len(self._members) < self._count and time.monotonic() >= self._start_at_s:
            self._members.append(self._start())

    def handles(self) -> list[int]:
        """Return what becomes ready when a worker ends."""
        return [member.process.sentinel for member in self._members]

    def wake(self) -> None:
        """Tell every idle worker that there may be something to do."""
        self._tell("wake")

    def collect(self, queue: Queue) -> list[Loss]:
        """Bury the workers that have ended, and take their frames up again.

        Parameters
        ----------
        queue : Queue
            Where their frames are.

        Returns
        -------
        list of Loss
            Those that did not end of their own will.
        """
        losses = []
        for member in [member for member in self._members if not member.process.is_alive()]:
            loss = self._bury(member, queue)
            self._remove(member)
            if loss is not None:
                losses.append(loss)
        return losses

    def kill_overdue(self, held: Iterable[HeldFrame]) -> None:
        """Kill the workers that give no sign of life, or have been at one frame for too long."""
        for frame in held:
            member = next((member for member in self._members if member.identity == frame.worker), None)
            if member is None:
                continue
            if frame.age_s > self._plan.timing.frame_limit_s:
                member.verdict = f"killed: the frame took longer than {self._plan.timing.frame_limit_s:g} s"
            elif frame.overdue_s > 0:
                member.verdict = "killed: it gave no sign of life"
            if member.verdict is not None:
                member.process.kill()

    def stop(self, queue: Queue, at_most_s: float) -> list[Job]:
        """Let every worker finish the frame at hand; kill those that take too long and give their frames back.

        Returns
        -------
        list of Job
            The frames that were given back.
        """
        self._tell("stop")
        deadline_s = time.monotonic() + at_most_s
        while alive := [member.process.sentinel for member in self._members if member.process.is_alive()]:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            wait(alive, left_s)
        given_back = []
        for member in list(self._members):
            member.process.kill()
            member.process.join()
            job = queue.release(member.identity, interrupted=False)
            if job is not None:
                given_back.append(job)
            self._remove(member)
        return given_back

    def _start(self) -> _Member:
        theirs, ours = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work, args=(self._plan, theirs), name="filmscand worker", daemon=False)
        process.start()
        # Only the worker may hold its end, or it would never notice that ours is gone.
        theirs.close()
        assert process.pid is not None
        identity = identify(process.pid)
        assert identity is not None
        return _Member(process, ours, identity, time.monotonic())

    def _bury(self, member: _Member, queue: Queue) -> Loss | None:
        member.process.join()
        if member.process.exitcode == 0:
            queue.release(member.identity, interrupted=False)
            self._early_deaths = 0
            return None
        reason = member.verdict or _cause_of_death(member.process.exitcode, self._plan)
        job = queue.bury(member.identity, reason)
        young = job is None and time.monotonic() - member.started_s < _YOUNG_S
        self._early_deaths = self._early_deaths + 1 if young else 0
        if young:
            self._start_at_s = time.monotonic() + backoff_s(self._early_deaths - 1, self._plan.timing.retry_first_s)
        return Loss(reason, job)

    def _remove(self, member: _Member) -> None:
        member.orders.close()
        member.process.close()
        self._members.remove(member)

    def _tell(self, order: str) -> None:
        for member in self._members:
            try:
                member.orders.send(order)
            except OSError:
                # It has just died; `collect` will find it.
                continue


def _cause_of_death(exit_code: int | None, plan: WorkerPlan) -> str:
    if exit_code == EXIT_OUT_OF_MEMORY:
        return f"its worker needed more than the {plan.memory_limit_bytes >> 20} MiB of workers.memory_limit_mib"
    if exit_code is not None and exit_code < 0:
        return f"its worker was killed by {signal.Signals(-exit_code).name}"
    return f"its worker ended with status {exit_code}"
