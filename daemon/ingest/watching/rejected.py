"""Moves files that are no film scans out of the way, and names what is no file at all."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

from filmscand.daemon.core.errors import SourceChangedError
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.ingest.troubles import Troubles, shown
from filmscand.daemon.ingest.watching.put_away import PutAwayError, move_to_failed
from filmscand.daemon.ingest.watching.settling import FileStat
from filmscand.daemon.ingest.watching.watch import Left, LeftFiles

log = logging.getLogger(__name__)


class LeftOut:
    """Links, empty files and things that are no files: each is named once, and stays where it is.

    Parameters
    ----------
    candidates : Candidates
        The rows of the watch folder in the database.
    patience_s : float
        An empty file is named after so many seconds: its program may still fill it.
    """

    def __init__(self, candidates: Candidates, patience_s: float) -> None:
        self._candidates = candidates
        self._patience_s = patience_s
        self._since_s: dict[str, tuple[FileStat, float]] = {}

    def note(self, left: LeftFiles, now_s: float) -> None:
        """Note what a sweep left out, by path below the watch folder; `now_s` in seconds of a monotonic clock."""
        before, self._since_s = self._since_s, {}
        for path, (stat, why) in left.items():
            known = before.get(path)
            since_s = known[1] if known is not None and known[0] == stat else now_s
            self._since_s[path] = (stat, since_s)
            waits = why is Left.EMPTY and now_s - since_s < self._patience_s
            if not waits and self._candidates.set_aside(shown(path), *stat, str(why)):
                log.warning("%s stays where it is: %s", shown(path), why)


class Rejected:
    """The files of one watch folder that are no film scans.

    Parameters
    ----------
    root : Path
        The watch folder.
    candidates : Candidates
        Its rows in the database.
    held : Troubles
        The files that cannot be moved away.
    """

    def __init__(self, root: Path, candidates: Candidates, held: Troubles) -> None:
        self._root = root
        self._candidates = candidates
        self._held = held
        self._waiting: dict[int, tuple[Candidate, Exception, date]] = {}

    def add(self, row: Candidate, error: Exception, day: date) -> None:
        """Move the file of a quarantined row to `_failed`; if that fails, it stays in place and is retried."""
        try:
            move_to_failed(self._root, row.path, day, error)
        except PutAwayError as refused:
            self._waiting[row.candidate_id] = (row, error, day)
            self._held.note(row.path, str(refused))
        except (FileNotFoundError, SourceChangedError):
            # The next sweep notes that it is gone.
            self._end(row)
        else:
            self._end(row)
            self._candidates.moved_away(row)

    def retry(self) -> None:
        """Try again to move the files that could not be moved."""
        for row, error, day in list(self._waiting.values()):
            current = self._candidates.reload(row)
            if current is not None and current.state is CandidateState.QUARANTINED and current.in_place:
                self.add(current, error, day)
            else:
                self._end(row)

    def _end(self, row: Candidate) -> None:
        self._waiting.pop(row.candidate_id, None)
        self._held.end(row.path)
