"""Rolls and frames as the page and the API show them: rows of the queue, and the facts of the sidecar."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from filmscand.daemon.archive.files.source_file import open_below
from filmscand.daemon.archive.records.sidecar import Revision, Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.decision import Drawn, drawn_areas, in_force
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.core.description.record import NOTHING, Description
from filmscand.daemon.core.errors import DaemonError, FrameMissingError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.database.frames import Job, JobOutcome, Roll, find_frame
from filmscand.daemon.database.sheets.rolls import (
    RollCount,
    RollFrame,
    count_by_roll,
    count_roll,
    frames_of_roll,
    neighbours,
)
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.review.flags import Flag
from filmscand.daemon.review.listing import flags_in_roll
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.words import FRAME_WORDS, Reason, frame_look, reason, reasons

# A mask or an access image is at most a few megabytes; a file of this size is none, and is not read into memory.
_PICTURE_LIMIT_BYTES: Final = 64 << 20


class NoSuchFrameError(DaemonError):
    """The station has no such frame, roll, revision or file."""


@dataclass(frozen=True, slots=True)
class RollSummary:
    """A roll and how its frames stand.

    Attributes
    ----------
    roll : str
        Roll as `collection/box/roll`.
    collection, box, name : str
        Its parts.
    title : str
        The name that a person gave it; `name` where none was noted.
    frames : int
        Number of its frames.
    waiting : int
        Frames that are captured, queued or being cleaned.
    archived, failed, set_aside : int
        Finished frames by outcome.
    """

    roll: str
    collection: str
    box: str
    name: str
    title: str
    frames: int
    waiting: int
    archived: int
    failed: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class SheetFrame:
    """A frame of a contact sheet.

    Attributes
    ----------
    frame, stem : str
        Frame as `collection/box/roll_0007`, and its last part.
    number : int
        Number on the roll.
    state : str
        Where it stands in the queue (`JobState`).
    outcome : str or None
        How it finished (`JobOutcome`).
    look, look_words : str
        How it is shown: the outcome or the state, `flagged` where a person should look at it; and the same in words.
    revision : int or None
        The newest revision; None before the first.
    reasons : tuple of Reason
        Flags and cautions in words.
    error : str or None
        The last error.
    verdict : str or None
        How its review ended (`filmscand.daemon.core.decision.Verdict`); None: undecided.
    description : Description
        What people wrote about it.
    turned : str
        Which way up it is shown, as addresses of pictures name it: `0`, `90m`.
    """

    frame: str
    stem: str
    number: int
    state: str
    outcome: str | None
    look: str
    look_words: str
    revision: int | None
    reasons: tuple[Reason, ...]
    error: str | None
    verdict: str | None
    description: Description
    turned: str


@dataclass(frozen=True, slots=True)
class RollDetails:
    """A roll with its frames by number."""

    summary: RollSummary
    frames: tuple[SheetFrame, ...]


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """All that the station knows about a frame.

    Attributes
    ----------
    sheet : SheetFrame
        Where it stands.
    roll : str
        Its roll as `collection/box/roll`.
    source : str
        File or scanner that it came from.
    created_at, finished_at : float or None
        When it was taken, and when its cleaning ended, seconds since the epoch.
    seconds : float or None
        Time for cleaning, seconds.
    sensitivity, film : float and str
        With what it is cleaned, or is to be cleaned next.
    areas : Drawn
        The areas that are in force: in which nothing is healed, and in which everything is.
    can_undo : bool
        Whether there is a decision to undo.
    before, after : str or None
        Stems of its neighbours on the roll.
    sidecar : Sidecar or None
        The record in the archive; None where there is none yet, or it cannot be read.
    sidecar_problem : str or None
        Why it cannot be read.
    """

    sheet: SheetFrame
    roll: str
    source: str
    created_at: float
    finished_at: float | None
    seconds: float | None
    sensitivity: float
    film: str
    areas: Drawn
    can_undo: bool
    before: str | None
    after: str | None
    sidecar: Sidecar | None
    sidecar_problem: str | None


def roll_summaries(connection: sqlite3.Connection) -> list[RollSummary]:
    """Return every roll that has a frame, by name."""
    return [_summary(count) for count in count_by_roll(connection)]


def roll_summary(connection: sqlite3.Connection, roll: Roll) -> RollSummary:
    """Return how the frames of one roll stand.

    Raises
    ------
    NoSuchFrameError
        It has no frames.
    """
    count = count_roll(connection, roll)
    if count is None:
        raise NoSuchFrameError(f"the station has no roll {roll.collection}/{roll.box}/{roll.roll}")
    return _summary(count)


def roll_details(connection: sqlite3.Connection, roll: Roll) -> RollDetails:
    """Return a roll with its frames.

    Raises
    ------
    NoSuchFrameError
        It has no frames.
    """
    summary = roll_summary(connection, roll)
    return RollDetails(summary, tuple(_sheet_frame(frame) for frame in frames_of_roll(connection, roll)))


def frame_facts(station: Station, connection: sqlite3.Connection, frame: FrameId) -> FrameFacts:
    """Return all that the station knows about a frame; it reads the sidecar in the archive.

    Raises
    ------
    NoSuchFrameError
        The station does not know the frame.
    """
    job = require_known(connection, frame)
    sidecar, problem = _sidecar(station, connection, job)
    before, after = neighbours(connection, frame)
    decisions = () if sidecar is None else sidecar.decisions
    return FrameFacts(
        sheet=_sheet_of_job(job, flags_in_roll(connection, frame), None if sidecar is None else sidecar.description),
        roll=str(frame.roll_folder),
        source=job.source,
        created_at=job.created_at,
        finished_at=job.finished_at,
        seconds=None if job.result is None else job.result.seconds.get("total"),
        sensitivity=job.request.sensitivity,
        film=str(job.request.film),
        areas=drawn_areas(decisions),
        can_undo=bool(in_force(decisions)),
        before=None if before is None else before.stem,
        after=None if after is None else after.stem,
        sidecar=sidecar,
        sidecar_problem=problem,
    )


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the archive: its file, how it lies there, and how people want its frame to be shown."""

    file: StoredFile
    has: Orientation
    described: Orientation


