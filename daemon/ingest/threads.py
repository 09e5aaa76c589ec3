"""Ingests one watch folder, from its files to queued frames; each watch folder has its own thread.

A slow share delays only its own folder, and an error with one file leaves the others alone. Failures of disks and
shares are retried for ever, with an alarm as long as they last.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameExistsError,
    FrameIdError,
    IntegrityError,
    SourceChangedError,
    SourceUnreadableError,
    StorageFullError,
)
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.arrivals import Arrivals, SettleRules
from filmscand.daemon.ingest.belonging import why_not
from filmscand.daemon.ingest.claim import Claimer
from filmscand.daemon.ingest.halves import Halves
from filmscand.daemon.ingest.late import LateInfrared, NotItsInfraredError, Stores
from filmscand.daemon.ingest.ledger import Ledger
from filmscand.daemon.ingest.pairing import (
    ClaimFrame,
    LeaveToPerson,
    PairRules,
    WaitForPartner,
    decide_pairs,
)
from filmscand.daemon.ingest.watch import WatchEvents, is_network_mount, listen, sweep
from filmscand.daemon.station.configuration import Station, Watch

log = logging.getLogger(__name__)

# Minimum pause between two rounds, seconds: copying a file in chunks gives thousands of events.
_REST_S = 0.05


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """The settings of one ingest thread.

    Attributes
    ----------
    watch : Watch
        The folder.
    archive, database : Path
        Top of the archive, and the station's database.
    request : CleanRequest
        How every frame is to be cleaned.
    timing : Timing
        Waiting times.
    memory_limit_bytes : int
        Memory that a comparison of two files may use: as much as a worker.
    """

    watch: Watch
    archive: Path
    database: Path
    request: CleanRequest
    timing: Timing
    memory_limit_bytes: int


def plan_ingest(station: Station, timing: Timing) -> list[IngestPlan]:
    """Return one plan for each watch of a station."""
    limit_bytes = station.workers.memory_limit_mib << 20
    return [
        IngestPlan(watch, station.archive, station.database, _request(station, watch), timing, limit_bytes)
        for watch in station.watch
    ]


class Ingest:
    """The thread of one watch folder.

    Parameters
    ----------
    plan : IngestPlan
        The settings.
    on_queued : callable
        Called when a frame was queued.
    """

    def __init__(self, plan: IngestPlan, on_queued: Callable[[], None]) -> None:
        self.plan = plan
        self._on_queued = on_queued
        self._wake = threading.Event()
        self._stop = threading.Event()
        # A daemon thread: if it hangs in a dead share, the process can still end.
        self._thread = threading.Thread(target=self._run, name=f"ingest {plan.watch.path}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Tell the thread to end after the current file."""
        self._stop.set()
        self._wake.set()

    def join(self, at_most_s: float) -> bool:
        """Wait at most this long for the thread to end; return whether it ended."""
        self._thread.join(at_most_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        network = is_network_mount(self.plan.watch.path.resolve())
        events = listen(self.plan.watch, network=network, wake=self._wake)
        failures = 0
        try:
            while not self._stop.is_set():
                began_s = time.monotonic()
                try:
                    self._serve(network, events)
                except sqlite3.Error as error:
                    # The alarm cannot be stored; `filmscand status` detects a full disk by itself.
                    log.warning("%s: the database does not answer: %s", self.plan.watch.path, error)
                except Exception:
                    log.exception("%s: ingest restarts", self.plan.watch.path)
                failures = failures + 1 if time.monotonic() - began_s < self.plan.timing.retry_cap_s else 1
                self._stop.wait(backoff_s(failures, self.plan.timing.retry_first_s, self.plan.timing.retry_cap_s))
        finally:
            if events is not None:
                events.stop()

    def _serve(self, network: bool, events: WatchEvents | None) -> None:
        with closing(open_database(self.plan.database)) as connection:
            rounds = IngestRounds(self.plan, connection, network=network, events=events)
            rounds.begin()
            while not self._stop.is_set():
                if rounds.round():
                    self._on_queued()
                self._wake.wait(rounds.pause_s())
                self._wake.clear()
                self._stop.wait(_REST_S)


class IngestRounds:
    """The rounds of one watch folder; all state is in the database, except how long files have settled."""

    def __init__(
        self, plan: IngestPlan, connection: sqlite3.Connection, *, network: bool, events: WatchEvents | None
    ) -> None:
        watch = plan.watch
        quiet_s = watch.quiet_time_s(network=network)
        self._plan = plan
        self._events = events
        self._sweep_every_s = plan.timing.sweep_s if events is not None else min(plan.timing.poll_s, quiet_s / 2)
        self._candidates = Candidates(connection, str(watch.path))
        self._alarms = Alarms(connection)
        rules = SettleRules(quiet_s, plan.timing.max_settle_s, probe_writers=not network)
        self._arrivals = Arrivals(watch, self._candidates, rules)
        ledger = Ledger(connection, Queue(connection), self._candidates)
        archive = Archive(plan.archive)
        compare = partial(_why_not, memory_limit_bytes=plan.memory_limit_bytes)
        self._late = LateInfrared(watch.path, Stores(archive, Halves(watch.path, archive), ledger, compare))
        self._claimer = Claimer(watch, archive, ledger, self._late, plan.request)
        self._pairs = PairRules(watch.pair, watch.pair_timeout_s)
        self._sweep_at_s = 0.0
        self._archive_at_s = 0.0
        self._archive_failures = 0
        self._queued = False

    def begin(self) -> None:
        """Continue with the candidates of an earlier run."""
        self._arrivals.begin()
        for row in self._candidates.in_state({CandidateState.DUPLICATE}):
            if row.in_place:
                self._release(row)

    def round(self) -> bool:
        """Observe, check, pair, claim and put away once; return whether a frame was queued."""
        self._queued = False
        now_s = time.monotonic()
        self._look(now_s)
        for row in self._arrivals.settled(time.time()):
            self._guard(row, lambda row=row: self._arrivals.check(row, date.today()))  # type: ignore[misc]
        for row in self._due({CandidateState.STORED}):
            self._release(row)
        if self._archive_at_s <= now_s:
            self._resume()
            self._decide()
        return self._queued

    def pause_s(self) -> float:
        """Return how long to wait for events before the next round, seconds."""
        next_s = min(self._sweep_at_s, self._arrivals.next_observation_s() or self._sweep_at_s)
        if self._candidates.in_state({CandidateState.CLAIMED, CandidateState.STORED}):
            next_s = min(next_s, max(self._archive_at_s, time.monotonic() + self._plan.timing.retry_first_s))
        return max(0.0, next_s - time.monotonic())

    def _look(self, now_s: float) -> None:
        try:
            if self._events is not None:
                changes = self._events.collect()
                for path in changes.modified | changes.finished:
                    self._arrivals.note_event(path, now_s, write_ended=path in changes.finished)
            if self._sweep_at_s <= now_s:
                self._sweep_at_s = now_s + self._sweep_every_s
                self._arrivals.note_sweep(sweep(self._plan.watch.path), now_s)
                self._alarms.clear(self._watch_alarm)
            self._arrivals.observe_due(now_s)
        except (OSError, SourceUnreadableError, SourceChangedError) as error:
            self._alarm(self._watch_alarm, error)

    def _resume(self) -> None:
        for row in self._due({CandidateState.CLAIMED}):
            current = self._candidates.reload(row)
            # Continuing the claim of a picture continues that of its infrared file too.
            if current is not None and current.state is CandidateState.CLAIMED and not self._archive_waits():
                self._guard(current, lambda row=current: self._queue(self._claimer.resume(row)))  # type: ignore[misc]

    def _decide(self) -> None:
        now = time.time()
        for decision in decide_pairs(
            self._arrivals.complete_files(now), self._arrivals.incomplete_paths(), self._pairs, now
        ):
            if self._archive_waits():
                return
            match decision:
                case ClaimFrame():
                    self._take_up(decision)
                case LeaveToPerson(row, reason, is_lone_infrared):
                    if not (is_lone_infrared and self._take_late(row, reason)):
                        self._arrivals.leave_to_person(row, reason)
                case WaitForPartner(row, _):
                    self._arrivals.wait_for_pair(row)

    def _take_up(self, frame: ClaimFrame) -> None:
        def claim() -> None:
            if self._claimer.claim(frame.picture, frame.infrared, awaits_infrared=frame.infrared_timed_out) is not None:
                self._queue()

        self._guard(frame.picture, claim)
        for row in (frame.picture, frame.infrared):
            if row is None:
                continue
            current = self._arrivals.refresh(row, time.monotonic())
            if current is not None and current.state in (CandidateState.STORED, CandidateState.DUPLICATE):
                self._release(current)

    def _take_late(self, row: Candidate, reason: str) -> bool:
        """Give a lone infrared to the frame that had its name, if it belongs there; False where there is none."""
        job = self._late.find(row.path)
        if job is None or job.state is not JobState.FINISHED:
            return job is not None

        def take() -> None:
            try:
                if self._late.take(row, job) is not None:
                    self._queue()
            except NotItsInfraredError as error:
                self._arrivals.leave_to_person(row, f"{reason}; {error}")

        self._guard(row, take)
        current = self._arrivals.refresh(row, time.monotonic())
        if current is not None and current.state in (CandidateState.STORED, CandidateState.DUPLICATE):
            self._release(current)
        return True

    def _queue(self, _: object = None) -> None:
        self._queued = True
        self._archive_failures = 0
        self._alarms.clear(ARCHIVE_ALARM)

    def _release(self, row: Candidate) -> None:
        self._guard(row, lambda: self._claimer.release(row))

    def _guard(self, row: Candidate, action: Callable[[], object]) -> None:
        """Run an action for one file; after an error, move or put off the candidate."""
        try:
            action()
        except (StorageFullError, ArchiveUnwritableError, IntegrityError) as error:
            self._archive_failed(error)
        except SourceChangedError:
            self._back_to_settling(row)
        except (FrameExistsError, FrameIdError) as error:
            self._back_to_settling(row)
            self._leave(row, str(error))
        except (SourceUnreadableError, OSError) as error:
            self._alarm(self._watch_alarm, error)
            self._put_off(row, str(error))
        except sqlite3.Error:
            raise
        except Exception as error:
            log.exception("%s: unexpected error", row.path)
            self._put_off(row, f"{type(error).__name__}: {error}")

    def _archive_failed(self, error: Exception) -> None:
        timing = self._plan.timing
        self._archive_at_s = time.monotonic() + backoff_s(
            self._archive_failures, timing.retry_first_s, timing.retry_cap_s
        )
        self._archive_failures += 1
        self._alarm(ARCHIVE_ALARM, error)

    def _archive_waits(self) -> bool:
        return self._archive_at_s > time.monotonic()

    def _back_to_settling(self, row: Candidate) -> None:
        current = self._candidates.reload(row)
        if current is not None and current.state in _BEGINS_ANEW:
            self._candidates.move(current, CandidateState.SETTLING)
        self._arrivals.refresh(row, time.monotonic())

    def _leave(self, row: Candidate, reason: str) -> None:
        current = self._candidates.reload(row)
        if current is not None:
            self._arrivals.leave_to_person(current, reason)

    def _put_off(self, row: Candidate, reason: str) -> None:
        current = self._candidates.reload(row)
        if current is not None:
            delay_s = backoff_s(current.retries, self._plan.timing.retry_first_s, self._plan.timing.retry_cap_s)
            self._candidates.put_off(current, reason, delay_s)
            self._arrivals.refresh(current, time.monotonic())

    def _due(self, states: set[CandidateState]) -> list[Candidate]:
        now = time.time()
        return [row for row in self._candidates.in_state(states) if row.due(now)]

    def _alarm(self, key: str, error: Exception) -> None:
        if self._alarms.raise_alarm(key, str(error)):
            log.error("%s; retried until it works", error)

    @property
    def _watch_alarm(self) -> str:
        return f"watch:{self._plan.watch.path}"


_BEGINS_ANEW = (CandidateState.COMPLETE, CandidateState.WAIT_PAIR, CandidateState.CLAIMED)


def _why_not(picture: Path, infrared: Path, request: CleanRequest, *, memory_limit_bytes: int) -> str | None:
    fourth = request.fourth_sample_is_infrared
    return why_not(picture, infrared, fourth_sample_is_infrared=fourth, memory_limit_bytes=memory_limit_bytes)


def _request(station: Station, watch: Watch) -> CleanRequest:
    return CleanRequest(
        film=watch.film,
        sensitivity=station.cleaning.sensitivity,
        fourth_sample_is_infrared=watch.fourth_sample_infrared,
    )
