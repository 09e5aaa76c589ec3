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
from datetime import date
from functools import partial

from filmscand.daemon.archive.records.known import memory_in
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import (
    Fault,
    FrameExistsError,
    FrameIdError,
    SourceChangedError,
    SourceUnreadableError,
    whose,
)
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.frames import JobState
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.presence import require_in_place
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.archive_gate import OF_THE_ARCHIVE, ArchiveGate
from filmscand.daemon.ingest.claiming.claim import Claimer
from filmscand.daemon.ingest.claiming.halves import Halves
from filmscand.daemon.ingest.claiming.late import LateInfrared, Ledger, NotItsInfraredError, Stores
from filmscand.daemon.ingest.pairs.belonging import why_not
from filmscand.daemon.ingest.pairs.pairing import (
    Arrived,
    ClaimFrame,
    Decision,
    LeaveToPerson,
    PairRules,
    WaitForPartner,
    decide_pairs,
)
from filmscand.daemon.ingest.plan import IngestPlan, plan_ingest
from filmscand.daemon.ingest.troubles import Troubles, WatchedRights, restart_alarm, tell_of_restart
from filmscand.daemon.ingest.watching.arrivals import Arrivals, SettleRules
from filmscand.daemon.ingest.watching.put_away import PutAwayError
from filmscand.daemon.ingest.watching.rejected import Rejected
from filmscand.daemon.ingest.watching.release_rule import ReleaseRule
from filmscand.daemon.ingest.watching.watch import LeftFiles, WatchEvents, is_network_mount, listen, sweep
from filmscand.daemon.station.configuration import SourcePolicy

__all__ = ["Ingest", "IngestPlan", "IngestRounds", "plan_ingest"]

log = logging.getLogger(__name__)

