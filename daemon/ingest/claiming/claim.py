"""Takes frames from a watch folder into the archive; a kill at any point neither loses nor doubles a frame.

    hash the files -> [reserve a number, CLAIMED] -> copy, sync, read back -> [queue, STORED] -> put away, RELEASED

Each bracket is one transaction. A claim that was killed between two of them is repeated with the same number, and the
archive finds the copy that is already there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from filmscand.daemon.archive.files.source_file import hash_below
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import FrameExistsError, RollSealedError, SourceChangedError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, JobState, Roll, SourceFile, find_job, sources_of
from filmscand.daemon.database.queue import DuplicateSourceError
from filmscand.daemon.database.roll_names import name_of_roll
from filmscand.daemon.ingest.claiming.halves import Halves
from filmscand.daemon.ingest.claiming.late import LateInfrared, Ledger, NotItsInfraredError
from filmscand.daemon.ingest.claiming.rolls import roll_for
from filmscand.daemon.ingest.watching.put_away import delete, move_to_done, move_to_duplicates
from filmscand.daemon.ingest.watching.settling import FileStat, stat_of
from filmscand.daemon.station.configuration import SourcePolicy, Watch

log = logging.getLogger(__name__)

# Time between two looks at a frame that another half waits for, seconds; cleaning a frame takes about as long.
_LOOK_AGAIN_S: Final = 5.0


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
    late : LateInfrared
        Gives frames that are in the archive their infrared.
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
        late: LateInfrared,
        request: CleanRequest,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._watch = watch
        self._archive = archive
        self._connection = ledger.connection
        self._queue = ledger.queue
        self._candidates = ledger.candidates
        self._late = late
        self._halves = Halves(watch.path, archive)
        self._request = request
        self._today = today
        self._compared: set[int] = set()
        self._listed: set[Roll] = set()

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
            The queued frame; None if the picture is in the archive already, and brought no new infrared.

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
        sources = [self._halves.hash(half, role) for half, role in zip(halves, roles, strict=False)]
        job = self.reserve(halves, sources, awaits_infrared=awaits_infrared, file_flags=file_flags)
        return self.store(job) if job is not None and job.state is JobState.RESERVED else job

    def reserve(
        self,
        halves: Sequence[Candidate],
        sources: Sequence[SourceFile],
        *,
        awaits_infrared: bool,
        file_flags: tuple[str, ...] = (),
    ) -> Job | None:
        """Reserve a number for a frame whose files were hashed, or decide about a picture that the station knows.

        Parameters
        ----------
        halves : sequence of Candidate
            Complete files: the picture, then its infrared file if it has one.
        sources : sequence of SourceFile
            Their hashes.
        awaits_infrared, file_flags
            As for `claim`, where the errors are, too.

        Returns
        -------
        Job or None
            The reserved frame, which `store` goes on with; a queued frame that got its late infrared; or None: the
            candidates tell whether the picture is a duplicate or waits.
        """
        flags = (*file_flags, "pair_timeout") if awaits_infrared else file_flags
        request = self._request.model_copy(update={"flags": flags, "awaits_infrared": awaits_infrared})
        try:
            return self._reserve(halves, sources, request)
        except DuplicateSourceError as duplicate:
            return self._take_again(halves, sources, request, duplicate)

    def store(self, job: Job) -> Job:
        """Copy the files of a reserved frame into the archive and queue it; see `claim` for the errors.

        After an interruption a second call continues where the first one stopped.
        """
        try:
            folder = self._note_folder(job)
            stored = tuple(self._halves.store(job, source) for source in sources_of(self._connection, job.job_id))
        except (SourceChangedError, FrameExistsError):
            self._give_up(job)
            raise
        update = {"originals": stored, "original_folder": folder}
        with transaction(self._connection):
            queued = self._queue.enqueue(job.job_id, job.request.model_copy(update=update))
            self._advance(job, CandidateState.STORED)
        log.info("%s archived as %s and queued", job.source, job.frame)
        return queued

    def resume(self, candidate: Candidate) -> Job | None:
        """Continue an interrupted claim; the picture's candidate continues the claim of its infrared file too."""
        job = None if candidate.job_id is None else find_job(self._connection, candidate.job_id)
        if job is None:
            self._candidates.move(candidate, CandidateState.SETTLING)
            return None
        return self.store(job) if job.state is JobState.RESERVED else self._late.store(job)

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

    def _take_again(
        self,
        halves: Sequence[Candidate],
        sources: Sequence[SourceFile],
        request: CleanRequest,
        duplicate: DuplicateSourceError,
    ) -> Job | None:
        """Decide half by half about a picture that the station knows: the archive's files count, not the database."""
        known = find_job(self._connection, duplicate.job_id)
        is_held, *others = (self._halves.find_stored(duplicate.frame, source) is not None for source in sources)
        brings_nothing = is_held and all(others)
        # A claim under way may still be given up, and then the picture is not in the archive after all.
        may_change = known is not None and (
            known.state is JobState.RESERVED or (known.state is not JobState.FINISHED and not brings_nothing)
        )
        if known is not None and may_change:
            for half in halves:
                self._candidates.put_off(half, f"waits until {known.frame} is cleaned", _LOOK_AGAIN_S)
            return None
        if known is not None and not is_held:
            log.warning("%s: the archive no longer has %s, the picture is archived anew", halves[0].path, known.frame)
            again = request.model_copy(update={"flags": (*request.flags, "archived_again")})
            return self._reserve(halves, sources, again, instead_of=known.job_id)
        queued = self._take_late(halves[1], known) if known is not None and len(halves) > 1 else None
        self._candidates.move(halves[0], CandidateState.DUPLICATE, str(duplicate), duplicate.job_id)
        log.info("%s is a duplicate: %s", halves[0].path, duplicate)
        return queued

    def _take_late(self, infrared: Candidate, known: Job) -> Job | None:
        try:
            return self._late.take(infrared, known, same_picture=True)
        except (NotItsInfraredError, RollSealedError) as error:
            log.warning("%s stays where it is until a person decides: %s", infrared.path, error)
            self._candidates.move(infrared, CandidateState.AMBIGUOUS, str(error))
            return None

    def _note_folder(self, job: Job) -> str | None:
        """Note the name of the frame's roll in its record; return the picture's folder if that is another name."""
        frame = job.frame
        name = name_of_roll(self._connection, Roll(frame.collection, frame.box, frame.roll))
        kept = None if name is None else self._archive.note_roll_name(frame, name)
        folder = str(PurePosixPath(job.source).parent)
        return None if folder in (".", kept) else folder

    def _reserve(
        self,
        halves: Sequence[Candidate],
        sources: Sequence[SourceFile],
        request: CleanRequest,
        *,
        instead_of: int | None = None,
    ) -> Job:
        self._archive.require_present()
        file = Path(sources[0].name)
        place = roll_for(self._connection, self._archive.root, self._watch, file, self._today())
        self._archive.require_open(FrameId(place.collection, place.box, place.roll, 1))
        at_least = self._lowest_number(place)
        with transaction(self._connection):
            job = self._queue.reserve(place, at_least, sources, request, instead_of=instead_of)
            for half in halves:
                self._candidates.move(half, CandidateState.CLAIMED, job_id=job.job_id)
        while not self._archive.reserve(job.frame):
            # Somebody else, a second station perhaps, has just made a folder of this number.
            job = self._queue.renumber(job, job.frame.number + 1)
        return job

    def _lowest_number(self, place: Roll) -> int:
        """Return the number from which on the archive is free; it is listed once, for a roll may have thousands.

        Later the queue knows its own frames, and a folder that somebody else made keeps its number by being there.
        """
        if place in self._listed:
            return 1
        lowest = self._archive.next_number(place.collection, place.box, place.roll)
        self._listed.add(place)
        return lowest

    def _give_up(self, job: Job) -> None:
        for source in sources_of(self._connection, job.job_id):
            role = Role(source.role)
            # Only the copies of this claim; a file with other content belongs to another frame.
            if self._halves.find_stored(job.frame, source) is not None:
                self._archive.discard_original(job.frame, role)
        # An empty folder would block the frame number.
        self._archive.release(job.frame)
        with transaction(self._connection):
            self._advance(job, CandidateState.SETTLING)
            self._queue.drop(job.job_id)

    def _advance(self, job: Job, state: CandidateState) -> None:
        for candidate in self._candidates.of_job(job.job_id):
            if candidate.state is CandidateState.CLAIMED:
                self._candidates.move(candidate, state)
