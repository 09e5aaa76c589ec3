"""The state of a station, read from its database and its disks; it works with and without a running service."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.core.process_id import is_alive
from filmscand.daemon.core.request import ReportRecord
from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarm, Alarms, session_alarm
from filmscand.daemon.database.candidates import (
    MAX_PAUSE_S,
    Candidate,
    CandidateState,
    count_arriving,
    files_dated_ahead,
    files_in_place,
    files_incomplete,
    paths_arriving,
)
from filmscand.daemon.database.connection import open_to_read, schema_version
from filmscand.daemon.database.frames import (
    Job,
    JobOutcome,
    JobState,
    count_frames,
    held_frames,
    last_finished,
)
from filmscand.daemon.database.keeping.audits import AuditSummary, frozen_rolls, summarize_audits
from filmscand.daemon.database.keeping.replicas import TargetStatus, target_statuses
from filmscand.daemon.database.room import room_problem
from filmscand.daemon.database.service_record import find_service
from filmscand.daemon.database.session_records import HALTED, Session, SessionState, Taken
from filmscand.daemon.database.sessions import SESSIONS_SCHEMA, Sessions
from filmscand.daemon.ingest.watching.put_away import REPORT_ENDING, failed_reports
from filmscand.daemon.maintenance.identity import identity_problem
from filmscand.daemon.maintenance.room import room_for_frames, space_alarms
from filmscand.daemon.station.configuration import Station

# Key of the alarm that the database is missing, or not the one that the archive was written with.
DATABASE_ALARM = "database"
_LAST_FRAMES = 20
_LAST_SESSIONS = 3
# As many names as fit on a line or two.
_ARRIVING_SHOWN = 5
_WAITING = (CandidateState.WAIT_PAIR, CandidateState.AMBIGUOUS, CandidateState.QUARANTINED)
# The alarm about a clock that is wrong stands for a day after the last file that it dated, seconds.
_DATED_AHEAD_S = 86400.0


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """Whether the service runs; if it does, its process number, and its start in seconds since the epoch."""

    running: bool
    pid: int | None
    started_at: float | None


@dataclass(frozen=True, slots=True)
class FrameStatus:
    """One finished frame.

    Attributes
    ----------
    frame : str
        Frame as `collection/box/roll_0007`.
    outcome : str
        How it finished (`Outcome`).
    source : str
        Where it came from: a path in a watch folder, or a scanner.
    finished_at : float or None
        Seconds since the epoch.
    leakage : float or None
        Slope of infrared density on red density.
    threshold : float or None
        Infrared density above which a region counts as a defect.
    defects : int or None
        Number of defects found.
    seconds : float or None
        Time for cleaning, seconds.
    error : str or None
        Why it failed.
    reasons : tuple of str
        Reason codes: the flags of what happened before cleaning, and the cautions of the engine.
    """

    frame: str
    outcome: str
    source: str
    finished_at: float | None
    leakage: float | None
    threshold: float | None
    defects: int | None
    seconds: float | None
    error: str | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file in a watch folder that waits for its other half, its missing part or a person; `reason` says why."""

    watch: str
    path: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """One scanning session.

    Attributes
    ----------
    session : int
        Number of the session.
    roll : str
        Roll as `collection/box/roll`.
    device : str
        Name of the scanner for SANE.
    state : str
        State of the session (`SessionState`).
    reason : str or None
        Why it finished (`FinishReason`).
    frames : int or None
        Number of slides to scan; None: until the magazine is empty.
    captured, lost : int
        Number of slides in the archive, and of slides that the scanner moved past.
    fraction : float
        Part of the current frame that has been read, 0..1.
    message, advice : str
        The last problem, and what a person should do about it.
    waits_at_slide : bool
        Whether the session is halted at a slide, which can be left out.
    """

    session: int
    roll: str
    device: str
    state: str
    reason: str | None
    frames: int | None
    captured: int
    lost: int
    fraction: float
    message: str
    advice: str
    waits_at_slide: bool = False