# Minimum pause between two rounds, seconds: copying a file in chunks gives thousands of events.
_REST_S = 0.05


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
        failures = 0
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                self._listen_and_serve()
            except sqlite3.Error as error:
                # The alarm cannot be stored; `filmscand status` detects a full disk by itself.
                log.warning("%s: the database does not answer: %s", self.plan.watch.path, error)
            except Exception as error:
                log.exception("%s: ingest restarts", self.plan.watch.path)
                tell_of_restart(self.plan, error)
            failures = failures + 1 if time.monotonic() - began_s < self.plan.timing.retry_cap_s else 1
            self._stop.wait(backoff_s(failures, self.plan.timing.retry_first_s, self.plan.timing.retry_cap_s))

    def _listen_and_serve(self) -> None:
        network = is_network_mount(self.plan.watch.path.resolve())
        refused: list[str] = []
        events = listen(self.plan.watch, network=network, wake=self._wake, on_refused=refused.append)
        try:
            self._serve(network, events, "".join(refused))
        finally:
            if events is not None:
                events.stop()

    def _serve(self, network: bool, events: WatchEvents | None, no_events: str) -> None:
        with closing(reopen_database(self.plan.database)) as connection:
            rounds = IngestRounds(self.plan, connection, network=network, events=events)
            rounds.begin()
            rounds.tell_of_events(no_events)
            queued = rounds.round()
            Alarms(connection).clear(restart_alarm(self.plan))
            while not self._stop.is_set():
                if queued or rounds.round():
                    self._on_queued()
                queued = False
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
        self._connection = connection
        self._candidates = Candidates(connection, str(watch.path))
        self._alarms = Alarms(connection)
        self._network = network
        self._quiet_s = quiet_s
        read, write = WatchedRights(watch.path), WatchedRights(watch.path, write=True)
        self._unread = Troubles(self._alarms, f"unread:{watch.path}", "{} files or folders cannot be read".format, read)
        self._files = Troubles(self._alarms, f"file:{watch.path}", "{} files cannot be taken".format, read)
        self._held = Troubles(self._alarms, f"put_away:{watch.path}", "{} files cannot be put away".format, write)
        rules = SettleRules(quiet_s, plan.timing.max_settle_s, probe_writers=not network)
        rejected = Rejected(watch.path, self._candidates, self._held)
        inspector = Inspector(plan.memory_limit_bytes)
        self._arrivals = Arrivals(watch, self._candidates, rules, self._unread, rejected, inspector=inspector)
        ledger = Ledger(connection, Queue(connection), self._candidates)
        archive = Archive(plan.archive, identity_of(connection), memory_in(connection))
        self._gate = ArchiveGate(archive, self._alarms, plan.timing)
        compare = partial(why_not, memory_limit_bytes=plan.memory_limit_bytes)
        self._late = LateInfrared(watch.path, Stores(archive, Halves(watch.path, archive), ledger, compare))
        self._claimer = Claimer(watch, archive, ledger, self._late, plan.request)
        self._pairs = PairRules(watch.pair, watch.pair_timeout_s)
        self._rule = ReleaseRule(plan, connection)
        self._watch_alarm = f"watch:{watch.path}"
        self._sweep_at_s = 0.0
        self._queued = False

    def begin(self) -> None:
        """Continue with the candidates of an earlier run."""
        self._arrivals.begin()
        for troubles in (self._unread, self._files, self._held):
            troubles.keep(set())
        if not self._gate.is_archive_there():
            return
        for row in self._candidates.in_state({CandidateState.DUPLICATE}):
            if row.in_place:
                self._release(row)

    def tell_of_events(self, refused: str) -> None:
        """Raise or end the alarm that the kernel gives no events; `refused` is its reason, empty if it gives them."""
        key = f"events:{self._plan.watch.path}"
        if not refused:
            self._alarms.clear(key)
        elif self._alarms.raise_alarm(key, refused):
            log.warning("%s", refused)

    def round(self) -> bool:
        """Observe, check, pair, claim and put away once; return whether a frame was queued."""
        self._queued = False
        now_s = time.monotonic()
        self._look(now_s)
        # With a database that is to be forgotten, or without the archive, no source is touched.
        require_in_place(self._connection, self._plan.database)
        if not self._gate.is_archive_there():
            return False
        for row in self._arrivals.settled(time.monotonic()):
            self._guard(row, lambda row=row: self._check(row))  # type: ignore[misc]
        self._rule.begin_round()
        for row in self._due({CandidateState.STORED, *({CandidateState.DUPLICATE} if self._held else ())}):
            if row.path in self._held if row.state is CandidateState.DUPLICATE else not self._rule.holds(row):
                self._release(row)
        if not self._gate.is_closed:
            self._resume()
            self._decide()
        return self._queued

    def pause_s(self) -> float:
        """Return how long to wait for events before the next round, seconds."""
        next_s = min(self._sweep_at_s, self._arrivals.next_observation_s() or self._sweep_at_s)
        if not all(map(self._rule.holds, self._candidates.in_state({CandidateState.CLAIMED, CandidateState.STORED}))):
            next_s = min(next_s, max(self._gate.opens_at_s, time.monotonic() + self._plan.timing.retry_first_s))
        if self._gate.is_missing:
            next_s = min(next_s, self._gate.opens_at_s)
        return max(0.0, next_s - time.monotonic())

    def _check(self, row: Candidate) -> None:
        self._arrivals.check(row, date.today())
        self._files.end(row.path)

    def _look(self, now_s: float) -> None:
        try:
            if self._events is not None:
                changes = self._events.collect()
                for path in changes.modified | changes.finished:
                    self._arrivals.note_event(path, now_s, write_ended=path in changes.finished)
            if self._sweep_at_s <= now_s:
                self._sweep_at_s = now_s + self._sweep_every_s
                self._sweep(now_s)
            self._arrivals.observe_due(now_s)
        except (OSError, SourceUnreadableError, SourceChangedError) as error:
            self._alarm(self._watch_alarm, error)

    def _sweep(self, now_s: float) -> None:
        unreadable: dict[str, OSError] = {}
        left: LeftFiles = {}
        found = sweep(self._plan.watch.path, unreadable.__setitem__, left.__setitem__)
        self._alarms.clear(self._watch_alarm)
        for troubles in (self._unread, self._files, self._held):
            troubles.keep({*found, *unreadable})
        self._arrivals.note_sweep(found, now_s, left)
        for path, error in unreadable.items():
            self._unread.note(path, f"{self._plan.watch.path / path}: cannot read the folder: {error.strerror}")

    def _resume(self) -> None:
        for row in self._due({CandidateState.CLAIMED}):
            current = self._candidates.reload(row)
            # Continuing the claim of a picture continues that of its infrared file too.
            if current is not None and current.state is CandidateState.CLAIMED and not self._gate.is_closed:
                self._guard(current, lambda row=current: self._queue(self._claimer.resume(row)))  # type: ignore[misc]

    def _decide(self) -> None:
        for decision in self._decisions(time.time()):
            if self._gate.is_closed:
                return
            row = decision.picture if isinstance(decision, ClaimFrame) else decision.candidate
            self._guard(row, lambda decision=decision: self._follow(decision))  # type: ignore[misc]

    def _decisions(self, now: float) -> list[Decision]:
        arrived, incomplete = self._arrivals.complete_files(now), self._arrivals.incomplete_paths()

        def decide(files: list[Arrived]) -> list[Decision]:
            return decide_pairs(files, incomplete, self._pairs, now)

        try:
            return decide(arrived)
        except Exception:
            # One file may not stop the others: those that cannot be decided even alone are put off.
            return decide([one for one in arrived if self._guard(one.candidate, lambda one=one: decide([one]))])  # type: ignore[misc]

    def _follow(self, decision: Decision) -> None:
        match decision:
            case ClaimFrame():
                self._take_up(decision)
            case LeaveToPerson(row, reason, is_lone_infrared):
                if not (is_lone_infrared and self._take_late(row)):
                    self._arrivals.leave_to_person(row, reason)
            case WaitForPartner(row, _):
                self._arrivals.wait_for_pair(row)

    def _take_up(self, frame: ClaimFrame) -> None:
        halves = [row for row in (frame.picture, frame.infrared) if row is not None]
        flags = tuple(dict.fromkeys(flag for row in halves for flag in self._arrivals.flags_of(row)))

        def claim() -> None:
            job = self._claimer.claim(
                frame.picture, frame.infrared, awaits_infrared=frame.infrared_timed_out, file_flags=flags
            )
            if job is not None:
                self._queue()
            self._files.end(frame.picture.path)

        self._guard(frame.picture, claim)
        for row in halves:
            self._release_soon(row)

    def _take_late(self, row: Candidate) -> bool:
        """Give a lone infrared to the frame that had its name, if it belongs there; False where there is none."""
        job = self._late.find(row.path)
        if job is not None and job.state is JobState.FINISHED:
            self._guard(row, lambda: self._queue() if self._late.take(row, job) is not None else None)
            self._release_soon(row)
        return job is not None

    def _queue(self, _: object = None) -> None:
        self._queued = True
        self._gate.note_success()

    def _release_soon(self, claimed: Candidate) -> None:
        row = self._arrivals.refresh(claimed, time.monotonic())
        if row is None or row.state not in self._rule.released_at_once:
            return
        moves = self._plan.watch.source_policy is not SourcePolicy.LEAVE
        if self._network and moves and row.state is CandidateState.STORED:
            # Over a share bytes may still come that change neither size nor time; release() compares once more.
            self._candidates.put_off(row, "compared with the archive once more before it is put away", self._quiet_s)
        else:
            self._release(row)

    def _release(self, row: Candidate) -> None:
        def release() -> None:
            self._claimer.release(row)
            self._arrivals.look_again(row.path)
            self._held.end(row.path)
            self._files.end(row.path)

        self._guard(row, release)

    def _guard(self, row: Candidate, action: Callable[[], object]) -> bool:
        """Run an action for one file; after an error, move or put off the candidate. Return whether there was none."""
        try:
            action()
        except Exception as error:
            self._settle(row, error)
            return False
        return True

    def _settle(self, row: Candidate, error: Exception) -> None:
        match error:
            case SourceChangedError() if row.state is not CandidateState.STORED:
                self._back_to_settling(row)
            case PutAwayError() | SourceChangedError():
                # The frame is safe; its folder refuses, or somebody put a link or something else in the way.
                self._put_off(row, str(error), self._held)
            case _ if isinstance(error, OF_THE_ARCHIVE):
                self._gate.note_failure(error)
            case FrameExistsError() | FrameIdError() | NotItsInfraredError():
                self._back_to_settling(row)
                self._leave(row, str(error))
            case sqlite3.Error() if whose(error) is Fault.WORLD:
                raise error
            case _ if whose(error) is not Fault.FRAME:
                self._put_off(row, message_of(error), self._files)
            case _:
                if row.path not in self._files:
                    log.exception("%s: unexpected error", row.path)
                unexpected = f"{row.path}: unexpected {type(error).__name__}: {error}; the other files go on"
                self._put_off(row, unexpected, self._files)

    def _back_to_settling(self, row: Candidate) -> None:
        current = self._candidates.reload(row)
        if current is not None and current.state in _BEGINS_ANEW:
            self._candidates.move(current, CandidateState.SETTLING)
        self._arrivals.refresh(row, time.monotonic())

    def _leave(self, row: Candidate, reason: str) -> None:
        current = self._candidates.reload(row)
        if current is not None:
            self._arrivals.leave_to_person(current, reason)

    def _put_off(self, row: Candidate, reason: str, troubles: Troubles) -> None:
        troubles.note(row.path, reason)
        current = self._candidates.reload(row)
        if current is not None:
            delay_s = backoff_s(current.retries, self._plan.timing.retry_first_s, self._plan.timing.retry_cap_s)
            self._candidates.put_off(current, reason, delay_s)
            self._arrivals.refresh(current, time.monotonic())

    def _due(self, states: set[CandidateState]) -> list[Candidate]:
        now_s = time.monotonic()
        return [row for row in self._candidates.in_state(states) if row.due(now_s)]

    def _alarm(self, key: str, error: Exception) -> None:
        if self._alarms.raise_alarm(key, str(error)):
            log.error("%s; retried until it works", error)


_BEGINS_ANEW = (CandidateState.COMPLETE, CandidateState.WAIT_PAIR, CandidateState.CLAIMED)
