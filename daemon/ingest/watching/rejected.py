"""Moves files that are no film scans out of the way, and tries again where a folder does not allow it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from filmscand.daemon.core.errors import SourceChangedError
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.ingest.troubles import Troubles
from filmscand.daemon.ingest.watching.put_away import PutAwayError, move_to_failed


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
