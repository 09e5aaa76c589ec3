"""The service: one supervisor that starts everything, watches over it, and stops it in order.

main thread   waits for a signal, for the end of a worker, or for a queued frame; feeds systemd's watchdog
ingest        one thread for each watch folder
sessions      one thread for each scanner that scans
notify        one thread for each target of notifications
replicate     one thread for each target that sealed rolls are copied to
page          one thread for the web server
audit         one thread that reads the archive back, all the time
resealing     one thread that seals reopened rolls again
workers       processes, which only the supervisor starts, kills and restarts
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sqlite3
import time
from contextlib import closing, suppress
from multiprocessing.connection import wait
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import make_folders
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.worker import WorkerPlan
from filmscand.daemon.cleaning.worker_pool import Loss, WorkerPool
from filmscand.daemon.core.errors import Fault, TransientError, whose
from filmscand.daemon.core.process_id import ProcessId, is_alive, this_process
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.frames import JobOutcome, JobState, count_frames, held_frames, unfinished_frames
from filmscand.daemon.database.keeping.audits import frozen_rolls
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.service_record import ServiceRecord, begin_service
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.fixity.threads import AuditThread
from filmscand.daemon.ingest.threads import Ingest, plan_ingest
from filmscand.daemon.ingest.watching.watch import require_apart
from filmscand.daemon.maintenance.archive_watch import ArchiveWatch
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.maintenance.sealing.resealing import Resealing
from filmscand.daemon.notification.threads import Notifications
from filmscand.daemon.replication.threads import Replication
from filmscand.daemon.scanning.drivers import drivers_of
from filmscand.daemon.scanning.run import SessionTools
from filmscand.daemon.scanning.threads import SessionThreads
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_process
from filmscand.daemon.station.logs import set_up_logging
from filmscand.daemon.station.systemd_notify import Notifier
from filmscand.daemon.web.server import PAGE_ALARM, PageServer

log = logging.getLogger(__name__)

WORKER_ALARM = "worker"
START_ALARM = "worker_start"
_ALARMING_DEATHS = 3
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ORPHANS_AT_MOST_S = 30.0


def run_service(
    station: Station, timing: Timing | None = None, notifier: Notifier | None = None, *, scans_only: bool = False
) -> int:
    """Run the service until SIGTERM or SIGINT; call it from the main thread only.

    Parameters
    ----------
    station : Station
        The station; its folders are made where they are missing.
    timing : Timing, optional
        Waiting times.
    notifier : Notifier, optional
        The service manager.
    scans_only : bool
        Ignore the watch folders, and end when all sessions and all queued frames are finished.

    Returns
    -------
    int
        Exit status: 0 after an orderly stop.

    Raises
    ------
    StationBusyError
        Another service runs on this station.
    ConfigError
        Watch folders overlap each other, the archive or the database.
    DaemonError
        Database and archive do not belong together (`maintenance.identity.connect_station`), or the database was
        removed or replaced while the service ran.
    """
    timing = timing or Timing()
    notifier = notifier or Notifier()
    set_up_logging(station.logging.level)
    with Bell() as bell:
        _make_folders(station)
        copies = {f"the target {one.name}": one.folder for one in station.replicate if one.folder is not None}
        require_apart(station.watch, {"the archive": station.archive, "the database": station.database, **copies})
        with sole_process(station), closing(connect_station(station)) as connection:
            _recover(bound_archive(station, connection), connection)
            return Supervisor(station, connection, notifier, bell, timing).run(scans_only=scans_only)


class Supervisor:
    """Runs the ingest threads, scanning sessions, workers and page of a station; one supervisor per station."""

    def __init__(
        self, station: Station, connection: sqlite3.Connection, notifier: Notifier, bell: Bell, timing: Timing
    ) -> None:
        self._connection = connection
        self._notifier = notifier
        self._bell = bell
        self._timing = timing
        self._queue = Queue(connection)
        self._alarms = Alarms(connection)
        self._database = station.database
        self._archive = bound_archive(station, connection)
        self._archive_watch = ArchiveWatch(self._archive, station.database, timing.tick_s)
        self._resealing = Resealing(station, timing)
        self._ingests = [Ingest(plan, bell.ring) for plan in plan_ingest(station, timing)]
        tools = SessionTools(station.database, station.archive, timing.scan, bell.ring, drivers_of(station).open)
        self._sessions = SessionThreads(tools)
        self._notifications = Notifications(station, timing.notify)
        self._replication = Replication(station, timing.replicate)
        self._page = PageServer(station, timing, bell.ring)
        self._audit = AuditThread(station, timing.audit)
        self._worker_pool = WorkerPool(_worker_plan(station, timing), station.workers.count)
        watchdog_s = notifier.watchdog_s
        self._tick_s = timing.tick_s if watchdog_s is None else min(timing.tick_s, watchdog_s / 4)

    def run(self, *, scans_only: bool = False) -> int:
        """Start, supervise and stop; return the exit status.

        Raises
        ------
        DatabaseReplacedError
            The database was removed or replaced: everything was stopped, nothing more went into a forgotten queue.
        """
        if scans_only:
            self._ingests.clear()
        else:
            # A service that ends by itself is watched on the terminal that started it.
            self._page.start()
            self._audit.start()
            self._replication.start(self._connection)
        self._archive_watch.start()
        self._resealing.start(at_once=scans_only)
        self._worker_pool.fill()
        for ingest in self._ingests:
            ingest.start()
        self._notifications.start(self._connection)
        self._notifier.ready(f"{len(self._ingests)} watch folders")
        log.info("service started")
        try:
            self._watch_over(scans_only=scans_only)
        except DatabaseReplacedError as error:
            log.error("%s The service ends.", error)
            self._stop()
            raise
        return self._stop()

    def _watch_over(self, *, scans_only: bool) -> None:
        while not self._bell.told_to_stop:
            require_in_place(self._connection, self._database)
            self.look()
            if scans_only and self._is_idle():
                break
            self._worker_pool.fill()
            ready = wait([*self._worker_pool.handles(), self._bell.fileno()], self._tick_s)
            if self._bell.fileno() in ready and self._bell.answer():
                self._worker_pool.wake()

    def look(self) -> None:
        """Check workers and sessions once; feed systemd's watchdog if the database answers."""
        try:
            for loss in self._worker_pool.collect(self._queue):
                self._report(loss)
            self._worker_pool.kill_overdue(held_frames(self._connection))
            if self._queue.release_of_dead_commands():
                log.warning("a command that had frames cleaned on a cluster died; they are queued again")
            self._sessions.update(self._connection)
            self._tell_of_starts()
            self._tell_of_page()
            self._notifier.status(_status_line(self._connection))
        except sqlite3.Error as error:
            # The watchdog is not fed: if the database stays silent, systemd restarts the service.
            log.warning("the database does not answer: %s", error)
        except Exception as error:
            # One round that fails must not end the service: workers and sessions go on, and the next round comes.
            if whose(error) is Fault.FRAME:
                log.exception("unexpected error of the supervisor")
            else:
                log.error("the supervisor could not look after everything: %s", error)
        else:
            self._notifier.alive()
            self._page.pulse.beat(self._worker_problem())

    def _tell_of_starts(self) -> None:
        problem = self._worker_pool.start_problem
        if problem is not None:
            self._alarms.raise_alarm(
                START_ALARM, f"a worker cannot be started: {problem}; tried again until it works. Close other programs"
            )
        else:
            self._alarms.clear(START_ALARM)

    def _tell_of_page(self) -> None:
        problem = self._page.problem
        if problem is not None:
            self._alarms.raise_alarm(PAGE_ALARM, problem)
        else:
            self._alarms.clear(PAGE_ALARM)

    def _worker_problem(self) -> str | None:
        """Return why nothing can be cleaned, None if a worker lives or may be started."""
        if self._worker_pool.handles():
            return None
        if self._worker_pool.start_problem is not None:
            return f"no worker can be started: {self._worker_pool.start_problem}"
        dying = self._worker_pool.early_deaths >= _ALARMING_DEATHS
        return "no worker stays alive; the service's log tells why" if dying else None

    def _is_idle(self) -> bool:
        # Sessions first: a session queues its last frame before it ends.
        if self._sessions.busy:
            return False
        try:
            frozen = {Path(one.name) for one in frozen_rolls(self._connection)}
            waiting = [job for job in unfinished_frames(self._connection) if job.frame.roll_folder not in frozen]
            if not all(job.state is JobState.RESERVED for job in waiting):
                return False
            # After the frames: the last one leaves its roll reopened.
            return self._resealing.is_idle(self._connection)
        except sqlite3.Error:
            return False

    def _report(self, loss: Loss) -> None:
        if loss.job is None:
            log.warning("an idle worker died: %s", loss.reason)
        elif loss.job.outcome is JobOutcome.SET_ASIDE:
            log.error("%s is set aside after %d deaths: %s", loss.job.frame, loss.job.deaths, loss.reason)
        else:
            log.warning("%s is queued again: %s", loss.job.frame, loss.reason)
        if loss.job is not None:
            with suppress(OSError):
                self._archive.remove_leftovers([loss.job.frame])
        if self._worker_pool.early_deaths >= _ALARMING_DEATHS:
            self._alarms.raise_alarm(WORKER_ALARM, f"workers do not stay alive: {loss.reason}")
        elif loss.job is not None:
            self._alarms.clear(WORKER_ALARM)

    def _stop(self) -> int:
        self._notifier.stopping("finishing the current frames", self._timing.stop_s + 10.0)
        log.info("stopping")
        deadline_s = time.monotonic() + self._timing.stop_s
        self._archive_watch.stop()
        self._resealing.stop()
        self._audit.ask_to_stop()
        page_ended = self._page.stop()
        for ingest in self._ingests:
            ingest.ask_to_stop()
        self._sessions.ask_to_stop()
        self._replication.ask_to_stop()
        for job in self._worker_pool.stop(self._queue, self._timing.stop_s):
            log.info("%s is given back", job.frame)
            with suppress(OSError):
                self._archive.remove_leftovers([job.frame])
        hung = [ingest for ingest in self._ingests if not ingest.join(max(1.0, deadline_s - time.monotonic()))]
        scanning = not self._sessions.join(max(1.0, deadline_s - time.monotonic()))
        copying = not self._replication.join(max(1.0, deadline_s - time.monotonic()))
        sealing = not self._resealing.join(max(1.0, deadline_s - time.monotonic()))
        auditing = not self._audit.join(max(1.0, deadline_s - time.monotonic()))
        # Last: they tell of the sessions that have just finished.
        self._notifications.ask_to_stop()
        telling = not self._notifications.join(max(1.0, deadline_s - time.monotonic()))
        log.info("stopped")
        if hung or scanning or copying or sealing or auditing or telling or not page_ended:
            # Python would wait for threads that hang in a dead share; the next start continues their work.
            logging.shutdown()
            os._exit(0)
        return 0


