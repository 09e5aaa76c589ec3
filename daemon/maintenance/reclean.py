"""Queues archived frames to be cleaned again: with another sensitivity or film, with another engine, or failed ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from filmscand.daemon.core.errors import DaemonError, FrameIdError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.cleanings import FrameCleaning, chosen_cleanings
from filmscand.daemon.database.sheets.selection import Selector
from filmscand.daemon.maintenance.identity import bound_archive, connect_station, identity_problem
from filmscand.daemon.station.configuration import Station


class NoSuchFramesError(DaemonError):
    """The station has no such frames."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of the requests; None keeps the setting of each frame."""

    sensitivity: float | None = None
    film: FilmKind | None = None

    @property
    def fields(self) -> Mapping[str, float | str]:
        """The fields of `CleanRequest` that change."""
        changes = {"sensitivity": self.sensitivity, "film": self.film}
        return {name: value for name, value in changes.items() if value is not None}


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


def selected_frames(
    connection: sqlite3.Connection, names: Iterable[str], *, failed: bool = False
) -> Iterator[FrameCleaning]:
    """Yield the frames of these names, each once.

    Parameters
    ----------
    names : iterable of str
        Collections, boxes, rolls, frames and ranges of frames; see `Selector.parse`. Without names: all frames of the
        station.
    failed : bool
        Only frames that failed or were set aside.

    Raises
    ------
    NoSuchFramesError
        A name matches no frame.
    """
    listed, seen = list(names), set[int]()
    if not listed:
        yield from chosen_cleanings(connection, None, failed=failed)
    for name in listed:
        found = False
        for one in chosen_cleanings(connection, _selector(name)):
            found = True
            if one.job_id not in seen and (not failed or one.outcome in (JobOutcome.FAILED, JobOutcome.SET_ASIDE)):
                seen.add(one.job_id)
                yield one
        if not found:
            raise NoSuchFramesError(f"{name}: the station has no frame of this name, and no roll, box or collection")


def queue_again(station: Station, names: Iterable[str], changes: Changes, *, failed: bool = False) -> RecleanReport:
    """Queue frames to be cleaned again, and return at once.

    Parameters
    ----------
    names : iterable of str
        See `selected_frames`; without names, those that failed or were set aside.

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
    listed = list(names)
    with closing(connect_station(station)) as connection:
        frames = list(selected_frames(connection, listed, failed=failed or not listed))
        archive = bound_archive(station, connection)
        for one in frames:
            archive.require_cleanable(one.frame)
        return queue_frames(connection, frames, changes)


def queue_frames(connection: sqlite3.Connection, frames: Iterable[FrameCleaning], changes: Changes) -> RecleanReport:
    """Queue those of these frames that are finished; the others are queued already, or not in the archive yet."""
    listed = list(frames)
    finished = [one.job_id for one in listed if one.state is JobState.FINISHED]
    queued = Queue(connection).retry_all(finished, changes.fields)
    return RecleanReport(
        tuple(RecleanedFrame(str(one.frame), None, None, False, None) for one in listed if one.job_id in queued),
        tuple(str(one.frame) for one in listed if one.job_id not in queued),
    )


def _selector(name: str) -> Selector:
    try:
        return Selector.parse(name)
    except FrameIdError as error:
        raise NoSuchFramesError(f"{name}: {error}") from error
