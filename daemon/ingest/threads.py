"""One watch folder, from its files to frames in line for cleaning; each folder has a thread of its own.

A slow share holds up nobody else, and whatever goes wrong with one file leaves the others alone. Trouble with the disks
is waited out for ever, and stands in the table of alarms meanwhile.
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
from pathlib import Path, PurePosixPath

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
from filmscand.daemon.database.connection import DatabaseError, reopen_database, require_in_place
from filmscand.daemon.database.frames import JobState
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.arrivals import Arrivals, SettleRules
from filmscand.daemon.ingest.claim import Claimer, Ledger
from filmscand.daemon.ingest.pairing import (
    ClaimFrame,
    LeaveToPerson,
    PairRules,
    WaitForPartner,
    decide_pairs,
    is_infrared_half,
)
from filmscand.daemon.ingest.watch import WatchEvents, is_network_mount, listen, sweep
from filmscand.daemon.station.configuration import Station, Watch
from filmscand.drivers.files.reader import SUFFIXES, infrared_stem

log = logging.getLogger(__name__)

# A chunked copy gives thousands of events; between two rounds the thread rests at least this long.
_REST_S = 0.05


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What one ingest thread is told.

    Attributes
    ----------
    watch : Watch
        The folder.
    archive, database : Path
        Where the frames go, and where it is written down.
    request : CleanRequest
        How every frame is to be cleaned.
    timing : Timing
        How fast things go.
    """

    watch: Watch
    archive: Path
    database: Path
    request: CleanRequest
    timing: Timing


def plan_ingest(station: Station, timing: Timing) -> list[IngestPlan]:
    """Return one plan for each watch of a station."""
    return [
        IngestPlan(watch, station.archive, station.database, _request(station, watch), timing)
        for watch in station.watch
    ]


class Ingest:
    """The thread of one watch folder.

    Parameters
    ----------
    plan : IngestPlan
        What it does.
    on_queued : callable
        Called when a frame was put in line.
    """

    def __init__(self, plan: IngestPlan, on_queued: Callable[[], None]) -> None:
        self.plan = plan
        self._on_queued = on_queued
        self._wake = threading.Event()
        self._stop = threading.Event()
        # A thread that hangs in a dead share must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"ingest {plan.watch.path}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the thread to end after the file at hand."""
        self._stop.set()
        self._wake.set()

    def join(self, at_most_s: float) -> bool:
        """Wait for the thread to end; False where it did not in time."""
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
                except (sqlite3.Error, DatabaseError) as error:
                    # The alarm table cannot take it: status works out a full disk for itself.
                    log.warning("%s: the database does not answer: %s", self.plan.watch.path, error)
                except Exception:
                    log.exception("%s: ingest begins anew", self.plan.watch.path)
                failures = failures + 1 if time.monotonic() - began_s < self.plan.timing.retry_cap_s else 1
                self._stop.wait(backoff_s(failures, self.plan.timing.retry_first_s, self.plan.timing.retry_cap_s))
        finally:
            if events is not None:
                events.stop()

    def _serve(self, network: bool, events: WatchEvents | None) -> None:
        with closing(reopen_database(self.plan.database)) as connection:
            rounds = IngestRounds(self.plan, connection, network=network, events=events)
            rounds.begin()
            while not self._stop.is_set():
                if rounds.round():
                    self._on_queued()
                self._wake.wait(rounds.pause_s())
                self._wake.clear()
                self._stop.wait(_REST_S)


