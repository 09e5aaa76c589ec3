"""Takes frames from a watch folder into the archive; a kill at any point neither loses nor doubles a frame.

    hash the files -> [reserve a number, CLAIMED] -> copy, sync, read back -> [queue, STORED] -> put away, RELEASED

Each bracket is one transaction. A claim that was killed between two of them is repeated with the same number, and the
archive finds the copy that is already there.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from filmscand.daemon.archive.atomic_file import hash_file
from filmscand.daemon.archive.sidecar import stored_file
from filmscand.daemon.archive.source_file import hash_below
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
    """The two tables that a claim changes together.

    Attributes
    ----------
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    connection: sqlite3.Connection
    queue: Queue
    candidates: Candidates


class Claimer:
    """Claims the frames of one watch folder.

    Parameters
    ----------
    watch : Watch
        The watch folder.
    archive : Archive
        The archive.
    ledger : Ledger
        The queue and the candidates.
    request : CleanRequest
        How every frame of this watch is to be cleaned.
    today : callable
        Returns the day of ingestion, for the roll and the folder `_done`.
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
        self._compared: set[int] = set()

    def claim(
        self,
        picture: Candidate,
        infrared: Candidate | None,
        *,
        awaits_infrared: bool,
        file_flags: tuple[str, ...] = (),
    ) -> Job | None:
        """Claim a frame: reserve a number, copy its files and queue it.

        Parameters
        ----------
        picture, infrared : Candidate
            Complete files; None if there is no infrared file.
        awaits_infrared : bool
            True if the infrared file did not come in time; if it comes later, the frame is cleaned again.
        file_flags : tuple of str
            Flags of the files.

        Returns
        -------
        Job or None
            The queued frame; None if the picture is in the archive already.

        Raises
        ------
        TransientError
            A disk fails now; a later call continues where this one stopped.
        SourceChangedError
            A file still changes; the claim is undone.
        FrameExistsError, FrameIdError
            The archive cannot take the frame; the claim is undone.
        """
        halves = [picture] if infrared is None else [picture, infrared]
        roles = (Role.RAW, Role.INFRARED)
        sources = [self._hash(half, role) for half, role in zip(halves, roles, strict=False)]
        flags = (*file_flags, "pair_timeout") if awaits_infrared else file_flags
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
        """Copy the files of a reserved frame into the archive and queue it; see `claim` for the errors.

        After an interruption a second call continues where the first one stopped.
        """
        try:
            stored = tuple(self._store_half(job, source) for source in sources_of(self._connection, job.job_id))
        except (SourceChangedError, FrameExistsError):
            self._give_up(job)
            raise
        with transaction(self._connection):
            queued = self._queue.enqueue(job.job_id, job.request.model_copy(update={"originals": stored}))
            self._advance(job, CandidateState.STORED)
        log.info("%s archived as %s and queued", job.source, job.frame)
        return queued

    def claim_late(self, infrared: Candidate, job: Job) -> Job:
        """Claim the infrared file of a frame that was cleaned without it; the frame gets a new revision."""
        source = self._hash(infrared, Role.INFRARED)
        with transaction(self._connection):
            self._queue.add_source(job.job_id, source)
            self._candidates.move(infrared, CandidateState.CLAIMED, "late infrared", job.job_id)
        return self.store_late(job)

    def store_late(self, job: Job) -> Job:
        """Copy the late infrared file of a finished frame into the archive and queue the frame again."""
        late = next(one for one in sources_of(self._connection, job.job_id) if one.role == Role.INFRARED)
        self._store_half(job, late)
        originals = self._archive.stored_originals(job.frame)
        request = job.request.model_copy(
            update={"flags": ("late_infrared",), "awaits_infrared": False, "originals": originals}
        )
        with transaction(self._connection):
            queued = self._queue.retry(job.job_id, request)
            self._advance(job, CandidateState.STORED)
        log.info("%s: the infrared file came late, the frame is cleaned again", job.frame)
        return queued

    def resume(self, candidate: Candidate) -> Job | None:
        """Continue an interrupted claim; the picture's candidate continues the claim of its infrared file too."""
        job = None if candidate.job_id is None else find_job(self._connection, candidate.job_id)
        if job is None:
            self._candidates.move(candidate, CandidateState.SETTLING)
            return None
        return self.store(job) if job.state is JobState.RESERVED else self.store_late(job)

    def find_late(self, pictures: Sequence[str]) -> Job | None:
        """Return the newest frame that was claimed without its infrared file, None if there is none.

        Parameters
        ----------
        pictures : sequence of str
            The paths that the picture may have had.
        """
        known = self._candidates.latest_claimed(pictures)
        job = None if known is None or known.job_id is None else find_job(self._connection, known.job_id)
        return job if job is not None and job.request.awaits_infrared else None

    def release(self, candidate: Candidate) -> Candidate:
        """Put away a file that is in the archive, as the watch's source policy says.

        Raises
        ------
        PutAwayError, FileNotFoundError
            The file cannot be moved away or deleted, or is gone meanwhile.
        SourceUnreadableError
            The disk or share of the watch folder fails.
        """
        found = stat_of(self._watch.path / candidate.path)
        if found != FileStat(candidate.size_bytes, candidate.mtime_ns):
            # The file is gone, or a new file has its name: the new one must stay.
            return self._released(candidate, gone=True)
        if candidate.state is CandidateState.DUPLICATE:
            gone = self._watch.source_policy is not SourcePolicy.LEAVE and self._put_away(candidate)
            return self._candidates.moved_away(candidate) if gone else candidate
        if self._watch.source_policy is not SourcePolicy.LEAVE and not self._is_what_was_archived(candidate):
            log.error(
                "%s changed after it was archived, without another size or time; it is archived again as a frame of its"
                " own",
                candidate.path,
            )
            return self._released(candidate, gone=True)
        return self._released(candidate, gone=self._put_away(candidate))

    def _is_what_was_archived(self, candidate: Candidate) -> bool:
        # Once is enough: a folder that keeps its files is tried again and again.
        if candidate.job_id is None or candidate.candidate_id in self._compared:
            return True
        archived = {source.sha256 for source in sources_of(self._connection, candidate.job_id)}
        if hash_below(self._watch.path, candidate.path, from_disk=True).sha256 not in archived:
            return False
        self._compared.add(candidate.candidate_id)
        return True

    def _put_away(self, candidate: Candidate) -> bool:
        if candidate.state is CandidateState.DUPLICATE:
            move_to_duplicates(self._watch.path, candidate.path)
            return True
        match self._watch.source_policy:
            case SourcePolicy.MOVE:
                move_to_done(self._watch.path, candidate.path, self._today())
            case SourcePolicy.DELETE:
                delete(self._watch.path, candidate.path)
            case SourcePolicy.LEAVE:
                return False
        return True

    def _released(self, candidate: Candidate, *, gone: bool) -> Candidate:
        with transaction(self._connection):
            released = self._candidates.move(candidate, CandidateState.RELEASED)
            return self._candidates.moved_away(released) if gone else released

    def _hash(self, candidate: Candidate, role: Role) -> SourceFile:
        path = self._watch.path / candidate.path
        with reading_source(path):
            digest = hash_below(self._watch.path, candidate.path)
            found = stat_of(path)
        if found != FileStat(candidate.size_bytes, candidate.mtime_ns) or digest.size_bytes != candidate.size_bytes:
            raise SourceChangedError(f"{path}: expected it to stay as it was, found {found}")
        return SourceFile(str(role), digest.sha256, digest.size_bytes, candidate.path)

    def _reserve(self, halves: Sequence[Candidate], sources: Sequence[SourceFile], request: CleanRequest) -> Job:
        roll = self._watch.roll_of(Path(sources[0].name), self._today())
        place = Roll(self._watch.collection, self._watch.box, roll)
        at_least = self._archive.next_number(place.collection, place.box, place.roll)
        with transaction(self._connection):
            job = self._queue.reserve(place, at_least, sources, request)
            for half in halves:
                self._candidates.move(half, CandidateState.CLAIMED, job_id=job.job_id)
        return job

    def _store_half(self, job: Job, source: SourceFile) -> StoredFile:
        role = Role(source.role)
        try:
            stored = self._archive.copy_original(job.frame, self._watch.path / source.name, role, root=self._watch.path)
        except (SourceChangedError, FrameExistsError):
            # An earlier call may have been killed after its copy; later changes of the source do not matter then.
            found = self._find_stored(job.frame, role, source)
            if found is None:
                raise
            return found
        if stored.sha256 != source.sha256:
            self._discard(job.frame, role)
            raise SourceChangedError(f"{source.name}: changed between reading and copying")
        problem = self._archive.verify_original(job.frame, stored)
        if problem is not None:
            self._discard(job.frame, role)
            raise IntegrityError(f"{job.frame}: read back from the archive, {problem}")
        return stored

    def _find_stored(self, frame: FrameId, role: Role, source: SourceFile) -> StoredFile | None:
        path = self._archive.frame_folder(frame).original(role)
        digest = None if path is None else hash_file(path, from_disk=True)
        if path is None or digest is None or digest.sha256 != source.sha256:
            return None
        return stored_file(role, path, digest, PurePosixPath(source.name).name)

    def _give_up(self, job: Job) -> None:
        for source in sources_of(self._connection, job.job_id):
            role = Role(source.role)
            # Only the copies of this claim; a file with other content belongs to another frame.
            if self._find_stored(job.frame, role, source) is not None:
                self._discard(job.frame, role)
        with transaction(self._connection):
            self._advance(job, CandidateState.SETTLING)
            self._queue.drop(job.job_id)

    def _discard(self, frame: FrameId, role: Role) -> None:
        folder = self._archive.frame_folder(frame)
        path = folder.original(role)
        if path is not None:
            path.unlink()
        # An empty folder would block the frame number.
        with contextlib.suppress(OSError):
            folder.path.rmdir()

    def _advance(self, job: Job, state: CandidateState) -> None:
        for candidate in self._candidates.of_job(job.job_id):
            if candidate.state is CandidateState.CLAIMED:
                self._candidates.move(candidate, state)
