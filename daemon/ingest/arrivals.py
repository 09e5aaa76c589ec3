"""The files that are arriving in one watch folder: looked at until they rest, then checked for being whole."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from filmscand.daemon.core.errors import reading_source
from filmscand.daemon.core.retry import backoff_s
from filmscand.daemon.database.candidates import ARRIVING, Candidate, Candidates, CandidateState
from filmscand.daemon.ingest.pairing import Arrived, is_infrared_half, pair_keys
from filmscand.daemon.ingest.put_away import move_to_failed
from filmscand.daemon.ingest.settling import (
    FileStat,
    Look,
    heard_end,
    is_quiet,
    look_again,
    next_look_s,
    stat_of,
    wait_s,
)
from filmscand.daemon.ingest.watch import is_being_written
from filmscand.daemon.station.configuration import PairRule, Watch
from filmscand.drivers.files.layout import decide_layout
from filmscand.drivers.files.reader import (
    SUFFIXES,
    AmbiguousLayoutError,
    FileTruncatedError,
    FilmFileError,
    check_whole,
)
from filmscand.drivers.files.tiff_pages import open_film

log = logging.getLogger(__name__)

_TRUNCATED_RETRY_CAP_S = 60.0


@dataclass(frozen=True, slots=True)
class SettleRules:
    """When a file counts as arrived.

    Attributes
    ----------
    quiet_s : float
        For how long it has to look the same.
    max_settle_s : float
        After this long without a change a file that is not whole is set aside, and one that a program keeps open is
        taken.
    probe_writers : bool
        Ask the kernel for writers; of no use on a network share.
    """

    quiet_s: float
    max_settle_s: float
    probe_writers: bool


class Arrivals:
    """What is arriving in one watch folder.

    Parameters
    ----------
    watch : Watch
        The watch.
    candidates : Candidates
        Its rows.
    rules : SettleRules
        When a file counts as arrived.
    """

    def __init__(self, watch: Watch, candidates: Candidates, rules: SettleRules) -> None:
        self._watch = watch
        self._candidates = candidates
        self._rules = rules
        self._rows: dict[str, Candidate] = {}
        self._looks: dict[str, Look] = {}
        self._dealt_with: dict[str, FileStat] = {}
        self._holding_infrared: set[str] = set()

    def begin(self) -> None:
        """Take the rows of an earlier run up again; every file has to come to rest anew."""
        for row in self._candidates.in_state(ARRIVING - {CandidateState.SEEN, CandidateState.SETTLING}):
            self._candidates.move(row, CandidateState.SETTLING)

    def note_sweep(self, found: Mapping[str, FileStat], now_s: float) -> None:
        """Take in what a sweep found; what it did not find has gone."""
        for path, stat in found.items():
            self._note(path, stat, now_s)
        for row in self._candidates.in_state(ARRIVING):
            if row.path not in found:
                self._lost(row)
        self._dealt_with = {path: stat for path, stat in self._dealt_with.items() if path in found}

    def note_event(self, path: str, now_s: float, *, ended: bool) -> None:
        """Look at a file that an event named."""
        stat = self._stat(path)
        if stat is not None and stat.size_bytes > 0:
            self._note(path, stat, now_s)
            if ended and path in self._looks:
                self._looks[path] = heard_end(self._looks[path])

    def look(self, now_s: float) -> None:
        """Look again at every file that is due."""
        for path, look in list(self._looks.items()):
            if next_look_s(look, self._rules.quiet_s) > now_s:
                continue
            stat = self._stat(path)
            if stat is None:
                self._lost(self._rows[path])
            else:
                self._note(path, stat, now_s)

    def next_look_s(self) -> float | None:
        """Return when the next file is due; None where nothing is arriving."""
        return min((next_look_s(look, self._rules.quiet_s) for look in self._looks.values()), default=None)

    def resting(self, now: float) -> list[Candidate]:
        """Return the files that have come to rest and have not been checked yet."""
        quiet = [path for path, look in self._looks.items() if is_quiet(look, self._rules.quiet_s)]
        rows = [self._rows[path] for path in quiet if self._rows[path].state is CandidateState.SETTLING]
        return [row for row in rows if row.due(now)]

    def check(self, row: Candidate, today: date) -> None:
        """Check whether a file that rests is whole, and move it on.

        Raises
        ------
        TransientError, SourceChangedError
            If it cannot be read now.
        """
        path = self._watch.path / row.path
        if path.suffix.lower() not in SUFFIXES:
            return self._leave(
                row, CandidateState.QUARANTINED, f"no film scan: expected {_ENDINGS}, found {path.suffix!r}"
            )
        patient = self._looks[row.path].age_s < self._rules.max_settle_s
        if patient and self._rules.probe_writers and is_being_written(path):
            self._rows[row.path] = self._candidates.put_off(row, "still open for writing", self._pause_s())
            return None
        try:
            with reading_source(path):
                self._inspect(path, row)
        except FileTruncatedError as error:
            if patient:
                delay_s = backoff_s(row.retries, self._pause_s(), _TRUNCATED_RETRY_CAP_S)
                self._rows[row.path] = self._candidates.put_off(row, str(error), delay_s)
            else:
                self._fail(row, error, today)
        except AmbiguousLayoutError as error:
            self._leave(row, CandidateState.AMBIGUOUS, str(error))
        except FilmFileError as error:
            self._fail(row, error, today)
        else:
            self._rows[row.path] = self._candidates.move(row, CandidateState.COMPLETE)
        return None

    def whole(self, now: float) -> list[Arrived]:
        """Return the whole files that are no frame yet."""
        states = (CandidateState.COMPLETE, CandidateState.WAIT_PAIR)
        rows = [row for row in self._rows.values() if row.state in states and row.due(now)]
        return [Arrived(row, row.path in self._holding_infrared) for row in rows]

    def coming(self) -> list[str]:
        """Return the paths of the files that are not whole yet."""
        return [row.path for row in self._rows.values() if row.state in (CandidateState.SEEN, CandidateState.SETTLING)]

    def wait_for_pair(self, row: Candidate) -> None:
        """Let a whole file wait for its other half."""
        if row.state is CandidateState.COMPLETE:
            self._rows[row.path] = self._candidates.move(row, CandidateState.WAIT_PAIR)

    def ask(self, row: Candidate, reason: str) -> None:
        """Leave a file to a person."""
        self._leave(row, CandidateState.AMBIGUOUS, reason)

    def refresh(self, row: Candidate, now_s: float) -> Candidate | None:
        """Follow a row that a claim has moved; a file that begins anew is looked at anew."""
        current = self._candidates.reload(row)
        if current is None or current.state not in ARRIVING:
            self._drop(row.path)
        elif current.state is CandidateState.SETTLING:
            self._track(current, now_s)
        else:
            self._rows[row.path] = current
        return current

    def _note(self, path: str, stat: FileStat, now_s: float) -> None:
        look = self._looks.get(path)
        if look is not None and look.stat == stat:
            self._looks[path] = look_again(look, stat, now_s)
            return
        if self._dealt_with.get(path) == stat:
            return
        row = self._candidates.see(path, *stat)
        if row is None or row.state is CandidateState.CLAIMED:
            if row is None:
                self._dealt_with[path] = stat
            return
        if row.state is CandidateState.SEEN:
            row = self._candidates.move(row, CandidateState.SETTLING)
            self._revive_partners(path, now_s)
        self._track(row, now_s)

    def _track(self, row: Candidate, now_s: float) -> None:
        self._rows[row.path] = row
        self._looks[row.path] = look_again(None, FileStat(row.size_bytes, row.mtime_ns), now_s)
        self._holding_infrared.discard(row.path)

    def _revive_partners(self, path: str, now_s: float) -> None:
        """Let a file that was left to a person be judged again, now that another one came that may belong to it."""
        if self._watch.pair is PairRule.NONE:
            return
        keys = pair_keys(path)
        for row in self._candidates.in_state({CandidateState.AMBIGUOUS}):
            if row.in_place and row.path != path and pair_keys(row.path) & keys:
                self._dealt_with.pop(row.path, None)
                self._track(self._candidates.move(row, CandidateState.SETTLING), now_s)

    def _inspect(self, path: Path, row: Candidate) -> None:
        check_whole(path)
        if is_infrared_half(row.path, self._watch.pair):
            return
        with open_film(path) as film:
            layout = decide_layout(film, told_infrared=self._watch.fourth_sample_infrared, has_partner=False)
        if layout.infrared is not None:
            self._holding_infrared.add(row.path)

    def _fail(self, row: Candidate, error: Exception, today: date) -> None:
        # The row first: a kill before the move leaves the file where it is, and blocked.
        failed = self._candidates.move(row, CandidateState.QUARANTINED, str(error))
        self._drop(row.path)
        log.error("%s is set aside: %s", row.path, error)
        with reading_source(self._watch.path / row.path):
            if move_to_failed(self._watch.path, row.path, today, error) is not None:
                self._candidates.moved_away(failed)

    def _leave(self, row: Candidate, state: CandidateState, reason: str) -> None:
        self._candidates.move(row, state, reason)
        self._drop(row.path)
        log.warning("%s is left where it is: %s", PurePosixPath(row.path), reason)

    def _lost(self, row: Candidate) -> None:
        self._candidates.forget(row)
        self._drop(row.path)

    def _drop(self, path: str) -> None:
        self._rows.pop(path, None)
        self._looks.pop(path, None)
        self._holding_infrared.discard(path)

    def _stat(self, path: str) -> FileStat | None:
        with reading_source(self._watch.path / path):
            return stat_of(self._watch.path / path)

    def _pause_s(self) -> float:
        return wait_s(self._rules.quiet_s, ended=True)


_ENDINGS = ", ".join(sorted(SUFFIXES))
