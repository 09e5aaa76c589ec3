"""The watched folders: what each is for, the files in it that are not frames yet, and those that were rejected."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.visible import message_of, visible
from filmscand.daemon.database.candidates import ARRIVING, Candidate, CandidateState, files_in_place
from filmscand.daemon.ingest.watching.put_away import REPORT_ENDING, failed_reports
from filmscand.daemon.station.configuration import Station, Watch

_SHOWN: Final = ARRIVING | {CandidateState.CLAIMED, CandidateState.AMBIGUOUS, CandidateState.QUARANTINED}
# More than that nobody reads in a list; the folder itself has all of them.
_REJECTED_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file of a watched folder that is not a frame yet.

    Attributes
    ----------
    path : str
        Path below the folder.
    state : str
        Its state (`CandidateState`).
    reason : str or None
        What it waits for, or why it is not taken.
    seconds : float
        Time since it came into this state, seconds.
    """

    path: str
    state: str
    reason: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file in `_failed`: its path below the folder, why it was rejected, and when (UTC); empty if unknown."""

    path: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """One watched folder.

    Attributes
    ----------
    path : str
        The folder.
    place : str
        Where its frames go: `collection/box`, and the pattern of the roll.
    film, pair : str
        The kind of film, and whether a picture waits for its infrared.
    files : tuple of FolderFile
        Files that are not frames yet, oldest first.
    rejected : tuple of RejectedFile
        Files in `_failed` that are still there, newest first, at most 200.
    problem : str or None
        Why the folder cannot be read.
    """

    path: str
    place: str
    film: str
    pair: str
    files: tuple[FolderFile, ...]
    rejected: tuple[RejectedFile, ...]
    problem: str | None = None


class _Report(BaseModel):
    """The part of `NAME.error.json` that is shown."""

    message: str = ""
    at: str = ""


def folder_statuses(station: Station, connection: sqlite3.Connection | None) -> list[FolderStatus]:
    """Return the watched folders of a station; without a database no file is known."""
    waiting = [] if connection is None else files_in_place(connection, _SHOWN)
    return [
        _folder_status(watch, [file for file in waiting if file.watch == str(watch.path)]) for watch in station.watch
    ]


def _folder_status(watch: Watch, waiting: Iterable[Candidate]) -> FolderStatus:
    problem = None
    rejected: list[RejectedFile] = []
    try:
        if not watch.path.is_dir():
            problem = "the folder is not there"
        rejected = _rejected(watch.path)
    except OSError as error:
        problem = message_of(error)
    return FolderStatus(
        path=visible(watch.path),
        place=f"{watch.collection}/{watch.box}/{watch.roll}",
        film=str(watch.film),
        pair=str(watch.pair),
        files=tuple(
            FolderFile(visible(one.path), str(one.state), one.reason, max(0.0, time.time() - one.changed_at))
            for one in waiting
        ),
        rejected=tuple(rejected),
        problem=problem,
    )


def _rejected(folder: Path) -> list[RejectedFile]:
    reports = [
        report
        for report in failed_reports(folder)
        if report.with_name(report.name.removesuffix(REPORT_ENDING)).exists()
    ]
    files = [_rejected_file(folder, report) for report in reports]
    return sorted(files, key=lambda file: file.at, reverse=True)[:_REJECTED_SHOWN]


def _rejected_file(folder: Path, report: Path) -> RejectedFile:
    name = visible(str(report.relative_to(folder)).removesuffix(REPORT_ENDING))
    try:
        found = _Report.model_validate_json(read_plain(report))
    except (OSError, ValidationError) as error:
        return RejectedFile(name, f"the reason cannot be read: {message_of(error)}", "")
    return RejectedFile(name, visible(found.message), visible(found.at))
