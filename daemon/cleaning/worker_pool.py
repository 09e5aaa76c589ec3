"""The pool of worker processes: starts them, replaces dead ones, kills those that hang, stops them with the service."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from filmscand.daemon.cleaning.worker import EXIT_OUT_OF_MEMORY, WorkerPlan, work
from filmscand.daemon.core.process_id import ProcessId, identify
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.database.frames import HeldFrame, Job
from filmscand.daemon.database.queue import Queue

log = logging.getLogger(__name__)

# If a worker dies so soon after its start without a frame, the fault is not a frame: the next start has to wait.
_EARLY_DEATH_S = 10.0


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    commands: Connection
    identity: ProcessId
    started_s: float
    kill_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A worker that ended without being asked to.

    Attributes
    ----------
    reason : str
        Cause of its death.
    job : Job or None
        The frame that it was cleaning, as the queue has it now; None if it had none.
    """

    reason: str
    job: Job | None


class WorkerPool:
    """All workers of the station. Use it from the main thread only: workers die with the thread that started them.

    Parameters
    ----------
    plan : WorkerPlan
        Instructions for each worker.
    count : int
        Number of workers, from 1.
    clock_s : callable
        Returns seconds of a clock that nobody sets: pauses before the next start are measured by it.
    """

    def __init__(self, plan: WorkerPlan, count: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._count = count
        self._clock_s = clock_s
        # fork would copy locks that other threads of the parent hold, numba's among them.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._early_deaths = 0
        self._failed_starts = 0
        self._start_problem: str | None = None
        self._start_at_s = 0.0

    @property
    def early_deaths(self) -> int:
        """Return the number of workers in a row that died soon after their start, without a frame."""
        return self._early_deaths

    @property
    def start_problem(self) -> str | None:
        """Return why the last start of a worker failed (no file descriptor, process or memory left); None if not."""
        return self._start_problem

    def fill(self) -> None:
        """Start the missing workers, unless a pause after an early death or a failed start has to pass first."""
        while len(self._workers) < self._count and self._clock_s() >= self._start_at_s:
            try:
                self._workers.append(self._start())
            except (OSError, MemoryError, EOFError) as error:
                # The machine's fault, and it may pass: what runs goes on.
                self._start_problem = str(error) or type(error).__name__
                log.error("a worker cannot be started: %s", self._start_problem)
                self._start_at_s = self._clock_s() + backoff_s(
                    self._failed_starts, self._plan.timing.retry_first_s, self._plan.timing.retry_cap_s
                )
                self._failed_starts += 1
            else:
                self._failed_starts, self._start_problem = 0, None

    def handles(self) -> list[int]:
        """Return the handles that become ready when a worker ends (see `multiprocessing.connection.wait`)."""
        return [worker.process.sentinel for worker in self._workers]

    def wake(self) -> None:
        """Wake every idle worker, because a frame was queued."""
        self._send("wake")

    def collect(self, queue: Queue) -> list[Loss]:
        """Remove the workers that have ended, and give their frames back to the queue.

        Parameters
        ----------
        queue : Queue
            The queue of frames.

        Returns
        -------
        list of Loss
            The workers that ended without being asked to.
        """
        losses = []
        for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
            loss = self._settle_dead(worker, queue)
            self._remove(worker)
            if loss is not None:
                losses.append(loss)
        return losses

    def kill_overdue(self, held: Iterable[HeldFrame]) -> None:
        """Kill the workers without a heartbeat, and those that take too long for one frame.

        Parameters
        ----------
        held : iterable of HeldFrame
            The frames that workers hold.
        """
        for frame in held:
            worker = next((worker for worker in self._workers if worker.identity == frame.worker), None)
            if worker is None:
                continue
            if frame.age_s > self._plan.timing.frame_limit_s:
                worker.kill_reason = f"killed: the frame took longer than {self._plan.timing.frame_limit_s:g} s"
            elif frame.overdue_s > 0:
                worker.kill_reason = "killed: no heartbeat"
            if worker.kill_reason is not None:
                worker.process.kill()

    def stop(self, queue: Queue, at_most_s: float) -> list[Job]:
        """Let every worker finish its current frame; kill those that take too long and give their frames back.

        Parameters
        ----------
        queue : Queue
            The queue of frames.
        at_most_s : float
            Time for the current frames, seconds.

        Returns
        -------
        list of Job
            The frames that were given back to the queue.
        """
        self._send("stop")
        deadline_s = time.monotonic() + at_most_s
        while alive := [worker.process.sentinel for worker in self._workers if worker.process.is_alive()]:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            wait(alive, left_s)
        given_back = []
        for worker in list(self._workers):
            worker.process.kill()
            worker.process.join()
            job = queue.release(worker.identity, interrupted=False)
            if job is not None:
                given_back.append(job)
            self._remove(worker)
        return given_back

    def _start(self) -> _Worker:
        worker_end, our_end = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=work, args=(self._plan, worker_end), name="filmscand worker", daemon=False
        )
        try:
            process.start()
        except BaseException:
            our_end.close()
            raise
        finally:
            # Close our copy of the worker's end: else the worker would not notice when our end closes.
            worker_end.close()
        assert process.pid is not None
        identity = identify(process.pid)
        if identity is None:
            # Without a descriptor for /proc it would be a worker that nobody can bury.
            process.kill()
            our_end.close()
            raise ChildProcessError(f"process {process.pid} cannot be identified")
        return _Worker(process, our_end, identity, self._clock_s())

    def _settle_dead(self, worker: _Worker, queue: Queue) -> Loss | None:
        worker.process.join()
        if worker.process.exitcode == 0:
            queue.release(worker.identity, interrupted=False)
            self._early_deaths = 0
            return None
        reason = worker.kill_reason or _cause_of_death(worker.process.exitcode, self._plan)
        job = queue.bury(worker.identity, reason)
        early = job is None and self._clock_s() - worker.started_s < _EARLY_DEATH_S
        self._early_deaths = self._early_deaths + 1 if early else 0
        if early:
            self._start_at_s = self._clock_s() + backoff_s(self._early_deaths - 1, self._plan.timing.retry_first_s)
        return Loss(reason, job)

    def _remove(self, worker: _Worker) -> None:
        worker.commands.close()
        worker.process.close()
        self._workers.remove(worker)

    def _send(self, command: str) -> None:
        for worker in self._workers:
            try:
                worker.commands.send(command)
            except OSError:
                # The worker has just died; `collect` removes it.
                continue


def _cause_of_death(exit_code: int | None, plan: WorkerPlan) -> str:
    if exit_code == EXIT_OUT_OF_MEMORY:
        return f"its worker needed more than the {plan.memory_limit_bytes >> 20} MiB of workers.memory_limit_mib"
    if exit_code is not None and exit_code < 0:
        return f"its worker was killed by {signal.Signals(-exit_code).name}"
    return f"its worker ended with status {exit_code}"
