"""The claims of an import: the rows of its files, and the tools of the watch folders that claim frames."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.files import Tree
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.candidates import ARRIVING, Candidate, Candidates, CandidateState
from filmscand.daemon.database.connection import transaction
from filmscand.daemon.database.frames import Job, find_job
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.claiming.claim import Claimer
from filmscand.daemon.ingest.claiming.halves import Halves
from filmscand.daemon.ingest.claiming.late import LateInfrared, Ledger, Stores
from filmscand.daemon.ingest.pairs.belonging import why_not
from filmscand.daemon.ingest.plan import request_for
from filmscand.daemon.ingest.watching.settling import FileStat
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.station.configuration import Station

_HANDLED = (CandidateState.STORED, CandidateState.RELEASED, CandidateState.DUPLICATE)
# So many rows are changed in one transaction: the service waits for it, and must not wait for long.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Claims:
    """What claims the frames of one import, on the connection of one thread.

    Attributes
    ----------
    claimer, late : Claimer and LateInfrared
        The claims of the watch folders.
    """

    connection: sqlite3.Connection
    archive: Archive
    candidates: Candidates
    claimer: Claimer
    late: LateInfrared

    @classmethod
    def of(cls, station: Station, campaign: Campaign, connection: sqlite3.Connection) -> Claims:
        """Return the claims of an import into a station, on this connection to its database."""
        archive = bound_archive(station, connection)
        candidates = Candidates(connection, str(campaign.path))
        ledger = Ledger(connection, Queue(connection), candidates)
        compare = partial(why_not, memory_limit_bytes=station.workers.memory_limit_mib << 20)
        late = LateInfrared(campaign.path, Stores(archive, Halves(campaign.path, archive), ledger, compare))
        claimer = Claimer(campaign, archive, ledger, late, request_for(station, campaign))
        return cls(connection, archive, candidates, claimer, late)

    def interrupted(self) -> list[tuple[Job, list[Candidate]]]:
        """Return the frames that an earlier import was killed at, with their files."""
        rows = self.candidates.in_state({CandidateState.CLAIMED})
        jobs = [find_job(self.connection, number) for number in dict.fromkeys(row.job_id for row in rows) if number]
        return [(job, [row for row in rows if row.job_id == job.job_id]) for job in jobs if job is not None]

    def forget_unfinished(self) -> None:
        """Forget the files that an earlier import had not decided about."""
        self.forget(self.candidates.in_state({*ARRIVING, CandidateState.AMBIGUOUS, CandidateState.QUARANTINED}))

    def known(self, tree: Tree) -> tuple[dict[str, Job], list[Candidate]]:
        """Return the files that an earlier import took, with their frames, and the rows of what the archive lost."""
        known: dict[str, Job] = {}
        lost: list[Candidate] = []
        for row in self.candidates.in_state(_HANDLED):
            if tree.films.get(row.path) != FileStat(row.size_bytes, row.mtime_ns) or not row.in_place:
                continue
            job = self.job_of(row)
            if job is not None and self._is_held(job):
                known[row.path] = job
            else:
                lost.append(row)
        return known, lost

    def job_of(self, row: Candidate) -> Job | None:
        """Return the frame that a file became, or whose duplicate it is."""
        return None if row.job_id is None else find_job(self.connection, row.job_id)

    def arrive(self, tree: Tree, paths: Iterable[str]) -> list[Candidate]:
        """Return rows for complete files, in one transaction."""
        rows = []
        with transaction(self.connection):
            for path in paths:
                row = self.candidates.see(path, *tree.films[path])
                assert row is not None  # `known` found no row of this file
                row = self.candidates.move(row, CandidateState.SETTLING)
                rows.append(self.candidates.move(row, CandidateState.COMPLETE))
        return rows

    def forget(self, rows: Sequence[Candidate]) -> None:
        """Delete the rows of files that are looked at anew by the next import."""
        for start in range(0, len(rows), _AT_ONCE):
            with transaction(self.connection):
                for row in rows[start : start + _AT_ONCE]:
                    self.candidates.forget(row)

    def release(self) -> None:
        """Note of every stored file that nothing is left to do about it."""
        rows = self.candidates.in_state({CandidateState.STORED})
        for start in range(0, len(rows), _AT_ONCE):
            with transaction(self.connection):
                for row in rows[start : start + _AT_ONCE]:
                    self.candidates.move(row, CandidateState.RELEASED)

    def _is_held(self, job: Job) -> bool:
        # Two files that could be the original are a matter for `filmscand verify`; the picture is there.
        with suppress(IntegrityError):
            return self.archive.find_original(job.frame, Role.RAW) is not None
        return True