@dataclass(frozen=True, slots=True)
class StationStatus:
    """The state of a station at a glance.

    Attributes
    ----------
    service : ServiceStatus
        Whether the service runs.
    states, outcomes : mapping of str to int
        Number of frames in each state, and with each outcome.
    in_work : tuple of str
        Frames that a worker is cleaning.
    alarms : tuple of Alarm
        Alarms that are not cleared.
    arriving : int
        Number of files in the watch folders that are not in the archive yet.
    waiting : tuple of WaitingFile
        Files that wait for their other half or for a person, and those that have been incomplete for a minute.
    failed_files : int
        Number of files in the folders `_failed` of the watch folders.
    last_frames : tuple of FrameStatus
        The last finished frames, newest first.
    sessions : tuple of SessionStatus
        All unfinished scanning sessions and the last finished ones, newest first.
    free_bytes, free_frames : int or None
        Free space for the archive; None if its disk does not answer.
    left_s : float or None
        Seconds until all queued frames are cleaned, from the median time of the last frames; None if unknown.
    arriving_files : tuple of str
        Paths of the first five of the files that are arriving.
    audit, replication : AuditSummary or None, tuple of TargetStatus
        How far the audit is, None without a database of this version; how the copies at each target stand.
    """

    service: ServiceStatus
    states: Mapping[str, int]
    outcomes: Mapping[str, int]
    in_work: tuple[str, ...]
    alarms: tuple[Alarm, ...]
    arriving: int
    waiting: tuple[WaitingFile, ...]
    failed_files: int
    last_frames: tuple[FrameStatus, ...]
    sessions: tuple[SessionStatus, ...]
    free_bytes: int | None
    free_frames: int | None
    left_s: float | None
    arriving_files: tuple[str, ...] = ()
    audit: AuditSummary | None = None
    replication: tuple[TargetStatus, ...] = ()


def station_status(station: Station) -> StationStatus:
    """Return the state of a station.

    Raises
    ------
    sqlite3.Error
        The database exists, but cannot be read.
    """
    if not station.database.exists():
        return _never_run(station)
    with closing(open_to_read(station.database)) as connection:
        if schema_version(connection) == 0:
            # The service is just creating the database.
            return _never_run(station)
        counts = count_frames(connection)
        last = last_finished(connection, _LAST_FRAMES)
        room = room_for_frames(station, connection)
        return StationStatus(
            service=service_status(connection),
            states={str(state): sum(n for (s, _), n in counts.items() if s is state) for state in JobState},
            outcomes={str(outcome): counts.get((JobState.FINISHED, outcome), 0) for outcome in JobOutcome},
            in_work=tuple(str(held.job.frame) for held in held_frames(connection)),
            alarms=(
                *_with_identity_alarms(station, recorded_alarms(connection)),
                *space_alarms(station, room),
                *_database_alarms(station),
            ),
            arriving=count_arriving(connection),
            waiting=_waiting_files(connection),
            failed_files=_count_failed(station),
            last_frames=tuple(_frame_status(job) for job in last),
            sessions=session_statuses(connection),
            free_bytes=room.free_bytes,
            free_frames=room.frames,
            left_s=_left_s(counts, last, station.workers.count),
            arriving_files=tuple(paths_arriving(connection, _ARRIVING_SHOWN)),
            audit=summarize_audits(connection, time.time() - station.audit.every_s),
            replication=target_statuses(connection),
        )


def _never_run(station: Station) -> StationStatus:
    room = room_for_frames(station)
    return StationStatus(
        service=ServiceStatus(False, None, None),
        states={str(state): 0 for state in JobState},
        outcomes={str(outcome): 0 for outcome in JobOutcome},
        in_work=(),
        alarms=(*_identity_alarms(station), *space_alarms(station, room)),
        arriving=0,
        waiting=(),
        failed_files=_count_failed(station),
        last_frames=(),
        sessions=(),
        free_bytes=room.free_bytes,
        free_frames=room.frames,
        left_s=None,
    )


def service_status(connection: sqlite3.Connection) -> ServiceStatus:
    """Return whether a service runs on the station of this database."""
    service = find_service(connection)
    if service is None or not is_alive(service.process):
        return ServiceStatus(False, None, None)
    return ServiceStatus(True, service.process.pid, service.started_at)


def recorded_alarms(connection: sqlite3.Connection) -> tuple[Alarm, ...]:
    """Return the alarms that the database knows of: those that are raised, and those that follow from its rows."""
    standing = Alarms(connection).standing()
    keys = {alarm.key for alarm in standing}
    halted = [alarm for alarm in _session_alarms(connection) if alarm.key not in keys]
    # Derived here: a damaged roll stays damaged when the service stops.
    return (*standing, *halted, *_time_alarms(connection), *(roll.alarm() for roll in frozen_rolls(connection)))


def _session_alarms(connection: sqlite3.Connection) -> tuple[Alarm, ...]:
    # Derived here: a session stays halted when the service stops, and its alarm ends with the thread that raised it.
    if schema_version(connection) < SESSIONS_SCHEMA:
        return ()
    halted = [one for one in Sessions(connection).unfinished() if one.state is SessionState.ATTENTION]
    return tuple(_session_alarm(session) for session in halted)


def _session_alarm(session: Session) -> Alarm:
    key, message = session_alarm(session.session_id, session.plan.roll, session.message, session.advice)
    return Alarm(key, message, session.changed_at, session.changed_at, 1)


