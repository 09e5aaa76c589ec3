"""Gives a frame of the archive the infrared file that came late, or the right one after a wrong one.

    does it belong? -> [note the source, CLAIMED] -> set another infrared aside -> copy -> [queue, STORED]

Scanning programs use names again: `scan0001_ir.tif` may belong to the next roll. So the name alone never decides.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from filmscand.daemon.archive.frames.replaced import bring_back, replaced_originals, set_aside
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, FrameExistsError, SourceChangedError
from filmscand.daemon.core.request import CleanRequest, Role, StoredFile
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, JobOutcome, JobState, find_job, sources_of
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.claiming.halves import Halves
from filmscand.drivers.files.reader import SUFFIXES, infrared_stem

log = logging.getLogger(__name__)

# The other half comes minutes later, or after a share was down over a long weekend. After a week, the name is more
# likely that of the next roll.
LATE_AT_MOST_S: Final = 7 * 86400.0
_DAY_S: Final = 86400.0


class NotItsInfraredError(DaemonError):
    """The infrared does not belong to the frame, or nothing shows that it does: a person has to decide."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The two tables that a claim changes together.

    Attributes
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    connection: sqlite3.Connection
    queue: Queue
    candidates: Candidates


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a late infrared goes.

    Attributes
    ----------
    halves : Halves
        Copies it.
    why_not : callable
        Called with the picture in the archive, the infrared file and the frame's request; returns why they do not
        belong together, None if they do.
    """

    archive: Archive
    halves: Halves
    ledger: Ledger
    why_not: Callable[[Path, Path, CleanRequest], str | None]


class LateInfrared:
    """The late infrared files of one watch folder.

    Parameters
    ----------
    folder : Path
        The watch folder.
    stores : Stores
        Where the files go.
    """

    def __init__(self, folder: Path, stores: Stores) -> None:
        self._folder = folder
        self._archive = stores.archive
        self._halves = stores.halves
        self._connection = stores.ledger.connection
        self._queue = stores.ledger.queue
        self._candidates = stores.ledger.candidates
        self._why_not = stores.why_not

    def find(self, infrared: str) -> Job | None:
        """Return the newest frame whose picture had the name that belongs to an infrared file; None if there is none.

        Parameters
        ----------
        infrared : str
            Path of the infrared file below the watch folder.
        """
        known = self._candidates.latest_claimed(_picture_paths(infrared))
        return None if known is None or known.job_id is None else find_job(self._connection, known.job_id)

    def take(self, infrared: Candidate, job: Job, *, same_picture: bool = False) -> Job | None:
        """Give an infrared file to a finished frame, if it belongs to the frame; the frame gets a new revision.

        Parameters
        ----------
        same_picture : bool
            The infrared came with the frame's own picture; else only its name points to the frame.

        Returns
        -------
        Job or None
            The queued frame; None if the frame has exactly this infrared: the file is a duplicate.

        Raises
        ------
        NotItsInfraredError
            It does not belong to the frame; nothing was changed.
        RollSealedError
            The frame's roll is sealed.
        """
        source = self._halves.hash(infrared, Role.INFRARED)
        if self._halves.find_stored(job.frame, source) is not None:
            told = f"the same infrared is already in the archive as {job.frame}"
            self._candidates.move(infrared, CandidateState.DUPLICATE, told, job.job_id)
            return None
        if not same_picture:
            _require_waiting(job)
        self._archive.require_open(job.frame)
        reason = self._why_not(self._archive.frame_folder(job.frame).raw(), self._folder / infrared.path, job.request)
        if reason is not None:
            raise NotItsInfraredError(f"it does not belong to {job.frame}: {reason}")
        with transaction(self._connection):
            self._queue.add_source(job.job_id, source)
            self._candidates.move(infrared, CandidateState.CLAIMED, "late infrared", job.job_id)
        return self.store(job)

    def store(self, job: Job) -> Job:
        """Copy the late infrared file of a finished frame into the archive and queue the frame again.

        After an interruption a second call continues where the first one stopped.
        """
        source = next(one for one in sources_of(self._connection, job.job_id) if one.role == Role.INFRARED)
        folder = self._archive.frame_folder(job.frame)
        if self._halves.find_stored(job.frame, source) is None:
            with self._archive.writing():
                set_aside(folder)
        try:
            late = self._halves.store(job, source)
        except (SourceChangedError, FrameExistsError):
            with self._archive.writing():
                bring_back(folder)
            raise
        request = self._with_late(job, late.model_copy(update={"original_name": PurePosixPath(source.name).name}))
        self._note_replaced(job, request)
        with transaction(self._connection):
            queued = self._queue.retry(job.job_id, request)
            for candidate in self._candidates.of_job(job.job_id):
                if candidate.state is CandidateState.CLAIMED:
                    self._candidates.move(candidate, CandidateState.STORED)
        log.info("%s: the infrared file came late, the frame is cleaned again", job.frame)
        return queued

    def _with_late(self, job: Job, late: StoredFile) -> CleanRequest:
        request, folder = job.request, self._archive.frame_folder(job.frame)
        known = {file.sha256: file for file in (*request.originals, *request.replaced_originals)}
        raw = next((file for file in request.originals if file.role is Role.RAW), None)
        replaced = tuple(
            file.model_copy(update={"original_name": known[file.sha256].original_name} if file.sha256 in known else {})
            for file in replaced_originals(folder)
        )
        flags = tuple(flag for flag in request.flags if flag not in ("pair_timeout", "late_infrared"))
        return request.model_copy(
            update={
                "flags": (*flags, "late_infrared"),
                "awaits_infrared": False,
                "originals": (raw or self._archive.stored_originals(job.frame)[0], late),
                "replaced_originals": replaced,
            }
        )

    def _note_replaced(self, job: Job, request: CleanRequest) -> None:
        """Name the infrared that was set aside in the events and in the sidecar, so that it stays accounted for."""
        known = {file.name for file in job.request.replaced_originals}
        earlier_name = f"{job.frame.stem}_ir"
        for file in request.replaced_originals:
            if file.name not in known:
                self._archive.note_renaming(job.frame, earlier_name + Path(file.name).suffix, file)
        if self._archive.is_complete(job.frame) and request.replaced_originals:
            sidecar = self._archive.read_sidecar(job.frame)
            update = {"originals": request.originals, "replaced_originals": request.replaced_originals}
            self._archive.write_sidecar(job.frame, sidecar.model_copy(update=update))


def _require_waiting(job: Job) -> None:
    """Require that a frame can still be given an infrared file that only its name points to.

    Raises
    ------
    NotItsInfraredError
        The frame has its infrared, or its picture was taken up too long ago.
    """
    failed = job.state is JobState.FINISHED and job.outcome is not JobOutcome.ARCHIVED
    if not job.request.awaits_infrared and not failed:
        raise NotItsInfraredError(f"{job.frame}, whose picture had the same name, waits for no infrared")
    age_s = time.time() - job.created_at
    if age_s > LATE_AT_MOST_S:
        raise NotItsInfraredError(
            f"{job.frame}, whose picture had the same name, was taken up {age_s / _DAY_S:.0f} days ago"
        )


def _picture_paths(infrared: str) -> Sequence[str]:
    path = PurePosixPath(infrared)
    stem = infrared_stem(path.name) or path.stem
    return [str(path.with_name(name)) for name in (stem, *(f"{stem}{suffix}" for suffix in sorted(SUFFIXES)))]