class Bell:
    """Wakes the supervisor: signals and threads write to one end of a socket pair, it waits at the other end."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self.told_to_stop = False

    def __enter__(self) -> Bell:
        self._before = [(number, signal.signal(number, self._on_signal)) for number in _STOP_SIGNALS]
        self._wakeup_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before:
            signal.signal(number, handler)
        self._read.close()
        self._write.close()

    def fileno(self) -> int:
        """Return the file descriptor that becomes readable after a ring."""
        return self._read.fileno()

    def ring(self) -> None:
        """Wake the supervisor; callable from any thread."""
        # The buffer is full only if the supervisor has not read it yet: it wakes anyway.
        with suppress(OSError):
            self._write.send(b"\0")

    def answer(self) -> bool:
        """Clear all rings; return whether there was one."""
        with suppress(BlockingIOError):
            return bool(self._read.recv(4096))
        return False

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.told_to_stop = True


def _recover(archive: Archive, connection: sqlite3.Connection) -> None:
    """Continue the work of an earlier service that was killed."""
    queue = Queue(connection)
    interrupted = unfinished_frames(connection)
    queue.release_of_dead_commands()
    for held in held_frames(connection):
        if held.is_elsewhere:
            # A living command, which is no worker of the earlier service.
            continue
        _outlive(held.worker)
        queue.release(held.worker, interrupted=True)
        log.warning("%s was interrupted and is queued again", held.job.frame)
    try:
        removed = archive.remove_leftovers(job.frame for job in interrupted)
    except (OSError, TransientError) as error:
        log.warning("%s: leftovers stay for now: %s", archive.root, error)
    else:
        log.info("%d unfinished frames, %d leftover files removed", len(interrupted), removed)
    begin_service(connection, ServiceRecord(this_process(), time.time()))


def _outlive(worker: ProcessId) -> None:
    # The kernel kills workers with their supervisor, but a worker that is writing may take a moment to die.
    deadline_s = time.monotonic() + _ORPHANS_AT_MOST_S
    while is_alive(worker) and time.monotonic() < deadline_s:
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.05)


def _make_folders(station: Station) -> None:
    for folder in (station.database.parent, *(watch.path for watch in station.watch)):
        try:
            make_folders(folder)
        except (OSError, TransientError) as error:
            # Ingest waits for a share that is not mounted yet; without the database's folder the service cannot run.
            if folder == station.database.parent:
                raise
            log.warning("%s: cannot be made: %s", folder, error)


def _worker_plan(station: Station, timing: Timing) -> WorkerPlan:
    cores = len(os.sched_getaffinity(0))
    return WorkerPlan(
        database=station.database,
        archive=station.archive,
        threads=max(1, cores // station.workers.count),
        memory_limit_bytes=station.workers.memory_limit_mib << 20,
        supervisor_pid=os.getpid(),
        log_level=station.logging.level,
        timing=timing,
        cleaning=station.cleaning,
    )


def _status_line(connection: sqlite3.Connection) -> str:
    counts = count_frames(connection)
    states = {state: sum(n for (s, _), n in counts.items() if s is state) for state in JobState}
    alarms = Alarms(connection).count()
    line = (
        f"{states[JobState.QUEUED]} queued, {states[JobState.PROCESSING]} in work, {states[JobState.FINISHED]} finished"
    )
    return f"{line}; {alarms} alarms" if alarms else line