def _with_identity_alarms(station: Station, alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    keys = {alarm.key for alarm in alarms}
    return (*alarms, *(alarm for alarm in _identity_alarms(station) if alarm.key not in keys))


def _identity_alarms(station: Station) -> tuple[Alarm, ...]:
    # Derived here: without the service nobody raises it, and without the database nobody can.
    problem = identity_problem(station)
    if problem is None:
        return ()
    key = ARCHIVE_ALARM if isinstance(problem, ArchiveUnwritableError) else DATABASE_ALARM
    return (Alarm(key, str(problem), 0.0, 0.0, 1),)


def _time_alarms(connection: sqlite3.Connection) -> tuple[Alarm, ...]:
    # Derived here: the files may be archived and gone, and the clock that was wrong is none of ours.
    ahead = files_dated_ahead(connection, time.time() - _DATED_AHEAD_S)
    watches = dict.fromkeys(file.watch for file in ahead)
    return tuple(_time_alarm(watch, [file for file in ahead if file.watch == watch]) for watch in watches)


def _time_alarm(watch: str, ahead: list[Candidate]) -> Alarm:
    count = "a file has" if len(ahead) == 1 else f"{len(ahead)} files have"
    message = (
        f"{watch}: {count} a time of change in the future, the last: {ahead[-1].path}. Set the clock of the camera, "
        "computer or server that wrote it. It is taken all the same, and its frame is flagged time_in_future"
    )
    return Alarm(f"time:{watch}", message, ahead[0].seen_at, ahead[-1].seen_at, len(ahead))


def _database_alarms(station: Station) -> tuple[Alarm, ...]:
    # Derived here for the same reason.
    problem = room_problem(station.database)
    return () if problem is None else (Alarm(DATABASE_ALARM, problem, 0.0, 0.0, 1),)


def _waiting_files(connection: sqlite3.Connection) -> tuple[WaitingFile, ...]:
    waiting = [*files_in_place(connection, _WAITING), *files_incomplete(connection, time.time() - MAX_PAUSE_S)]
    return tuple(WaitingFile(one.watch, one.path, str(one.state), one.reason) for one in waiting)


def _count_failed(station: Station) -> int:
    try:
        reports = [file for watch in station.watch for file in failed_reports(watch.path)]
        return sum(file.with_name(file.name.removesuffix(REPORT_ENDING)).exists() for file in reports)
    except OSError:
        # A share that does not answer has an alarm of its own.
        return 0


def _frame_status(job: Job) -> FrameStatus:
    result = job.result
    report = ReportRecord() if result is None else result.report
    return FrameStatus(
        frame=str(job.frame),
        outcome=str(job.outcome),
        source=job.source,
        finished_at=job.finished_at,
        leakage=report.leakage.red,
        threshold=report.threshold,
        defects=report.defects_found,
        seconds=None if result is None else result.seconds.get("total"),
        error=job.error,
        reasons=(*job.request.flags, *(() if result is None else result.warnings)),
    )


def session_statuses(connection: sqlite3.Connection) -> tuple[SessionStatus, ...]:
    """Return all unfinished scanning sessions and the last finished ones, newest first."""
    if schema_version(connection) < SESSIONS_SCHEMA:
        return ()
    sessions = Sessions(connection)
    shown = {session.session_id: session for session in (*sessions.newest(_LAST_SESSIONS), *sessions.unfinished())}
    return tuple(_session_status(sessions, shown[number]) for number in sorted(shown, reverse=True))


def _session_status(sessions: Sessions, session: Session) -> SessionStatus:
    taken = [frame.taken for frame in sessions.frames(session.session_id)]
    return SessionStatus(
        session=session.session_id,
        roll=str(session.plan.frame(session.plan.first_number).roll_folder),
        device=session.plan.device,
        state=str(session.state),
        reason=None if session.reason is None else str(session.reason),
        frames=session.plan.frames,
        captured=taken.count(Taken.CAPTURED),
        lost=taken.count(Taken.LOST),
        fraction=session.fraction,
        message=session.message,
        advice=session.advice,
        waits_at_slide=session.state in HALTED and taken[-1:] == [Taken.RESERVED],
    )


def _left_s(counts: Mapping[tuple[JobState, JobOutcome | None], int], last: list[Job], workers: int) -> float | None:
    seconds = [job.result.seconds["total"] for job in last if job.result and "total" in job.result.seconds]
    waiting = sum(counts.get((state, None), 0) for state in (JobState.QUEUED, JobState.PROCESSING))
    if not waiting:
        return 0.0
    return waiting * statistics.median(seconds) / workers if seconds else None
