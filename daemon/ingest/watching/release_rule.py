"""Holds archived source files in their watch folder until the rule of the folder lets them go.

    archived     at once
    sealed       the frame's roll is sealed, and the manifest of its bag names the frame's originals
    replicated   and this bag was verified at every target

The rule is asked anew each time, of the database and of the bag: nothing has to be remembered over a restart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag_listing import BagListing, sealed_listing
from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.database.frames import find_job
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.keeping.replicas import replicated_rolls, sealed_rolls, stored_files
from filmscand.daemon.ingest.plan import IngestPlan
from filmscand.daemon.station.configuration import ReleaseWhen, SourcePolicy


class ReleaseRule:
    """The rule of one watch folder.

    Parameters
    ----------
    plan : IngestPlan
        The settings of the folder.
    connection : sqlite3.Connection
        Connection of the calling thread.
    """

    def __init__(self, plan: IngestPlan, connection: sqlite3.Connection) -> None:
        watch = plan.watch
        self._watch = str(watch.path)
        self._when = watch.release_when
        self._targets = plan.targets
        self._connection = connection
        self._archive = plan.archive
        self._held: frozenset[int] = frozenset()
        # A source that is left where it is need not wait.
        self._is_immediate = self._when is ReleaseWhen.ARCHIVED or watch.source_policy is SourcePolicy.LEAVE

    @property
    def released_at_once(self) -> frozenset[CandidateState]:
        """The states in which a file that was just claimed is put away; a roll cannot be sealed so soon."""
        at_once = {CandidateState.STORED} if self._is_immediate else set()
        return frozenset({CandidateState.DUPLICATE, *at_once})

    def begin_round(self) -> None:
        """Ask of every archived file of the folder whether it may go; while the archive does not answer, none may."""
        if self._is_immediate:
            return
        stored = stored_files(self._connection, self._watch)
        free = self._free_rolls() if stored else {}
        named = {roll: self._named_in(roll, free[roll]) for roll in {one.roll for one in stored} & free.keys()}
        self._held = frozenset(
            one.candidate_id for one in stored if not self._is_named(one.job_id, named.get(one.roll))
        )

    def holds(self, row: Candidate) -> bool:
        """Return whether an archived file has to stay for now."""
        if self._is_immediate or row.state is not CandidateState.STORED:
            return False
        return row.candidate_id in self._held

    def _free_rolls(self) -> Mapping[str, str]:
        """Return the generation of every roll whose files may go."""
        if self._when is ReleaseWhen.SEALED:
            return sealed_rolls(self._connection)
        return replicated_rolls(self._connection, self._targets)

    def _named_in(self, roll: str, generation: str) -> BagListing | None:
        """Return what the bag of this generation names; nothing if the roll is just being sealed again."""
        root = ArchiveRoot(self._archive, identity_of(self._connection))
        try:
            return sealed_listing(root, roll, generation)
        except (OSError, ArchiveUnwritableError):
            return None

    def _is_named(self, job_id: int, listing: BagListing | None) -> bool:
        """Return whether a bag names the originals of a frame, with the same content."""
        job = None if listing is None else find_job(self._connection, job_id)
        if listing is None or job is None or not job.request.originals:
            return False
        if listing.algorithm not in ("sha512", "sha256"):
            # What is known of the originals cannot be compared with an MD5.
            return False
        folder = f"data/{job.frame.stem}"
        return all(
            listing.payload.get(f"{folder}/{file.name}") == getattr(file, listing.algorithm)
            for file in job.request.originals
        )
