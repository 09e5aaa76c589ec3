"""A worker process: it cleans one frame after the other until it is told to stop or its supervisor is gone.

A worker may die at any time. Its frame is leased, so another worker takes it over. Its memory is limited, so a frame
that needs too much fails alone and takes neither the service nor the machine with it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from filmscand.daemon.archive.records.known import frame_records, memory_in
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.engine_options import missing_model
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.cleaning.warm_up import announcement, missing_kernels
from filmscand.daemon.core.errors import ArchiveMissingError, Fault, RollFrozenError, whose
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.limited_process import RESERVED_BYTES
from filmscand.daemon.core.process_id import this_process
from filmscand.daemon.core.request import CleanResult
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, MODEL_ALARM, Alarms
from filmscand.daemon.database.archive_records import ArchiveRecord, write_records
from filmscand.daemon.database.connection import reopen_database, transaction
from filmscand.daemon.database.frames import Lease
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.database.queue import LeaseLostError, Queue
from filmscand.daemon.database.trouble import DatabaseMissingError, DatabaseReplacedError
from filmscand.daemon.station.configuration import Cleaning, LogLevel
from filmscand.daemon.station.logs import frame_in_logs, set_up_logging
from filmscand.drivers.base import DriverError

log = logging.getLogger(__name__)

T = TypeVar("T")

EXIT_OUT_OF_MEMORY = 75
_PR_SET_PDEATHSIG = 1
# Niceness of a worker. It gets a tenth of a core beside a process that scans, and does not starve on a busy machine.
_BEHIND_SCANNING = 10
# Share of the memory limit. A worker that still holds more than this after a frame is replaced by a new process.
_RECYCLE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """The settings of a worker.

    Attributes
    ----------
    database, archive : Path
        The station's database and the top of its archive.
    threads : int
        Number of cores that one worker may use.
    memory_limit_bytes : int
        Memory that one worker may use.
    supervisor_pid : int
        The supervisor's process; the worker dies with it.
    cleaning : Cleaning
        Detector and models of the station; the sensitivity comes with each frame.
    """

    database: Path
    archive: Path
    threads: int
    memory_limit_bytes: int
    supervisor_pid: int
    log_level: LogLevel
    timing: Timing
    cleaning: Cleaning = field(default_factory=Cleaning)


def work(plan: WorkerPlan, orders: Connection) -> None:
    """Clean frames until told to stop (the entry of the process).

    Parameters
    ----------
    plan : WorkerPlan
        What it is told once.
    orders : Connection
        Where "wake" and "stop" come from; its end means that the supervisor is gone.
    """
    _bind_to_supervisor(plan.supervisor_pid)
    set_up_logging(plan.log_level)
    with suppress(PermissionError):
        # A scanner that is read too slowly stops and starts again in the middle of a slide; a queued frame can wait.
        os.nice(_BEHIND_SCANNING)
    _load_libraries(plan.threads)
    limit_bytes = plan.memory_limit_bytes + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
    try:
        with closing(reopen_database(plan.database)) as connection:
            Worker(plan, connection, orders).run()
    except (DatabaseMissingError, DatabaseReplacedError) as error:
        log.error("%s", error)
        raise SystemExit(1) from None
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        log.error("out of memory: the limit is %d MiB", plan.memory_limit_bytes >> 20)
        # Skip Python's own cleanup, which needs memory too.
        os._exit(EXIT_OUT_OF_MEMORY)


class Worker:
    """The loop of one worker process."""

    def __init__(self, plan: WorkerPlan, connection: sqlite3.Connection, orders: Connection) -> None:
        self._plan = plan
        self._orders = orders
        self._connection = connection
        self._queue = Queue(connection)
        self._alarms = Alarms(connection)
        self._archive = Archive(plan.archive, identity_of(connection), memory_in(connection))
        self._identity = this_process()
        self._missing_model: str | None = None

    def run(self) -> None:
        """Take and clean frames until the supervisor says stop or the process keeps too much memory."""
        self._repeat(self._look_for_models)
        while not self._must_stop(0.0):
            lease = self._take()
            if lease is None:
                if self._must_stop(self._plan.timing.worker_poll_s):
                    return
                self._repeat(self._look_for_models)
                continue
            with frame_in_logs(lease.job.frame), _heartbeats(self._plan, lease):
                self._clean(lease)
            if _resident_bytes() > _RECYCLE_SHARE * self._plan.memory_limit_bytes:
                log.info("this worker still holds %d MiB and is replaced", _resident_bytes() >> 20)
                return

    def _look_for_models(self) -> None:
        """Raise the alarm while a model file is gone, also before a frame needs it."""
        missing = missing_model(self._plan.cleaning)
        if missing is not None and missing != self._missing_model:
            if self._alarms.raise_alarm(MODEL_ALARM, missing):
                log.error("%s", missing)
        elif missing is None and self._missing_model is not None:
            self._alarms.clear(MODEL_ALARM)
        self._missing_model = missing

    def _take(self) -> Lease | None:
        """Take a frame, unless the archive is not there or the database is one that will be forgotten."""
        require_in_place(self._connection, self._plan.database)
        try:
            self._archive.require_present()
        except ArchiveMissingError:
            # The supervisor raises the alarm.
            return None
        return self._repeat(lambda: self._queue.take(self._identity, self._plan.timing.lease_s))

    def _clean(self, lease: Lease) -> None:
        try:
            result = clean_into_archive(self._archive, lease.job.frame, lease.job.request, self._plan.cleaning)
            records = frame_records(self._connection, self._archive.root, lease.job.frame)
        except Exception as error:
            if _is_out_of_memory(error):
                raise
            fault = whose(error)
            if fault is Fault.FRAME and (gone := self._archive_problem()) is not None:
                # Half a file was read when the disk went: that says nothing about the frame.
                error, fault = gone, Fault.WORLD
            if fault is not Fault.FRAME:
                self._give_back(lease, error, MODEL_ALARM if fault is Fault.CONFIGURATION else ARCHIVE_ALARM)
                return
            # The frame or the engine is at fault, so the error would come again: no retry. Only where the file is sound
            # does a person need to know the place in the code.
            log.error("%s failed: %s", lease.job.frame, error, exc_info=not isinstance(error, DriverError))
            reason = f"{type(error).__name__}: {error}"
            self._repeat(lambda: self._queue.fail(lease, reason))
        else:
            self._repeat(lambda: self._finish(lease, result, records))
            _tell(lease.job.frame, result)

    def _archive_problem(self) -> ArchiveMissingError | None:
        try:
            self._archive.require_present()
        except ArchiveMissingError as error:
            return error
        return None

    def _finish(self, lease: Lease, result: CleanResult, records: Iterable[ArchiveRecord]) -> None:
        with transaction(self._connection):
            self._queue.finish(lease, result)
            write_records(self._connection, records)
            self._alarms.clear(ARCHIVE_ALARM)
            if missing_model(self._plan.cleaning) is None:
                self._alarms.clear(MODEL_ALARM)

    def _give_back(self, lease: Lease, error: Exception, alarm: str) -> None:
        timing = self._plan.timing
        delay_s = backoff_s(lease.job.retries, timing.retry_first_s, timing.retry_cap_s)
        self._repeat(lambda: self._queue.give_back(lease, str(error), delay_s))
        # A frozen roll has an alarm of its own.
        if not isinstance(error, RollFrozenError) and self._repeat(lambda: self._alarms.raise_alarm(alarm, str(error))):
            log.error("%s; retried until it works", error)

    def _repeat(self, action: Callable[[], T]) -> T:
        """Repeat an action until the database answers: the result of a cleaned frame must not be lost."""
        failures = 0
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                log.warning("the database does not answer: %s", error)
                time.sleep(backoff_s(failures, self._plan.timing.retry_first_s, self._plan.timing.retry_cap_s))
                failures += 1

    def _must_stop(self, at_most_s: float) -> bool:
        try:
            while self._orders.poll(at_most_s):
                if self._orders.recv() == "stop":
                    return True
                at_most_s = 0.0
        except EOFError:
            return True
        return False


def _is_out_of_memory(error: BaseException) -> bool:
    # If there is no room for the stack of a new thread, Python raises a RuntimeError with this text.
    return isinstance(error, MemoryError) or str(error) == "can't start new thread"


def _tell(frame: FrameId, result: CleanResult) -> None:
    report = result.report
    log.info(
        "%s archived, revision %d: leakage %.3f, threshold %.3f, %d defects on %.3f %%, %.2f s",
        frame,
        result.revision,
        report.leakage.red or 0.0,
        report.threshold or 0.0,
        report.defects_found or 0,
        100.0 * (report.coverage or 0.0),
        result.seconds.get("total", 0.0),
    )


@contextmanager
def _heartbeats(plan: WorkerPlan, lease: Lease) -> Iterator[None]:
    """Renew the lease from a separate thread while the block runs."""
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(plan, lease, over), name="heartbeat", daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()


def _beat(plan: WorkerPlan, lease: Lease, over: threading.Event) -> None:
    while not over.wait(plan.timing.lease_s / 4):
        try:
            with closing(reopen_database(plan.database)) as connection:
                Queue(connection).heartbeat(lease, plan.timing.lease_s)
        except LeaseLostError:
            if not over.is_set():
                # Another worker may hold the frame now, and two workers must not write one frame.
                os._exit(1)
        except sqlite3.Error as error:
            log.warning("no heartbeat: %s", error)
        except MemoryError:
            # The frame's own thread may hang, waiting for a thread that could not be started.
            os._exit(EXIT_OUT_OF_MEMORY)


def _bind_to_supervisor(supervisor_pid: int) -> None:
    # Ctrl-C at a terminal reaches every process; only the supervisor decides about the current frame.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        log.warning("prctl: %s", os.strerror(ctypes.get_errno()))
    if os.getppid() != supervisor_pid:
        os._exit(1)


def _load_libraries(threads: int) -> None:
    # numba loads OpenBLAS for the first matrix product. OpenBLAS loops for ever if it finds no memory while it loads:
    # load it before the memory limit is set.
    import numba
    import scipy.linalg  # noqa: F401

    numba.set_num_threads(min(threads, numba.get_num_threads()))
    missing = missing_kernels()
    if missing:
        log.warning("%s; `filmscand warm-up` does it before the first frame", announcement(len(missing)))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
