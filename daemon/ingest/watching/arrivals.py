"""Follows the files that arrive in one watch folder: observes them until they settle, then checks them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath

from filmscand.daemon.core.errors import reading_source
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.database.candidates import ARRIVING, MAX_PAUSE_S, Candidate, Candidates, CandidateState
from filmscand.daemon.ingest.pairs.looking import look_into, refused_by_name
from filmscand.daemon.ingest.pairs.pairing import Arrived, pair_keys
from filmscand.daemon.ingest.troubles import Troubles, is_text, shown
from filmscand.daemon.ingest.watching.content import Completeness, Content, read_content
from filmscand.daemon.ingest.watching.rejected import LeftOut, Rejected
from filmscand.daemon.ingest.watching.settling import (
    FileStat,
    Observation,
    has_settled,
    next_observation_s,
    note_write_end,
    observe_again,
    stat_of,
    wait_s,
)
from filmscand.daemon.ingest.watching.watch import LeftFiles, is_being_written, is_closed
from filmscand.daemon.station.configuration import PairRule, Watch, Workers
from filmscand.drivers.files.reader import (
    AmbiguousLayoutError,
    FileTruncatedError,
    FilmFileError,
)

log = logging.getLogger(__name__)

# Flag of a frame whose file had a time of change in the future: the clock of the camera, computer or server is wrong.
TIME_FLAG = "time_in_future"
_ASIDE = {CandidateState.AMBIGUOUS, CandidateState.QUARANTINED}
NO_TEXT = (
    "its name is not UTF-8 (an old disk, archive or share with another character set). Give the file, or the folder "
    "that has the name, another name: 'mv', or 'convmv -f latin1 -t utf8 --notest -r FOLDER' for many"
)


@dataclass(frozen=True, slots=True)
class SettleRules:
    """When a file counts as arrived.

    Attributes
    ----------
    quiet_s : float
        Time that a file must not change, seconds.
    max_settle_s : float
        After so many seconds without a change, an incomplete file is quarantined, and a file that a program still keeps
        open is accepted.
    probe_writers : bool
        Ask the kernel whether a local process still writes; useless on a network share. There, the content of a file
        has to rest too: it is read twice.
    """

    quiet_s: float
    max_settle_s: float
    probe_writers: bool


class Arrivals:
    """The files of one watch folder that are not yet claimed for a frame.

    Parameters
    ----------
    watch : Watch
        Configuration of the watch folder.
    candidates : Candidates
        Its rows in the database.
    rules : SettleRules
        When a file counts as arrived.
    troubles : Troubles
        The files that cannot be looked at.
    rejected : Rejected
        The files that are no film scans.
    clock_s : callable
        Returns seconds of a monotonic clock: files wait for their other half by it.
    inspector : Inspector, optional
        Looks into the files that have settled.
    """

    def __init__(
        self,
        watch: Watch,
        candidates: Candidates,
        rules: SettleRules,
        troubles: Troubles,
        rejected: Rejected,
        clock_s: Callable[[], float] = time.monotonic,
        inspector: Inspector | None = None,
    ) -> None:
        self._inspector = inspector or Inspector(Workers().memory_limit_mib << 20)
        self._watch = watch
        self._candidates = candidates
        self._rules = rules
        self._rows: dict[str, Candidate] = {}
        self._observations: dict[str, Observation] = {}
        self._handled: dict[str, FileStat] = {}
        self._holding_infrared: set[str] = set()
        # With the name of an infrared file, but with the content of a picture.
        self._pictures: set[str] = set()
        self._troubles = troubles
        self._rejected = rejected
        self._completeness = Completeness(rules.max_settle_s)
        self._left_out = LeftOut(candidates, rules.max_settle_s)
        self._clock_s = clock_s
        self._complete_since_s: dict[str, float] = {}
        self._doubts: dict[str, str] = {}

    def begin(self) -> None:
        """Resume the rows of an earlier run; every file has to settle again."""
        for row in self._candidates.in_state(ARRIVING - {CandidateState.SEEN, CandidateState.SETTLING}):
            self._candidates.move(row, CandidateState.SETTLING)

    def note_sweep(self, found: Mapping[str, FileStat], now_s: float, left: LeftFiles | None = None) -> None:
        """Note the files that a sweep found and those that it left out, and forget those that are gone."""
        for path, stat in found.items():
            self._troubles.safely(path, lambda path=path, stat=stat: self._note(path, stat, now_s))  # type: ignore[misc]
        self._left_out.note(left or {}, now_s)
        there = {shown(path): stat for path, (stat, _) in (left or {}).items()}
        there |= {shown(path): stat for path, stat in found.items()}
        for row in self._candidates.in_state(ARRIVING):
            if row.path not in there:
                self._forget(row)
        for row in self._candidates.in_state(_ASIDE):
            # Another file of its name has a row of its own.
            if row.in_place and there.get(row.path) != (row.size_bytes, row.mtime_ns):
                self._candidates.moved_away(row)
        self._rejected.retry()
        self._handled = {path: stat for path, stat in self._handled.items() if path in found}

    def note_event(self, path: str, now_s: float, *, write_ended: bool) -> None:
        """Observe a file that an event named; `write_ended`: its writer closed it, or it was moved in."""
        self._troubles.safely(path, lambda: self._note_event(path, now_s, write_ended=write_ended))

    def observe_due(self, now_s: float) -> None:
        """Observe every file again that is due, `now_s` in seconds of a monotonic clock."""
        for path, observation in list(self._observations.items()):
            if next_observation_s(observation, self._rules.quiet_s) > now_s:
                continue
            if not self._troubles.safely(path, lambda path=path: self._observe(path, now_s)):  # type: ignore[misc]
                # Without a new time the file would be due at once, again and again.
                self._observations[path] = replace(observation, last_s=now_s)

    def next_observation_s(self) -> float | None:
        """Return when the next file is due, seconds of the monotonic clock; None if no file is arriving."""
        due_s = (next_observation_s(observation, self._rules.quiet_s) for observation in self._observations.values())
        return min(due_s, default=None)

    def settled(self, now_s: float) -> list[Candidate]:
        """Return the files that have settled and still have to be checked, `now_s` in seconds of a monotonic clock."""
        observations = self._observations.items()
        paths = [path for path, observation in observations if has_settled(observation, self._rules.quiet_s)]
        rows = [self._rows[path] for path in paths if self._rows[path].state is CandidateState.SETTLING]
        return [row for row in rows if row.due(now_s)]

    def check(self, row: Candidate, today: date) -> None:
        """Check whether a settled file is a complete film scan, and move its row on accordingly.

        Parameters
        ----------
        row : Candidate
            Row of the file.
        today : date
            Day whose folder below `_failed` takes a file that is not a film scan.

        Raises
        ------
        TransientError, SourceChangedError
            The file cannot be read at the moment.
        """
        path = self._watch.path / row.path
        if (no_film := refused_by_name(row.path)) is not None:
            return self._leave(row, CandidateState.QUARANTINED, no_film)
        patient = self._observations[row.path].age_s < self._rules.max_settle_s
        if patient and self._rules.probe_writers and is_being_written(path):
            self._rows[row.path] = self._candidates.put_off(row, "still open for writing", self._pause_s())
            return None
        content = read_content(self._watch.path, row.path, hashed=not self._rules.probe_writers)
        observation = self._observations[row.path]
        if not self._completeness.rests(row.path, content):
            self._observations[row.path] = observe_again(None, observation.stat, observation.last_s)
            reason = "on a share: its content has to rest for the quiet time too"
            self._rows[row.path] = self._candidates.put_off(row, reason, self._rules.quiet_s)
            return None
        closed = self._rules.probe_writers and is_closed(path)
        missing = self._completeness.missing(content, observation.age_s, closed=closed)
        if missing is not None:
            return self._wait_longer(row, missing)
        return self._check_film(row, content, today, patient=patient)

    def flags_of(self, row: Candidate) -> tuple[str, ...]:
        """Return the flags that a frame gets for its file."""
        return (*self._completeness.flags_of(row.path), *((TIME_FLAG,) if row.is_dated_ahead else ()))

    def complete_files(self, now: float) -> list[Arrived]:
        """Return the complete files that belong to no frame yet, `now` in seconds since the epoch."""
        states = (CandidateState.COMPLETE, CandidateState.WAIT_PAIR)
        now_s = self._clock_s()
        rows = [row for row in self._rows.values() if row.state in states and row.due(now_s)]
        return [
            # The wall clock may be set meanwhile: what the row waits for is counted by the other one.
            Arrived(
                replace(row, changed_at=now - now_s + self._complete_since_s.setdefault(row.path, now_s)),
                row.path in self._holding_infrared,
                self._doubts.get(row.path),
                row.path in self._pictures,
            )
            for row in rows
        ]

    def incomplete_paths(self) -> list[str]:
        """Return the paths of the files that are still being written."""
        return [row.path for row in self._rows.values() if row.state in (CandidateState.SEEN, CandidateState.SETTLING)]

    def wait_for_pair(self, row: Candidate) -> None:
        """Let a complete file wait for the other half of its pair."""
        if row.state is CandidateState.COMPLETE:
            self._rows[row.path] = self._candidates.move(row, CandidateState.WAIT_PAIR)

    def leave_to_person(self, row: Candidate, reason: str) -> None:
        """Leave a file where it is until a person decides; `reason` tells the person what is wrong."""
        self._leave(row, CandidateState.AMBIGUOUS, reason)

    def refresh(self, row: Candidate, now_s: float) -> Candidate | None:
        """Reload a row that a claim has moved; a file that went back to settling is observed from the beginning.

        Returns
        -------
        Candidate or None
            The row as it is now; None if it is gone.
        """
        current = self._candidates.reload(row)
        if current is None or current.state not in ARRIVING:
            self._drop(row.path)
        elif current.state is CandidateState.SETTLING:
            self._track(current, now_s)
        else:
            self._rows[row.path] = current
        return current

    def look_again(self, path: str) -> None:
        """Let the next sweep ask the database again about a file whose claim has ended."""
        self._handled.pop(path, None)

    def _note_event(self, path: str, now_s: float, *, write_ended: bool) -> None:
        stat = self._stat(path)
        if stat is not None and stat.size_bytes > 0:
            self._note(path, stat, now_s)
            if write_ended and path in self._observations:
                self._observations[path] = note_write_end(self._observations[path])

    def _observe(self, path: str, now_s: float) -> None:
        stat = self._stat(path)
        if stat is None:
            self._forget(self._rows[path])
        else:
            self._note(path, stat, now_s)

    def _note(self, path: str, stat: FileStat, now_s: float) -> None:
        observation = self._observations.get(path)
        if observation is not None and observation.stat == stat:
            self._observations[path] = observe_again(observation, stat, now_s)
            return
        if self._handled.get(path) == stat:
            return
        if not is_text(path):
            self._candidates.set_aside(shown(path), *stat, NO_TEXT)
            self._handled[path] = stat
            log.warning("%s stays where it is until a person decides: %s", shown(path), NO_TEXT)
            return
        row = self._candidates.see(path, *stat)
        if row is None or row.state is CandidateState.CLAIMED:
            if row is None:
                self._handled[path] = stat
            return
        if row.state is CandidateState.SEEN:
            row = self._candidates.move(row, CandidateState.SETTLING)
            self._revive_partners(path, now_s)
        self._track(row, now_s)

    def _track(self, row: Candidate, now_s: float) -> None:
        self._rows[row.path] = row
        self._observations[row.path] = observe_again(None, FileStat(row.size_bytes, row.mtime_ns), now_s)
        self._forget_content(row.path)

    def _revive_partners(self, path: str, now_s: float) -> None:
        """Decide again about files that were left to a person, now that a file arrived that may be the other half."""
        if self._watch.pair is PairRule.NONE:
            return
        keys = pair_keys(path)
        for row in self._candidates.in_state({CandidateState.AMBIGUOUS}):
            if row.in_place and row.path != path and pair_keys(row.path) & keys:
                self._handled.pop(row.path, None)
                self._track(self._candidates.move(row, CandidateState.SETTLING), now_s)

    def _wait_longer(self, row: Candidate, reason: str) -> None:
        delay_s = backoff_s(row.retries, self._pause_s(), MAX_PAUSE_S)
        self._rows[row.path] = self._candidates.put_off(row, reason, delay_s)

    def _check_film(self, row: Candidate, content: Content, today: date, *, patient: bool) -> None:
        path = self._watch.path / row.path
        try:
            with reading_source(path):
                self._inspect(row)
        except AmbiguousLayoutError as error:
            self._leave(row, CandidateState.AMBIGUOUS, str(error))
        except FilmFileError as error:
            # Zeros may stand where a table will be.
            if patient and (isinstance(error, FileTruncatedError) or content.has_zeros):
                self._wait_longer(row, str(error))
            else:
                self._fail(row, error, today)
        else:
            self._completeness.accept(row.path, content)
            self._rows[row.path] = self._candidates.move(row, CandidateState.COMPLETE)
            self._complete_since_s[row.path] = self._clock_s()

    def _inspect(self, row: Candidate) -> None:
        found = look_into(self._inspector, self._watch, row.path)
        if found.doubt is not None:
            self._doubts[row.path] = found.doubt
        if found.holds_infrared:
            self._holding_infrared.add(row.path)
        if found.is_picture:
            self._pictures.add(row.path)
            log.info("%s has the name of an infrared file, but holds a picture in colours", row.path)

    def _fail(self, row: Candidate, error: Exception, today: date) -> None:
        # The row first: if the process is killed before the move, the file stays in place and is not ingested again.
        failed = self._candidates.move(row, CandidateState.QUARANTINED, str(error))
        self._drop(row.path)
        log.error("%s is quarantined: %s", row.path, error)
        self._rejected.add(failed, error, today)

    def _leave(self, row: Candidate, state: CandidateState, reason: str) -> None:
        self._candidates.move(row, state, reason)
        self._drop(row.path)
        log.warning("%s stays where it is until a person decides: %s", PurePosixPath(row.path), reason)

    def _forget(self, row: Candidate) -> None:
        self._candidates.forget(row)
        self._drop(row.path)

    def _drop(self, path: str) -> None:
        self._rows.pop(path, None)
        self._observations.pop(path, None)
        self._forget_content(path)

    def _forget_content(self, path: str) -> None:
        self._holding_infrared.discard(path)
        self._pictures.discard(path)
        self._completeness.forget(path)
        self._complete_since_s.pop(path, None)
        self._doubts.pop(path, None)

    def _stat(self, path: str) -> FileStat | None:
        with reading_source(self._watch.path / path):
            return stat_of(self._watch.path / path)

    def _pause_s(self) -> float:
        return wait_s(self._rules.quiet_s, write_ended=True)