class IngestRounds:
    """One round after the other; the state between them is in the database, but for how long files have rested."""

    def __init__(
        self, plan: IngestPlan, connection: sqlite3.Connection, *, network: bool, events: WatchEvents | None
    ) -> None:
        watch = plan.watch
        quiet_s = watch.quiet_time_s(network=network)
        self._plan = plan
        self._events = events
        self._sweep_every_s = plan.timing.sweep_s if events is not None else min(plan.timing.poll_s, quiet_s / 2)
        self._connection = connection
        self._candidates = Candidates(connection, str(watch.path))
        self._alarms = Alarms(connection)
        rules = SettleRules(quiet_s, plan.timing.max_settle_s, probe_writers=not network)
        self._arrivals = Arrivals(watch, self._candidates, rules)
        ledger = Ledger(connection, Queue(connection), self._candidates)
        self._archive = Archive(plan.archive, identity_of(connection))
        self._claimer = Claimer(watch, self._archive, ledger, plan.request)
        self._pairs = PairRules(watch.pair, watch.pair_timeout_s)
        self._sweep_at_s = 0.0
        self._archive_at_s = 0.0
        self._archive_failures = 0
        self._archive_is_missing = False
        self._queued = False

    def begin(self) -> None:
        """Take up what an earlier run left."""
        self._arrivals.begin()
        if not self._archive_is_there():
            return
        for row in self._candidates.in_state({CandidateState.DUPLICATE}):
            if row.in_place:
                self._release(row)

    def round(self) -> bool:
        """Look, check, pair, claim and put away, once; True where a frame was put in line."""
        self._queued = False
        now_s = time.monotonic()
        self._look(now_s)
        if not self._archive_is_there():
            return False
        for row in self._arrivals.settled(time.time()):
            self._guard(row, lambda row=row: self._arrivals.check(row, date.today()))  # type: ignore[misc]
        for row in self._due({CandidateState.STORED}):
            self._release(row)
        if self._archive_at_s <= now_s:
            self._resume()
            self._decide()
        return self._queued

    def pause_s(self) -> float:
        """Return how long there is nothing to do, unless an event comes."""
        next_s = min(self._sweep_at_s, self._arrivals.next_observation_s() or self._sweep_at_s)
        if self._candidates.in_state({CandidateState.CLAIMED, CandidateState.STORED}):
            next_s = min(next_s, max(self._archive_at_s, time.monotonic() + self._plan.timing.retry_first_s))
        if self._archive_is_missing:
            next_s = min(next_s, self._archive_at_s)
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
            # The first half of a pair takes the second one along.
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
                case LeaveToPerson(row, reason):
                    if not self._take_late(row):
                        self._arrivals.leave_to_person(row, reason)
                case WaitForPartner(row, _):
                    if not self._take_late(row):
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

    def _take_late(self, row: Candidate) -> bool:
        if not is_infrared_half(row.path, self._plan.watch.pair):
            return False
        job = self._claimer.find_late(_picture_paths(row.path))
        if job is None or job.state is not JobState.FINISHED:
            return job is not None
        self._guard(row, lambda: self._queue(self._claimer.claim_late(row, job)))
        current = self._arrivals.refresh(row, time.monotonic())
        if current is not None and current.state is CandidateState.STORED:
            self._release(current)
        return True

    def _queue(self, _: object = None) -> None:
        self._queued = True
        self._archive_failures = 0
        self._alarms.clear(ARCHIVE_ALARM)

    def _release(self, row: Candidate) -> None:
        self._guard(row, lambda: self._claimer.release(row))

    def _guard(self, row: Candidate, action: Callable[[], object]) -> None:
        """Run what concerns one file, and turn every error into what becomes of the file."""
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
            log.exception("%s: not foreseen", row.path)
            self._put_off(row, f"{type(error).__name__}: {error}")

    def _archive_is_there(self) -> bool:
        """Without the archive, or with a database that is to be forgotten, no source is touched."""
        require_in_place(self._connection, self._plan.database)
        if self._archive_waits():
            return not self._archive_is_missing
        try:
            self._archive.require_present()
        except ArchiveUnwritableError as error:
            self._archive_is_missing = True
            self._archive_failed(error)
            return False
        if self._archive_is_missing:
            self._archive_is_missing = False
            self._archive_failures = 0
            self._alarms.clear(ARCHIVE_ALARM)
        return True

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
            log.error("%s; it is tried again until it works", error)

    @property
    def _watch_alarm(self) -> str:
        return f"watch:{self._plan.watch.path}"


_BEGINS_ANEW = (CandidateState.COMPLETE, CandidateState.WAIT_PAIR, CandidateState.CLAIMED)


def _picture_paths(infrared: str) -> list[str]:
    path = PurePosixPath(infrared)
    stem = infrared_stem(path.name) or path.stem
    return [str(path.with_name(name)) for name in (stem, *(f"{stem}{suffix}" for suffix in sorted(SUFFIXES)))]


def _request(station: Station, watch: Watch) -> CleanRequest:
    return CleanRequest(
        film=watch.film,
        sensitivity=station.cleaning.sensitivity,
        fourth_sample_is_infrared=watch.fourth_sample_infrared,
    )
