"""Holds archived source files in their watch folder until the rule of the folder lets them go.

    archived     at once
    sealed       the frame's roll is sealed, and the manifest of its bag names the frame's originals
    replicated   and this bag was verified at every target

The rule is asked anew each time, of the database and of the bag: nothing has to be remembered over a restart.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from filmscand.daemon.archive.files.archive_root import ArchiveRoot
from filmscand.daemon.archive.records.bag import DECLARATION, MANIFEST, TAG_MANIFEST, read_manifest
from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.core.plain_file import read_plain
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
            one.candidate_id for one in stored if not self._is_named(one.job_id, named.get(one.roll, {}))
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

    def _named_in(self, roll: str, generation: str) -> Mapping[Path, str]:
        """Return what the payload manifest of this generation names; nothing if the roll is just being sealed again."""
        root = ArchiveRoot(self._archive, identity_of(self._connection))
        try:
            with root.reading() as top:
                read_plain(top / roll / DECLARATION)
                tags, manifest = read_plain(top / roll / TAG_MANIFEST), read_plain(top / roll / MANIFEST)
            is_right = hashlib.sha256(tags).hexdigest() == generation
            is_listed = read_manifest(tags, Path()).get(Path(MANIFEST)) == hashlib.sha512(manifest).hexdigest()
            return read_manifest(manifest, Path()) if is_right and is_listed else {}
        except (OSError, ArchiveUnwritableError, ValueError):
            return {}

    def _is_named(self, job_id: int, named: Mapping[Path, str]) -> bool:
        """Return whether a bag names the originals of a frame, with the same content."""
        job = find_job(self._connection, job_id) if named else None
        if job is None or not job.request.originals:
            return False
        folder = Path("data", job.frame.stem)
        return all(named.get(folder / file.name) == file.sha512 for file in job.request.originals)
