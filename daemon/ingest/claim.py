"""Taking a frame from its watch folder into the archive, so that a kill at any point neither loses nor doubles it.

    hash the files -> [reserve a number, CLAIMED] -> copy, sync, read back -> [in line, STORED] -> away, RELEASED

Each bracket is one transaction. What was killed between the two is done again with the same number, and the archive
finds its own copy.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from filmscand.daemon.archive.atomic_file import hash_file
from filmscand.daemon.archive.sidecar import stored_file
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import FrameExistsError, IntegrityError, SourceChangedError, reading_source
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role, StoredFile
from filmscand.daemon.database.candidates import Candidate, Candidates, CandidateState
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, JobState, Roll, SourceFile, find_job, sources_of
from filmscand.daemon.database.queue import DuplicateSourceError, Queue
from filmscand.daemon.ingest.put_away import delete, move_to_done, move_to_duplicates
from filmscand.daemon.ingest.settling import FileStat, stat_of
from filmscand.daemon.station.configuration import SourcePolicy, Watch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The two tables that a claim moves together.

    Attributes
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    connection: sqlite3.Connection
    queue: Queue
    candidates: Candidates


class Claimer:
    """Claims the frames of one watch.

    Parameters
    ----------
    watch : Watch
        Where they come from.
    archive : Archive
        Where they go to.
    ledger : Ledger
        Where it is written down.
    request : CleanRequest
        How every frame of this watch is to be cleaned.
    today : callable
        Day of ingestion, for the roll and the folder `_done`.
    """

    def __init__(
        self,
        watch: Watch,
        archive: Archive,
        ledger: Ledger,
        request: CleanRequest,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._watch = watch
        self._archive = archive
        self._connection = ledger.connection
        self._queue = ledger.queue
        self._candidates = ledger.candidates
        self._request = request
        self._today = today

    def claim(self, picture: Candidate, infrared: Candidate | None, *, awaits_infrared: bool) -> Job | None:
        """Take up a frame.

        Parameters
        ----------
        picture, infrared : Candidate
            Whole files.
        awaits_infrared : bool
            The picture was waited for in vain: should its infrared come later, the frame is cleaned again.

        Returns
        -------
        Job or None
            The frame, in line; None where the picture is in the archive already.

        Raises
        ------
        TransientError
            If a disk does not do its part now; trying again goes on where it was.
        SourceChangedError
            If a file was not at rest after all; nothing is left of the claim.
        FrameExistsError, FrameIdError
            If the archive has no place for it; nothing is left of the claim.
        """
        halves = [picture] if infrared is None else [picture, infrared]
        roles = (Role.RAW, Role.INFRARED)
        sources = [self._hash(half, role) for half, role in zip(halves, roles, strict=False)]
        flags = ("pair_timeout",) if awaits_infrared else ()
        request = self._request.model_copy(update={"flags": flags, "awaits_infrared": awaits_infrared})
        try:
            job = self._reserve(halves, sources, request)
        except DuplicateSourceError as duplicate:
            for half in halves:
                self._candidates.move(half, CandidateState.DUPLICATE, str(duplicate), duplicate.job_id)
            log.info("%s is a duplicate: %s", picture.path, duplicate)
            return None
        return self.store(job)

    def store(self, job: Job) -> Job:
        """Copy the files of a reserved frame into the archive and put it in line; see `claim` for the errors.

        Done again after an interruption it goes on where it was.
        """
        try:
            stored = tuple(self._store_half(job, source) for source in sources_of(self._connection, job.job_id))
        except (SourceChangedError, FrameExistsError):
            self._give_up(job)
            raise
        with transaction(self._connection):
            queued = self._queue.enqueue(job.job_id, job.request.model_copy(update={"originals": stored}))
            self._advance(job, CandidateState.STORED)
        log.info("%s taken up as %s", job.source, job.frame)
        return queued

    def claim_late(self, infrared: Candidate, job: Job) -> Job:
        """Take up an infrared file whose picture was cleaned without it; the frame gets a new revision."""
        source = self._hash(infrared, Role.INFRARED)
        with transaction(self._connection):
            self._queue.add_source(job.job_id, source)
            self._candidates.move(infrared, CandidateState.CLAIMED, "late infrared", job.job_id)
        return self.store_late(job)

    def store_late(self, job: Job) -> Job:
        """Copy the late infrared of a finished frame into the archive and put the frame in line again."""
        late = next(one for one in sources_of(self._connection, job.job_id) if one.role == Role.INFRARED)
        self._store_half(job, late)
        originals = self._archive.stored_originals(job.frame)
        request = job.request.model_copy(
            update={"flags": ("late_infrared",), "awaits_infrared": False, "originals": originals}
        )
        with transaction(self._connection):
            queued = self._queue.retry(job.job_id, request)
            self._advance(job, CandidateState.STORED)
        log.info("%s: its infrared came late, it is cleaned again", job.frame)
        return queued

    def resume(self, candidate: Candidate) -> Job | None:
        """Go on with a claim that was interrupted; of two files the first takes the second along."""
        job = None if candidate.job_id is None else find_job(self._connection, candidate.job_id)
        if job is None:
            self._candidates.move(candidate, CandidateState.SETTLING)
            return None
        return self.store(job) if job.state is JobState.RESERVED else self.store_late(job)

    def find_late(self, pictures: Sequence[str]) -> Job | None:
        """Return the newest frame that was taken up without its infrared, if there is one.

        Parameters
        ----------
        pictures : sequence of str
            The paths under which the picture may have come.
        """
        known = self._candidates.latest_claimed(pictures)
        job = None if known is None or known.job_id is None else find_job(self._connection, known.job_id)
        return job if job is not None and job.request.awaits_infrared else None

    def release(self, candidate: Candidate) -> Candidate:
        """Get a file out of the way that the archive holds.

        Raises
        ------
        OSError
            If its disk is in trouble.
        """
        found = stat_of(self._watch.path / candidate.path)
        if found != FileStat(candidate.size_bytes, candidate.mtime_ns):
            # It went, or another file has taken its name since: that one is not ours to remove.
            return self._released(candidate, gone=True)
        if candidate.state is CandidateState.DUPLICATE:
            gone = self._watch.source_policy is not SourcePolicy.LEAVE and self._put_away(candidate)
            return self._candidates.moved_away(candidate) if gone else candidate
        return self._released(candidate, gone=self._put_away(candidate))

    def _put_away(self, candidate: Candidate) -> bool:
        if candidate.state is CandidateState.DUPLICATE:
            return move_to_duplicates(self._watch.path, candidate.path) is not None
        match self._watch.source_policy:
            case SourcePolicy.MOVE:
                return move_to_done(self._watch.path, candidate.path, self._today()) is not None
            case SourcePolicy.DELETE:
                return delete(self._watch.path, candidate.path)
            case SourcePolicy.LEAVE:
                return False

    def _released(self, candidate: Candidate, *, gone: bool) -> Candidate:
        refused = not gone and self._watch.source_policy is not SourcePolicy.LEAVE
        reason = "left in place: the folder may only be read" if refused else None
        with transaction(self._connection):
            released = self._candidates.move(candidate, CandidateState.RELEASED, reason)
            return self._candidates.moved_away(released) if gone else released

    def _hash(self, candidate: Candidate, role: Role) -> SourceFile:
        path = self._watch.path / candidate.path
        with reading_source(path):
            digest = hash_file(path)
            found = stat_of(path)
        if found != FileStat(candidate.size_bytes, candidate.mtime_ns) or digest.size_bytes != candidate.size_bytes:
            raise SourceChangedError(f"{path}: expected it to stay as it was, found {found}")
        return SourceFile(str(role), digest.sha256, digest.size_bytes, candidate.path)

    def _reserve(self, halves: Sequence[Candidate], sources: Sequence[SourceFile], request: CleanRequest) -> Job:
        roll = self._watch.roll_of(Path(sources[0].name), self._today())
        place = Roll(self._watch.collection, self._watch.box, roll)
        self._archive.require_open(FrameId(place.collection, place.box, place.roll, 1))
        at_least = self._archive.next_number(place.collection, place.box, place.roll)
        with transaction(self._connection):
            job = self._queue.reserve(place, at_least, sources, request)
            for half in halves:
                self._candidates.move(half, CandidateState.CLAIMED, job_id=job.job_id)
        while not self._archive.reserve(job.frame):
            # Somebody else, a second station perhaps, has just made a folder of this number.
            job = self._queue.renumber(job, job.frame.number + 1)
        return job

    def _store_half(self, job: Job, source: SourceFile) -> StoredFile:
        role = Role(source.role)
        try:
            stored = self._archive.copy_original(job.frame, self._watch.path / source.name, role)
        except (SourceChangedError, FrameExistsError):
            # A kill may have come after the copy; what happened to the source since then does not matter.
            found = self._find_stored(job.frame, role, source)
            if found is None:
                raise
            return found
        if stored.sha256 != source.sha256:
            self._archive.discard_original(job.frame, role)
            raise SourceChangedError(f"{source.name}: changed between reading and copying")
        problem = self._archive.verify_original(job.frame, stored)
        if problem is not None:
            self._archive.discard_original(job.frame, role)
            raise IntegrityError(f"{job.frame}: read back from the archive, {problem}")
        return stored

    def _find_stored(self, frame: FrameId, role: Role, source: SourceFile) -> StoredFile | None:
        path = self._archive.find_original(frame, role)
        digest = None if path is None else hash_file(path, from_disk=True)
        if path is None or digest is None or digest.sha256 != source.sha256:
            return None
        return stored_file(role, path, digest, PurePosixPath(source.name).name)

    def _give_up(self, job: Job) -> None:
        for source in sources_of(self._connection, job.job_id):
            role = Role(source.role)
            # Only what this claim put there; a file with other content is somebody's frame.
            if self._find_stored(job.frame, role, source) is not None:
                self._archive.discard_original(job.frame, role)
        # An empty folder would keep the number from being given again.
        self._archive.release(job.frame)
        with transaction(self._connection):
            self._advance(job, CandidateState.SETTLING)
            self._queue.drop(job.job_id)

    def _advance(self, job: Job, state: CandidateState) -> None:
        for candidate in self._candidates.of_job(job.job_id):
            if candidate.state is CandidateState.CLAIMED:
                self._candidates.move(candidate, state)