def stored_picture(
    station: Station, connection: sqlite3.Connection, frame: FrameId, role: Role, revision: int | None
) -> StoredPicture:
    """Return a frame's access image or mask.

    Parameters
    ----------
    revision : int or None
        Number of the revision; None: the one that counts.

    Raises
    ------
    NoSuchFrameError
        The station does not know the frame, or it has no such revision or file.
    """
    archive, sidecar = read_known(station, connection, frame)
    found = sidecar.current if revision is None else numbered_revision(sidecar, revision)
    file = next((file for file in found.files if file.role is role), None)
    if file is None:
        raise NoSuchFrameError(f"{frame}: revision {found.number} has no file for {role}")
    archive.frame_folder(frame).require_own(file)
    return StoredPicture(file, found.orientation if role is Role.ACCESS else UPRIGHT, sidecar.orientation)


def read_stored(station: Station, frame: FrameId, file: StoredFile) -> bytes:
    """Return the content of a file that the sidecar names; no link is followed below the archive.

    Raises
    ------
    IntegrityError
        Its size is not the recorded one.
    """
    if file.size_bytes <= _PICTURE_LIMIT_BYTES:
        with open_below(station.archive, str(frame.folder / file.name)) as opened:
            content = opened.read(file.size_bytes + 1) or b""
        if len(content) == file.size_bytes:
            return content
    raise IntegrityError(f"{frame}: {file.name} has not the size that its sidecar tells; run `filmscand verify`")


def read_known(station: Station, connection: sqlite3.Connection, frame: FrameId) -> tuple[Archive, Sidecar]:
    """Return the archive and the sidecar of a frame.

    Raises
    ------
    NoSuchFrameError
        The station does not know the frame, or it has no revision.
    """
    require_known(connection, frame)
    archive = bound_archive(station, connection)
    try:
        return archive, archive.read_sidecar(frame)
    except FrameMissingError as error:
        raise NoSuchFrameError(f"{frame} has no revision yet") from error


def numbered_revision(sidecar: Sidecar, number: int) -> Revision:
    """Return a revision by its number.

    Raises
    ------
    NoSuchFrameError
        There is none.
    """
    found = next((one for one in sidecar.revisions if one.number == number), None)
    if found is None:
        raise NoSuchFrameError(f"{sidecar.frame_id} has no revision {number}")
    return found


def require_known(connection: sqlite3.Connection, frame: FrameId) -> Job:
    """Return the row of a frame.

    Raises
    ------
    NoSuchFrameError
        The station does not know it.
    """
    job = find_frame(connection, frame)
    if job is None:
        raise NoSuchFrameError(f"the station has no frame {frame}")
    return job


def _sidecar(station: Station, connection: sqlite3.Connection, job: Job) -> tuple[Sidecar | None, str | None]:
    try:
        return bound_archive(station, connection).read_sidecar(job.frame), None
    except FrameMissingError:
        # A frame that waits for its first cleaning has none yet.
        expected = job.outcome is JobOutcome.ARCHIVED
        return None, "the archive has no sidecar of this frame" if expected else None
    except DaemonError as error:
        return None, str(error)


def _summary(count: RollCount) -> RollSummary:
    roll = count.roll
    return RollSummary(
        roll=f"{roll.collection}/{roll.box}/{roll.roll}",
        collection=roll.collection,
        box=roll.box,
        name=roll.roll,
        title=count.name or roll.roll,
        frames=count.frames,
        waiting=count.waiting,
        archived=count.archived,
        failed=count.failed,
        set_aside=count.set_aside,
    )


def _sheet_frame(frame: RollFrame) -> SheetFrame:
    codes = (*frame.flags, *frame.warnings)
    look = frame_look(str(frame.state), frame.outcome and str(frame.outcome), codes, frame.verdict)
    return SheetFrame(
        frame=frame.frame,
        stem=frame.stem,
        number=frame.number,
        state=str(frame.state),
        outcome=None if frame.outcome is None else str(frame.outcome),
        look=look,
        look_words=FRAME_WORDS[look],
        revision=frame.revision,
        reasons=reasons(codes),
        error=frame.error,
        verdict=frame.verdict,
        description=frame.description,
        turned=frame.description.orientation.word,
    )


def _sheet_of_job(job: Job, flags: Iterable[Flag], description: Description | None) -> SheetFrame:
    """Return where a frame stands, with the numbers of its flags and those by which it differs from its roll."""
    sheet = _sheet_frame(
        RollFrame(
            frame=str(job.frame),
            stem=job.frame.stem,
            number=job.frame.number,
            state=job.state,
            outcome=job.outcome,
            revision=None if job.result is None else job.result.revision,
            flags=job.request.flags,
            warnings=() if job.result is None else job.result.warnings,
            error=job.error,
            verdict=None if job.result is None else job.result.verdict,
            description=description or NOTHING,
        )
    )
    numbered = {flag.code: replace(reason(flag.code), number=flag.number) for flag in flags}
    all_reasons = {**{one.code: one for one in sheet.reasons}, **numbered}
    look = frame_look(sheet.state, sheet.outcome, all_reasons, sheet.verdict)
    return replace(sheet, reasons=tuple(all_reasons.values()), look=look, look_words=FRAME_WORDS[look])
