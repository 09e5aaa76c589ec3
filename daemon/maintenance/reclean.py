"""Cleans archived frames again: with another sensitivity or film, with another engine, or because they failed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_to_read, transaction
from filmscand.daemon.database.frames import Job, JobOutcome, JobState, failed_jobs, find_frame, find_job, jobs_named
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import bound_archive, connect_station, identity_problem
from filmscand.daemon.maintenance.temporary_service import POLL_S, TemporaryService
from filmscand.daemon.station.configuration import Station


class NoSuchFramesError(DaemonError):
    """The station has no frame or roll of this name."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the requests; None keeps the setting of each frame."""

    sensitivity: float | None = None
    film: FilmKind | None = None

    def applied_to(self, request: CleanRequest) -> CleanRequest:
        """Return a frame's request with the changes."""
        changes = {"sensitivity": self.sensitivity, "film": self.film}
        return request.model_copy(update={name: value for name, value in changes.items() if value is not None})


@dataclass(frozen=True, slots=True)
class RecleanedFrame:
    """The result for one frame.

    Attributes
    ----------
    outcome : JobOutcome or None
        None: not finished yet.
    revision : int or None
        The newest revision; None if the frame was not cleaned.
    is_new : bool
        False if the same raw files, options and engine had made this revision before: nothing was added.
    """

    frame: str
    outcome: JobOutcome | None
    revision: int | None
    is_new: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class RecleanReport:
    """The result for all frames; `skipped` frames were queued already or are not in the archive yet."""

    frames: tuple[RecleanedFrame, ...]
    skipped: tuple[str, ...]

    @property
    def exit_status(self) -> Exit:
        """Exit status of the command."""
        return Exit.of(sum(frame.outcome not in (None, JobOutcome.ARCHIVED) for frame in self.frames), len(self.frames))


def selected_frames(connection: sqlite3.Connection, names: Iterable[str], *, failed: bool) -> list[Job]:
    """Return the frames of these names, sorted by frame.

    Parameters
    ----------
    names : iterable of str
        Rolls (`collection/box/roll`) and frames (`collection/box/roll_0007`). Without names: all frames of the station
        that failed or were set aside.
    failed : bool
        Return only frames that failed or were set aside.

    Raises
    ------
    NoSuchFramesError
        A name matches no frame.
    """
    listed = list(names)
    jobs = [job for name in listed for job in _named(connection, name)] if listed else failed_jobs(connection)
    once = {job.job_id: job for job in jobs if not failed or job.outcome in (JobOutcome.FAILED, JobOutcome.SET_ASIDE)}
    return sorted(once.values(), key=lambda job: job.frame)


def queue_again(station: Station, names: Iterable[str], changes: Changes, *, failed: bool = False) -> RecleanReport:
    """Queue frames to be cleaned again, and return at once.

    Parameters
    ----------
    names, failed
        See `selected_frames`.

    Raises
    ------
    NoSuchFramesError
        A name matches no frame.
    RollSealedError
        A frame is in a roll that was sealed and lost the mark of it; no frame is queued then.
    """
    problem = identity_problem(station)
    if problem is not None:
        raise problem
    if not station.database.exists():
        raise NoSuchFramesError(f"{station.database}: this station has never archived a frame")
    with closing(connect_station(station)) as connection:
        jobs = selected_frames(connection, names, failed=failed)
        archive = bound_archive(station, connection)
        for job in jobs:
            archive.require_mark(job.frame)
        return queue_frames(connection, jobs, changes)


def queue_frames(connection: sqlite3.Connection, jobs: Iterable[Job], changes: Changes) -> RecleanReport:
    """Queue those of these frames that are finished; the others are queued already, or not in the archive yet."""
    listed = list(jobs)
    queue, finished = Queue(connection), [job for job in listed if job.state is JobState.FINISHED]
    with transaction(connection):
        for job in finished:
            queue.retry(job.job_id, changes.applied_to(job.request))
    found = [find_job(connection, job.job_id) for job in finished]
    skipped = tuple(str(job.frame) for job in listed if job.state is not JobState.FINISHED)
    return RecleanReport(tuple(_recleaned(job) for job in found if job), skipped)


def follow_cleaning(
    station: Station, config: Path | None, queued: RecleanReport, show: Callable[[RecleanReport], None]
) -> RecleanReport:
    """Wait until queued frames are cleaned; if no service runs on the station, one is started.

    Parameters
    ----------
    config : Path or None
        The station's configuration file, for a service that is started.
    queued : RecleanReport
        The frames, as `queue_again` returned them.
    show : callable
        Called with the results up to now, a few times a second.

    Raises
    ------
    ServiceDiedError
        The service that was started does not stay alive, or this user may not start one.
    """
    with closing(open_to_read(station.database)) as connection, TemporaryService(station, config) as service:
        frames = [FrameId.from_name(one.frame) for one in queued.frames]
        while True:
            found = (find_frame(connection, frame) for frame in frames)
            report = RecleanReport(tuple(_recleaned(job) for job in found if job), queued.skipped)
            show(report)
            if all(frame.outcome is not None for frame in report.frames):
                service.finish()
                return report
            service.keep_running(connection)
            time.sleep(POLL_S)


def _named(connection: sqlite3.Connection, name: str) -> list[Job]:
    parts = name.strip("/").split("/")
    if len(parts) != 3:
        raise NoSuchFramesError(f"expected COLLECTION/BOX/ROLL or COLLECTION/BOX/ROLL_0007, found {name}")
    collection, box, last = parts
    jobs = jobs_named(connection, collection, box, last)
    if not jobs:
        raise NoSuchFramesError(f"the station knows no frame and no roll {name}")
    return jobs


def _recleaned(job: Job) -> RecleanedFrame:
    result = job.result
    revision, is_new = (None, False) if result is None else (result.revision, result.created)
    return RecleanedFrame(str(job.frame), job.outcome, revision, is_new, job.error)
